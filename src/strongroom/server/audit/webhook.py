"""Audit events posted to a webhook, as ``audit.k8s.io/v1`` EventLists.

Other than upstream, which gives a batch up after five calls, this goes on calling while the webhook
is away, up to a minute apart: what cannot be delivered meanwhile waits in the buffer, whose size
bounds it. Given up is what the webhook refuses five times for what it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from strongroom.server.audit.batching import Batches
from strongroom.server.audit.losses import Losses
from strongroom.server.audit.options import WebhookOptions
from strongroom.server.webhook_endpoint import WebhookEndpoint

if TYPE_CHECKING:
    from strongroom.server.posting import NotHeard, Poster

TIMEOUT = 30.0
"""Seconds that a call may take."""

GRACE = 5.0
"""Seconds at the end of the server in which what is buffered may still be delivered."""

_FACTOR, _JITTER = 1.5, 0.2
_LONGEST = 60.0
_REFUSALS = 5
_MAX_ANSWER = 1024 * 1024
_BEGIN = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":['


class WebhookSink:
    """Posts events. ``close`` delivers what is buffered."""

    def __init__(
        self,
        options: WebhookOptions,
        endpoint: WebhookEndpoint,
        losses: Losses,
        overflow: Losses,
    ) -> None:
        self._options = options
        self._endpoint = endpoint
        self._losses = losses
        batch = options.batch
        if options.mode != "batch":
            # At once, with all that came while the last batch was under way.
            batch = replace(batch, max_wait=0.0, throttle_enable=False)
            batch = replace(
                batch, buffer_size=batch.buffer_size or 10_000, max_size=batch.max_size or 400
            )
        most = options.truncate.max_batch_size if options.truncate.enabled else 0
        self._batches = Batches(batch, self._deliver, overflow, most=most)
        self._closing = asyncio.Event()
        self._poster: Poster | None = None

    def write(self, line: bytes) -> None:
        self._batches.write(line)

    async def settle(self) -> bool:
        """Wait until the webhook has what was taken so far; in mode ``blocking``, or has failed."""
        arrived = await self._batches.settle()
        return arrived or self._options.mode == "blocking"

    async def close(self) -> None:
        """Deliver what is buffered, for a bounded time."""
        self._closing.set()
        await self._batches.close(GRACE)
        if self._poster is not None:
            await self._poster.close()

    async def _deliver(self, batch: Sequence[bytes]) -> None:
        from strongroom.server.posting import NotHeard

        body = b"%b%b]}" % (_BEGIN, b",".join(line.rstrip() for line in batch))
        delay, refusals = self._options.initial_backoff, 0
        while True:
            try:
                await self._post(body)
            except NotHeard as error:
                refusals += _is_refusal(error)
                if self._closing.is_set() or refusals == _REFUSALS:
                    self._losses.lost(len(batch), why=str(error))
                    return
                self._losses.lost(0, why=str(error))
            else:
                self._losses.works()
                self._batches.stuck(False)
                return
            self._batches.stuck(True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay * (1 + _JITTER * random.random())):  # noqa: S311 - spreads load
                    await self._closing.wait()
            delay = min(delay * _FACTOR, max(_LONGEST, self._options.initial_backoff))

    async def _post(self, body: bytes) -> None:
        """Raises NotHeard."""
        # The HTTP client takes long to import, and most servers have no webhook.
        from strongroom.server.posting import Letter, NotHeard, Place, Poster

        if self._poster is None:
            self._poster = Poster()
        endpoint = self._endpoint
        try:
            credentials = endpoint.credentials()
        except (OSError, UnicodeDecodeError):
            raise NotHeard("the token file of the kubeconfig cannot be read") from None
        headers = {"User-Agent": "kube-apiserver"}
        if credentials:
            headers["Authorization"] = credentials
        # A query may hold a credential.
        shown = endpoint.url.partition("?")[0]
        place = Place(endpoint.url, shown, endpoint.server_name)
        letter = Letter(body, headers, range(200, 300), _MAX_ANSWER)
        await self._poster.post(place, endpoint.context, letter, TIMEOUT)


def _is_refusal(error: NotHeard) -> bool:
    """Whether the webhook is there and wants none of this; it may want the next batch."""
    return 400 <= error.code < 500 and error.code not in (401, 403, 408, 429)
