"""Answers about bearer tokens, kept for a while: who asks again soon is told the same.

What is kept is bounded in number and in age, and has no token in it: the key is an HMAC of the
token under a key that no one but this process ever had. Source:
``k8s.io/apiserver/pkg/authentication/token/cache``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import secrets
from dataclasses import dataclass

from strongroom.access.authn.port import (
    AudienceAwareAuthenticator,
    Authenticated,
    AuthenticationFailed,
)
from strongroom.api.clock import Clock

_Outcome = Authenticated | AuthenticationFailed | None


@dataclass(frozen=True, slots=True)
class _Kept:
    outcome: _Outcome
    until: float
    """Monotonic seconds."""


class CachedTokens:
    """An authenticator of tokens that costs something, asked once for each token and audiences.

    ``success`` and ``failure`` are the seconds for which an answer may be out of date; 0 keeps
    none of them. An answer never outlives its token (``Authenticated.expires``). What is no answer
    at all, because nobody could be asked, is not kept: it is an exception of another type.
    """

    def __init__(
        self,
        inner: AudienceAwareAuthenticator,
        clock: Clock,
        *,
        success: float = 10.0,
        failure: float = 0.0,
        keep: int = 4096,
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._success = success
        self._failure = failure
        self._keep = keep
        self._secret = secrets.token_bytes(32)
        self._kept: dict[bytes, _Kept] = {}
        self._asking: dict[bytes, asyncio.Task[_Outcome]] = {}

    async def authenticate_token(
        self, token: str, audiences: tuple[str, ...]
    ) -> Authenticated | None:
        """Whose the token is or was a moment ago. Raises whatever ``inner`` does."""
        key = self._key(token, audiences)
        kept = self._kept.get(key)
        if kept is not None and self._clock.monotonic() < kept.until:
            return _told(kept.outcome)
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.create_task(self._ask(key, token, audiences))
            self._asking[key] = asking
            asking.add_done_callback(lambda task: self._done(key, task))
        # Whoever asked first may hang up: the others still want the answer.
        await asyncio.wait([asking])
        if asking.cancelled():
            raise AuthenticationFailed("the authenticator is no longer asked")
        return _told(asking.result())

    async def close(self) -> None:
        """End the questions under way."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, key: bytes, token: str, audiences: tuple[str, ...]) -> _Outcome:
        outcome: _Outcome
        try:
            outcome = await self._inner.authenticate_token(token, audiences)
        except AuthenticationFailed as error:
            outcome = error
        if seconds := self._seconds(outcome):
            if len(self._kept) >= self._keep:
                # The oldest goes. One that is still in use is back at once.
                del self._kept[next(iter(self._kept))]
            self._kept[key] = _Kept(outcome, self._clock.monotonic() + seconds)
        else:
            self._kept.pop(key, None)
        return outcome

    def _seconds(self, outcome: _Outcome) -> float:
        if not isinstance(outcome, Authenticated):
            return self._failure
        if outcome.expires == math.inf:
            return self._success
        left = outcome.expires - self._clock.now().timestamp()
        return max(0.0, min(self._success, left))

    def _done(self, key: bytes, task: asyncio.Task[_Outcome]) -> None:
        del self._asking[key]
        if not task.cancelled():
            # Looked at, should all who asked have hung up: nobody is left to be told.
            task.exception()

    def _key(self, token: str, audiences: tuple[str, ...]) -> bytes:
        """No two questions have the same, and none can be found by trying tokens elsewhere."""
        mac = hmac.new(self._secret, digestmod=hashlib.sha256)
        for part in (token, *audiences):
            content = part.encode(errors="surrogatepass")
            mac.update(len(content).to_bytes(8))
            mac.update(content)
        return mac.digest()


def _told(outcome: _Outcome) -> Authenticated | None:
    if isinstance(outcome, AuthenticationFailed):
        # A new one for each: an exception that is raised again and again grows its traceback.
        raise AuthenticationFailed(str(outcome), outcome.annotations)
    return outcome
