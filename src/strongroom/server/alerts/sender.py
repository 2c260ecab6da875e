"""Sends alerts to a webhook: each once, in order, with patience, and never in anybody's way."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.api.codec import encode
from strongroom.kubeconfig import InvalidKubeconfig
from strongroom.resources.secretalert import SECRET_ALERTS, SecretAlert, severity_rank
from strongroom.server.alerts.policy_file import Webhook, seconds
from strongroom.server.reloading import BadFile
from strongroom.server.webhook_endpoint import WebhookEndpoint, read_endpoint
from strongroom.telemetry import log

if TYPE_CHECKING:
    from strongroom.server.posting import Poster

logger = logging.getLogger("strongroom.server.alerts")

MOST_WAITING = 100
"""Alerts that wait to be sent; beyond, the least severe and of them the oldest is not sent: so
nobody can drive an alert out by raising many that matter less."""

DELAYS = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds between the tries; after the last the alert is not sent."""

_LARGEST_ANSWER = 64 * 1024


class Sender:
    """Sends to where ``use`` says. ``lost`` is called for each alert that is not sent."""

    def __init__(self, lost: Callable[[], None], delays: Sequence[float] = DELAYS) -> None:
        self._lost = lost
        self._delays = delays
        self._endpoint: WebhookEndpoint | None = None
        self._seconds = 0.0
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._poster: Poster | None = None

    def use(self, webhook: Webhook | None) -> None:
        """Send there from now on. Raises BadFile."""
        if webhook is None:
            self._endpoint = None
            return
        self._seconds = seconds(webhook.timeout)
        self._endpoint = endpoint_of(webhook)

    def send(self, alert: SecretAlert) -> None:
        """Have an alert sent, if there is a webhook."""
        if self._endpoint is None:
            return
        alert.apiVersion, alert.kind = SECRET_ALERTS.api_version, SECRET_ALERTS.kind
        self._waiting.append((severity_rank(alert), encode(alert)))
        if len(self._waiting) > MOST_WAITING:
            # The first of equals.
            self._waiting.remove(min(self._waiting, key=lambda one: one[0]))
            self._lost()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Send no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._poster is not None:
            await self._poster.close()

    async def _run(self) -> None:
        while self._waiting:
            _, body = self._waiting.popleft()
            if not await self._deliver(body):
                self._lost()

    async def _deliver(self, body: bytes) -> bool:
        """Try until it is there; whether it is."""
        from strongroom.server.posting import NotHeard

        for delay in (*self._delays, None):
            try:
                await self._post(body)
            except (NotHeard, OSError, UnicodeDecodeError) as error:
                if delay is None:
                    log(logger, logging.ERROR, "an alert could not be sent", error)
                    return False
                await asyncio.sleep(delay)
            else:
                return True
        return False

    async def _post(self, body: bytes) -> None:
        # Imported here: the HTTP client is a quarter of all imports, and most have no webhook.
        from strongroom.server.posting import Letter, Place, Poster

        endpoint = self._endpoint
        if endpoint is None:
            return
        if self._poster is None:
            self._poster = Poster()
        credentials = endpoint.credentials()
        headers = {"User-Agent": "strongroom-alerts"}
        headers |= {"Authorization": credentials} if credentials else {}
        # What stands in a query may be a credential: it is not told in errors.
        place = Place(endpoint.url, endpoint.url.partition("?")[0], endpoint.server_name)
        letter = Letter(body, headers, range(200, 300), _LARGEST_ANSWER)
        await self._poster.post(place, endpoint.context, letter, self._seconds)


def endpoint_of(webhook: Webhook) -> WebhookEndpoint:
    """Where a policy's webhook is. Raises BadFile."""
    if webhook.kubeconfig:
        try:
            return read_endpoint(Path(webhook.kubeconfig))
        except InvalidKubeconfig as error:
            raise BadFile(str(error)) from None
    try:
        context = ssl.create_default_context(cafile=webhook.caFile or None)
    except (OSError, ssl.SSLError):
        raise BadFile(f"{webhook.caFile}: no certificates can be read from it") from None
    token = Path(webhook.tokenFile) if webhook.tokenFile else None
    return WebhookEndpoint(webhook.url, None, context, lambda: _bearer(token), ())


def _bearer(file: Path | None) -> str:
    # Read for each call: such tokens are renewed under their bearer's feet.
    return f"Bearer {file.read_text().strip()}" if file is not None else ""
