"""Putting reviews to webhooks over HTTPS: one call, or several where trying again may help.

Retries are upstream's (``k8s.io/apiserver/pkg/util/webhook``): five calls at most, after a broken
connection, 500, 504, 429 and whatever says ``Retry-After``. No review is ever logged, nor a part.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from strongroom.access.review import ReviewFailed
from strongroom.api.clock import Clock
from strongroom.server.webhook_endpoint import WebhookEndpoint

if TYPE_CHECKING:
    from strongroom.server.posting import NotHeard, Poster

T = TypeVar("T")

MAX_ANSWER = 1024 * 1024
"""Most bytes of an answer, which holds a few names and a sentence."""

TIMEOUT = 30.0
"""Seconds that a call may take where nothing else is said."""

DELAYS = (0.5, 0.75, 1.125, 1.6875)
"""Seconds between the calls, each lengthened by up to a fifth."""

LONGEST_WAIT = 10.0
"""Seconds that a webhook's ``Retry-After`` may make somebody wait."""

_JITTER = 0.2
_RETRIED = (429, 500, 504)
_ANSWERED = range(200, 207)

Counted = Callable[[str, int, float], None]
"""Told of each call: ``success``, ``timeout``, ``error`` or ``canceled``, the HTTP status, or 0
where none came, and how many seconds it took."""


def _uncounted(result: str, code: int, seconds: float) -> None:
    pass


class ReviewClient:
    """Fulfils ``access.review.Reviewer``. ``close`` ends connections."""

    def __init__(
        self,
        endpoint: WebhookEndpoint,
        clock: Clock,
        *,
        seconds: float = TIMEOUT,
        delays: Sequence[float] = DELAYS,
        counted: Counted = _uncounted,
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._seconds = seconds
        self._delays = tuple(delays)
        self._counted = counted
        self._poster: Poster | None = None
        self._asking = 0
        self._retired = False

    async def close(self) -> None:
        """Close all connections."""
        poster, self._poster = self._poster, None
        if poster is not None:
            await poster.close()

    async def retire(self) -> None:
        """Close them as soon as nobody waits for an answer, whoever is about to ask included."""
        self._retired = True
        if not self._asking:
            await self.close()

    async def ask(self, body: bytes, read: Callable[[bytes], T]) -> T:
        """What ``read`` makes of the answer. Raises ReviewFailed."""
        self._asking += 1
        try:
            return await self._ask(body, read)
        finally:
            self._asking -= 1
            if self._retired and not self._asking:
                await self.close()

    async def _ask(self, body: bytes, read: Callable[[bytes], T]) -> T:
        from strongroom.server.posting import NotHeard

        for delay in (*self._delays, None):
            try:
                return await self._call(body, read)
            except NotHeard as error:
                if delay is None or not _worth_retrying(error):
                    raise ReviewFailed(str(error), late=_is_late(error)) from None
                pause = delay * (1.0 + _JITTER * random.random())  # noqa: S311 - spreads load
                await asyncio.sleep(max(pause, min(error.retry_after or 0.0, LONGEST_WAIT)))
        raise AssertionError("the last call returns or raises")

    async def _call(self, body: bytes, read: Callable[[bytes], T]) -> T:
        from strongroom.server.posting import NotHeard

        begun, result, code = self._clock.monotonic(), "error", 0
        try:
            answer = await self._post(body)
            # Which of the good statuses it was is of no use to anybody.
            code = 200
            found = read(answer)
            result = "success"
        except NotHeard as error:
            code = error.code
            result = "timeout" if _is_late(error) else "error"
            raise
        except asyncio.CancelledError:
            result = "canceled"
            raise
        finally:
            self._counted(result, code, self._clock.monotonic() - begun)
        return found

    async def _post(self, body: bytes) -> bytes:
        # Imported here, for the HTTP client is a quarter of all imports, and most servers have no
        # webhooks.
        from strongroom.server.posting import Letter, Place, Poster

        if self._poster is None:
            self._poster = Poster()
        endpoint = self._endpoint
        # What the kubeconfig has in its query may be a credential: it is not told in errors.
        path, _, query = endpoint.url.partition("?")
        limit = f"timeout={self._seconds:g}s"
        url = f"{path}?{query}&{limit}" if query else f"{path}?{limit}"
        letter = Letter(body, self._headers(), _ANSWERED, MAX_ANSWER)
        place = Place(url, f"{path}?{limit}", endpoint.server_name)
        return await self._poster.post(place, endpoint.context, letter, self._seconds)

    def _headers(self) -> dict[str, str]:
        try:
            credentials = self._endpoint.credentials()
        except (OSError, UnicodeDecodeError):
            raise ReviewFailed(
                "the token file of the webhook's kubeconfig cannot be read"
            ) from None
        headers = {"User-Agent": "kube-apiserver"}
        return headers | ({"Authorization": credentials} if credentials else {})


def _worth_retrying(error: NotHeard) -> bool:
    asked = error.retry_after is not None and (error.code == 429 or error.code >= 500)
    return asked or error.reset or error.code in _RETRIED


def _is_late(error: NotHeard) -> bool:
    return error.late or error.code == 504
