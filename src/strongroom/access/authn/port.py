"""The contract of an authenticator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from strongroom.access.user import User


@dataclass(slots=True)
class Credentials:
    """What the connection and the headers offer. The repr shows nothing of it.

    Nobody changes it. It is not frozen because making a frozen one takes three times as long, and
    one is made for every request.
    """

    headers: Mapping[str, str] = field(repr=False)
    client_certificate: bytes | None = field(default=None, repr=False)
    """DER of the leaf that TLS has already verified against the client CA."""
    path: str = "/"
    """The path asked for: anonymous access may be limited to some paths."""


class AuthenticationFailed(Exception):
    """Credentials were offered and do not hold. The text names no credential."""


class Authenticator(Protocol):
    """Turns credentials into a user."""

    async def authenticate(self, credentials: Credentials) -> User | None:
        """The user; None when this authenticator finds no credentials of its kind.

        Raises AuthenticationFailed when it finds some and they do not hold. The zero value (None
        from all) is a refusal: the server answers 401.
        """
        ...
