"""Tokens that an OpenID Connect provider has signed: whether one is whole, timely and for us.

The order of checks and their words are those of go-oidc, which upstream has them from: all that is
cheap comes before the signature, so that keys are asked for only for what could hold.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from strongroom.access.authn.jwks import IssuerKey
from strongroom.access.authn.jws import verify
from strongroom.access.authn.port import AuthenticationFailed
from strongroom.api.clock import Clock
from strongroom.api.gotext import quote, quotes

LEEWAY = timedelta(minutes=1)
"""How far ahead of ours a provider's clock may be, as in go-oidc."""

LONGEST = 1024 * 1024
"""Characters of a token that is looked at."""

_GOOGLE, _GOOGLE_SAYS = "https://accounts.google.com", "accounts.google.com"


class KeysUnavailable(Exception):
    """An issuer's keys cannot be had now. The text says why, and quotes no answer."""


class IssuerKeys(Protocol):
    """The keys of an issuer, which live elsewhere."""

    def ready(self) -> bool:
        """Whether it is known where they are."""
        ...

    def known(self) -> Sequence[IssuerKey]:
        """The keys as they were when they were last fetched."""
        ...

    async def newest(self) -> Sequence[IssuerKey]:
        """The keys as of now, or as of a moment ago. Raises KeysUnavailable."""
        ...


class _Header(msgspec.Struct):
    alg: str = ""
    kid: str = ""
    crit: list[Any] | None = None


class _Registered(msgspec.Struct):
    """The claims that every ID token has."""

    iss: str = ""
    aud: list[str] | str | None = None
    exp: float | None = None
    nbf: float | None = None


_header = msgspec.json.Decoder(_Header)
_registered = msgspec.json.Decoder(_Registered)
_claims = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True)
class IDToken:
    """A token that holds. The repr shows nothing that it says."""

    payload: bytes = field(repr=False)
    claims: dict[str, Any] = field(repr=False)
    expires: float
    """POSIX seconds."""


class IDTokens:
    """Verifies tokens of one issuer. ``algorithms`` are those that it may sign with."""

    def __init__(
        self,
        issuer: str,
        audiences: Sequence[str],
        algorithms: Sequence[str],
        keys: IssuerKeys,
        clock: Clock,
    ) -> None:
        self._issuer = issuer
        self._audiences = tuple(audiences)
        self._algorithms = tuple(algorithms)
        self._keys = keys
        self._clock = clock

    def ready(self) -> bool:
        """Whether tokens can be verified yet."""
        return self._keys.ready()

    async def verify(self, token: str) -> IDToken:
        """What a token says. Raises AuthenticationFailed."""
        header, payload = _parts(token)
        try:
            told, claims = _registered.decode(payload), _claims.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise AuthenticationFailed("oidc: failed to unmarshal claims") from None
        self._check(told)
        if header.alg not in self._algorithms:
            raise AuthenticationFailed(
                "oidc: id token signed with unsupported algorithm, "
                f"expected {quotes(self._algorithms)} got {quote(header.alg)}"
            )
        if await self._signed(token, header) != payload:
            raise AuthenticationFailed(
                "oidc: internal error, payload parsed did not match previous payload"
            )
        return IDToken(payload, claims, told.exp or 0.0)

    def _check(self, told: _Registered) -> None:
        """Whose it is, for whom, and when."""
        google = self._issuer == _GOOGLE and told.iss == _GOOGLE_SAYS
        if told.iss != self._issuer and not google:
            raise AuthenticationFailed(
                "oidc: id token issued by a different provider, "
                f"expected {quote(self._issuer)} got {quote(told.iss)}"
            )
        given = [told.aud] if isinstance(told.aud, str) else told.aud or []
        if not set(given) & set(self._audiences):
            wanted = self._audiences
            expected = quote(wanted[0]) if len(wanted) == 1 else f"in {quotes(sorted(wanted))}"
            raise AuthenticationFailed(f"oidc: expected audience {expected} got {quotes(given)}")
        now = self._clock.now()
        if told.exp is None or told.exp < now.timestamp():
            raise AuthenticationFailed(f"oidc: token is expired (Token Expiry: {_time(told.exp)})")
        if told.nbf is not None and (now + LEEWAY).timestamp() < told.nbf:
            raise AuthenticationFailed(
                f"oidc: current time {_time(now.timestamp())} before the nbf (not before) time: "
                f"{_time(told.nbf)}"
            )

    async def _signed(self, token: str, header: _Header) -> bytes:
        """The payload that one of the issuer's keys has signed. Raises AuthenticationFailed."""
        found = _verified(token, header, self._keys.known())
        if found is None:
            try:
                keys = await self._keys.newest()
            except KeysUnavailable as error:
                raise AuthenticationFailed(
                    f"failed to verify signature: fetching keys {error}"
                ) from None
            found = _verified(token, header, keys)
        if found is None:
            raise AuthenticationFailed(
                "failed to verify signature: failed to verify id token signature"
            )
        return found


def _verified(token: str, header: _Header, keys: Sequence[IssuerKey]) -> bytes | None:
    # The algorithm is the token's word, but no key takes part in one that it is not meant for.
    may = [key.for_algorithm(header.alg) for key in keys if header.kid in ("", key.id)]
    meant = [key for key in may if key is not None]
    try:
        return verify(token, meant) if meant else None
    except AuthenticationFailed:
        return None


def _parts(token: str) -> tuple[_Header, bytes]:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST:
        raise AuthenticationFailed("oidc: malformed jwt")
    try:
        header, payload = (_raw(part) for part in parts[:2])
        told = _header.decode(header)
    except (ValueError, binascii.Error, msgspec.MsgspecError, RecursionError):
        raise AuthenticationFailed("oidc: malformed jwt") from None
    if told.crit is not None:
        # What a token demands to be understood, and is not, makes it no good (RFC 7515, 4.1.11).
        raise AuthenticationFailed("oidc: malformed jwt: unsupported crit header")
    return told, payload


def _raw(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _time(seconds: float | None) -> str:
    """As Go prints a time; that of a token without one is the first of year one."""
    try:
        moment = datetime.fromtimestamp(seconds or 0.0, UTC)
    except (OverflowError, OSError, ValueError):
        return "out of range"
    return (
        "0001-01-01 00:00:00 +0000 UTC" if seconds is None else f"{moment:%Y-%m-%d %H:%M:%S %z} UTC"
    )
