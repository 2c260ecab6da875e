"""Who shows no credentials: ``system:anonymous``, where that is let in at all.

Source: ``k8s.io/apiserver/pkg/authentication/request/anonymous``.
"""

from __future__ import annotations

from strongroom.access.authn.port import Authenticator, Credentials
from strongroom.access.user import ANONYMOUS, UNAUTHENTICATED, User


class Anonymous:
    """``inner`` first; when it finds no credentials, the anonymous user, where that is let in.

    Credentials that do not hold stay a failure: they are never served as if none were shown.
    ``paths`` are those where it is let in, to the letter; None stands for everywhere.
    """

    def __init__(self, inner: Authenticator, paths: frozenset[str] | None) -> None:
        self._inner = inner
        self._paths = paths
        self._user = User(ANONYMOUS, groups=(UNAUTHENTICATED,))

    async def authenticate(self, credentials: Credentials) -> User | None:
        user = await self._inner.authenticate(credentials)
        if user is None and (self._paths is None or credentials.path in self._paths):
            return self._user
        return user
