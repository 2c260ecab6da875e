"""Asks a webhook whose a bearer token is (``plugin/pkg/authenticator/token/webhook``).

Answers are kept by :class:`~strongroom.access.authn.cache.CachedTokens`, which keeps no token. As
upstream, what went wrong is not kept, be it that nobody answered or that the webhook tells of an
error.
"""

from __future__ import annotations

import logging

from strongroom.access.authn.cache import CachedTokens
from strongroom.access.authn.port import Authenticated, AuthenticationFailed
from strongroom.access.review import Reviewer, ReviewFailed, read_review
from strongroom.access.user import User
from strongroom.api.clock import Clock
from strongroom.api.codec import encode
from strongroom.resources.tokenreview import TokenReview, TokenReviewStatus
from strongroom.resources.user_info import GROUP
from strongroom.telemetry import log

logger = logging.getLogger(__name__)

_KIND = "TokenReview"


class WebhookTokens:
    """An ``AudienceAwareAuthenticator``. ``close`` ends the questions under way.

    ``audiences`` are the API server's own, for which a token is meant whose review names none.
    Answers are kept for ``seconds``.
    """

    def __init__(
        self,
        reviewer: Reviewer,
        clock: Clock,
        *,
        version: str,
        audiences: tuple[str, ...],
        seconds: float,
    ) -> None:
        asking = _Asking(reviewer, f"{GROUP}/{version}", audiences)
        self._kept = CachedTokens(asking, clock, success=seconds, failure=seconds)

    async def authenticate_token(
        self, token: str, audiences: tuple[str, ...]
    ) -> Authenticated | None:
        """Whose the token is or was a moment ago; None where the webhook does not know it.

        Raises AuthenticationFailed where it could not be asked, and for what it calls an error.
        """
        try:
            return await self._kept.authenticate_token(token, audiences)
        except ReviewFailed as error:
            # An outage, or a wrong configuration: nobody else would be told of it.
            log(logger, logging.ERROR, "the authentication webhook failed", error)
            raise AuthenticationFailed(str(error)) from None
        except _Refused as error:
            raise AuthenticationFailed(str(error)) from None

    async def close(self) -> None:
        """End the questions under way."""
        await self._kept.close()


class _Refused(Exception):
    """The webhook tells of an error, in its own words."""


class _Asking:
    """Asks, each time."""

    def __init__(self, reviewer: Reviewer, version: str, audiences: tuple[str, ...]) -> None:
        self._reviewer = reviewer
        self._version = version
        self._audiences = audiences

    async def authenticate_token(
        self, token: str, audiences: tuple[str, ...]
    ) -> Authenticated | None:
        """Whose the token is. Raises ReviewFailed, _Refused."""
        review = {
            "kind": _KIND,
            "apiVersion": self._version,
            "metadata": {},
            "spec": {"token": token, "audiences": list(audiences)},
            "status": {"user": {}},
        }
        status = await self._reviewer.ask(encode(review), self._read)
        meant = tuple(status.audiences) or self._audiences
        agreed = tuple(audience for audience in audiences if audience in meant)
        if not agreed:
            return None
        if not status.authenticated:
            if status.error:
                raise _Refused(status.error)
            return None
        user = status.user
        extra = {key: tuple(values) for key, values in user.extra.items()}
        return Authenticated(User(user.username, user.uid, tuple(user.groups), extra), agreed)

    def _read(self, body: bytes) -> TokenReviewStatus:
        status = read_review(body, TokenReview, _KIND, self._version).status
        if status.authenticated and not status.user.username:
            # Whoever is nobody must not become somebody without a name.
            raise ReviewFailed("the answer authenticates a user without a name")
        return status
