"""Bearer tokens: where a request carries one, and who is asked whose it is.

Sources: ``k8s.io/apiserver/pkg/authentication/request/bearertoken`` and ``…/websocket``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence

from strongroom.access.authn.port import (
    AudienceAwareAuthenticator,
    Authenticated,
    AuthenticationFailed,
    Credentials,
    TokenAuthenticator,
)
from strongroom.access.user import User

INVALID = "invalid bearer token"

_WEBSOCKET = "base64url.bearer.authorization.k8s.io."


class ForServer:
    """A TokenAuthenticator as an audience-aware one: its tokens are meant for the API server."""

    def __init__(self, inner: TokenAuthenticator, audiences: tuple[str, ...]) -> None:
        self._inner = inner
        self._audiences = audiences

    async def authenticate_token(
        self, token: str, audiences: tuple[str, ...]
    ) -> Authenticated | None:
        meant = tuple(audience for audience in self._audiences if audience in audiences)
        found = await self._inner.authenticate_token(token) if meant else None
        if found is None:
            return None
        return Authenticated(found.user, meant, found.warnings, found.annotations, found.expires)


class BearerTokens:
    """Users from the bearer tokens of requests, and from those that reviews ask about.

    The first authenticator that knows the token wins. A failure is final only when no other knows
    it, as upstream.
    """

    def __init__(
        self, authenticators: Sequence[AudienceAwareAuthenticator], audiences: tuple[str, ...]
    ) -> None:
        self._authenticators = tuple(authenticators)
        self.audiences = audiences
        """The API server's own."""

    async def authenticate(self, credentials: Credentials) -> User | None:
        """The user of a request; None when it carries no token."""
        token = token_of(credentials.headers)
        if not token:
            return None
        try:
            found = await self.review(token, self.audiences)
        except AuthenticationFailed as error:
            credentials.annotations.update(error.annotations)
            raise
        credentials.warnings.extend(found.warnings)
        credentials.annotations.update(found.annotations)
        return found.user

    async def review(self, token: str, audiences: tuple[str, ...]) -> Authenticated:
        """Whose a token is. Raises AuthenticationFailed, whose text a review may tell."""
        failures: dict[str, None] = {}
        annotations: dict[str, str] = {}
        for authenticator in self._authenticators:
            try:
                found = await authenticator.authenticate_token(token, audiences)
            except AuthenticationFailed as error:
                failures[str(error)] = None
                annotations |= error.annotations
                continue
            if found is not None:
                return found
        # Upstream asks for the token of its own loopback client first, and says so.
        told = list({INVALID: None} | failures)
        raise AuthenticationFailed(
            told[0] if len(told) == 1 else f"[{', '.join(told)}]", annotations
        )


def token_of(headers: Mapping[str, str]) -> str:
    """The bearer token that a request carries, "" if none."""
    given = headers.get("authorization")
    if given is not None:
        scheme, _, rest = given.strip().partition(" ")
        if scheme.lower() == "bearer":
            return rest.partition(" ")[0]
    offered = headers.get("sec-websocket-protocol")
    return _of_websocket(offered) if offered is not None and "upgrade" in headers else ""


def _of_websocket(offered: str) -> str:
    """Browsers can set no header of a WebSocket but the list of its subprotocols.

    Raises AuthenticationFailed for a token that cannot be read, and for several.
    """
    names = [name.strip() for name in offered.split(",")]
    tokens = [name.removeprefix(_WEBSOCKET) for name in names if name.startswith(_WEBSOCKET)]
    if not tokens:
        return ""
    if len(tokens) > 1:
        raise AuthenticationFailed("multiple base64.bearer.authorization tokens specified")
    if len(names) == len(tokens):
        # The client would be refused anyway: a server may not choose the one that is a token.
        raise AuthenticationFailed("missing additional subprotocol")
    try:
        padded = tokens[0] + "=" * (-len(tokens[0]) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise AuthenticationFailed("invalid base64.bearer.authorization token encoding") from None
