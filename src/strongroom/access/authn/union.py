"""Asks several authenticators in turn, and marks whoever any of them recognised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from strongroom.access.authn.port import AuthenticationFailed, Authenticator, Credentials
from strongroom.access.user import ANONYMOUS, AUTHENTICATED, User


class UnionAuthenticator:
    """The first user found wins; a failure is final only when nobody else finds a user.

    So it is upstream: a bad token beside a good certificate does not lock its bearer out.
    """

    def __init__(self, authenticators: Sequence[Authenticator]) -> None:
        self._authenticators = tuple(authenticators)

    async def authenticate(self, credentials: Credentials) -> User | None:
        failure: AuthenticationFailed | None = None
        for authenticator in self._authenticators:
            try:
                user = await authenticator.authenticate(credentials)
            except AuthenticationFailed as error:
                failure = failure or error
                continue
            if user is not None:
                return user
        if failure is not None:
            raise failure
        return None


class GroupAdder:
    """Adds ``system:authenticated`` to every user that ``inner`` finds, but the anonymous one.

    The last users are kept with what was made of them: a certificate's user is the same object for
    every request. Each is compared by identity, so that nobody is taken for anybody else.
    """

    def __init__(self, inner: Authenticator, *, keep: int = 1024) -> None:
        self._inner = inner
        self._keep = keep
        self._known: dict[int, tuple[User, User]] = {}

    async def authenticate(self, credentials: Credentials) -> User | None:
        user = await self._inner.authenticate(credentials)
        if user is None or user.name == ANONYMOUS or AUTHENTICATED in user.groups:
            return user
        known = self._known.get(id(user))
        if known is None or known[0] is not user:
            if len(self._known) >= self._keep:
                self._known.clear()
            made = replace(user, groups=(*user.groups, AUTHENTICATED))
            known = self._known[id(user)] = (user, made)
        return known[1]
