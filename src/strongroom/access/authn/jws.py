"""Signed tokens in compact form (RFC 7515): made with one key, read with those that may be it.

What a token says of itself is used only to choose among our own keys; the algorithm is the key's.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from strongroom.access.authn.keys import SigningKey, VerificationKey
from strongroom.access.authn.port import AuthenticationFailed

if TYPE_CHECKING:
    from jwt.api_jws import PyJWS


ALGORITHMS = (
    "ES256",
    "ES384",
    "ES512",
    "PS256",
    "PS384",
    "PS512",
    "RS256",
    "RS384",
    "RS512",
)
"""Those that may be believed at all: all of them with a public key."""


class _Header(msgspec.Struct):
    kid: str = ""


class _Issuer(msgspec.Struct):
    iss: str = ""


_header = msgspec.json.Decoder(_Header)
_issuer = msgspec.json.Decoder(_Issuer)


@cache
def _library() -> PyJWS:
    """PyJWT, which is imported when the first token comes: a server starts without it."""
    from jwt.api_jws import PyJWS

    return PyJWS()


def sign(payload: bytes, key: SigningKey) -> str:
    """A token. Its header has algorithm and key id, as upstream's, and nothing else."""
    headers: dict[str, Any] = {"kid": key.public.id, "typ": None}
    return _library().encode(payload, key.key, algorithm=key.public.algorithm, headers=headers)


def claimed_issuer(token: str) -> str | None:
    """Who has issued a token if it can be believed, which nobody knows yet; None if it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    return _read(_issuer, parts[1], "iss")


def claimed_key(token: str) -> str:
    """The id of the key that a token says it was signed with; "" for none."""
    return _read(_header, token.partition(".")[0], "kid") or ""


def verify(token: str, keys: Sequence[VerificationKey]) -> bytes:
    """The payload, as one of the keys has signed it. Raises AuthenticationFailed."""
    if not keys:
        raise AuthenticationFailed("invalid signature, no keys found")
    from jwt.exceptions import InvalidTokenError

    for key in keys:
        try:
            told: Mapping[str, Any] = _library().decode_complete(
                token, key.key, algorithms=[key.algorithm]
            )
        except (InvalidTokenError, RecursionError):
            continue
        payload: bytes = told["payload"]
        return payload
    # The reason is not chained: its text may quote parts of the token.
    raise AuthenticationFailed("invalid signature")


def _read(decoder: msgspec.json.Decoder[Any], part: str, field: str) -> str | None:
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        found: str = getattr(decoder.decode(raw), field)
    except (binascii.Error, ValueError, UnicodeError, msgspec.MsgspecError, RecursionError):
        # The last: anybody can send brackets within brackets.
        return None
    return found
