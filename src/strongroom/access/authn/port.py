"""The contract of an authenticator."""

from __future__ import annotations

import math
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
    """DER of the leaf that TLS has already verified against one of the bundles, then of those that
    the client showed beside it."""
    path: str = "/"
    """The path asked for: anonymous access may be limited to some paths."""
    warnings: list[str] = field(default_factory=list)
    """Authenticators add here what the client is to be warned of."""
    annotations: dict[str, str] = field(default_factory=dict)
    """Authenticators add here what the audit log is to say besides."""


class AuthenticationFailed(Exception):
    """Credentials were offered and do not hold. The text names no credential.

    ``annotations`` are for the audit log.
    """

    def __init__(self, why: str, annotations: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.annotations = dict(annotations or {})


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Whose a token is. ``audiences`` are those asked for that it is meant for."""

    user: User
    audiences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    expires: float = math.inf
    """POSIX seconds after which this must not be believed any more."""


class TokenAuthenticator(Protocol):
    """Knows one kind of bearer tokens, which are meant for the API server and nobody else."""

    async def authenticate_token(self, token: str) -> Authenticated | None:
        """Whose the token is; None when it is not of this kind.

        Raises AuthenticationFailed when it is, and does not hold.
        """
        ...


class AudienceAwareAuthenticator(Protocol):
    """Knows one kind of bearer tokens, each of which says for whom it is meant."""

    async def authenticate_token(
        self, token: str, audiences: tuple[str, ...]
    ) -> Authenticated | None:
        """As a TokenAuthenticator, for a token that must be meant for one of the audiences."""
        ...


class Authenticator(Protocol):
    """Turns credentials into a user."""

    async def authenticate(self, credentials: Credentials) -> User | None:
        """The user; None when this authenticator finds no credentials of its kind.

        Raises AuthenticationFailed when it finds some and they do not hold. The zero value (None
        from all) is a refusal: the server answers 401.
        """
        ...
