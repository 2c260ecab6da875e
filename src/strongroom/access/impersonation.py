"""Acting as somebody else: which user a request's headers ask for, if its sender may.

Each thing asked for (user, groups, UID, each extra value) is a right of its own, to be had by the
verb ``impersonate``. Source: ``k8s.io/apiserver/pkg/endpoints/filters/impersonation``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from strongroom.access.authn.accounts import account_user, split_username
from strongroom.access.authn.headers import BETWEEN, unescape
from strongroom.access.authz.port import Authorizer, Verdict
from strongroom.access.authz.union import refusal
from strongroom.access.user import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, Attributes, User
from strongroom.api.errors import bad_request

PREFIX = "impersonate-"
_USER, _GROUP, _UID = f"{PREFIX}user", f"{PREFIX}group", f"{PREFIX}uid"
_EXTRA = f"{PREFIX}extra-"
_AUTHENTICATION = "authentication.k8s.io"


@dataclass(frozen=True, slots=True)
class _Part:
    """One thing that is asked for, in the words of a reference to an object."""

    kind: str
    name: str
    namespace: str = ""
    extra: str = ""

    @property
    def group(self) -> str:
        return _AUTHENTICATION if self.kind in ("UserExtra", "UID") else ""

    def attributes(self, asker: User) -> Attributes:
        """The right that is needed."""
        return Attributes(
            asker,
            "impersonate",
            "",
            is_resource=True,
            group=self.group,
            version="v1" if self.group else "",
            resource=_RESOURCES[self.kind],
            subresource=self.extra,
            namespace=self.namespace,
            name=self.name,
        )

    def __str__(self) -> str:
        """As Go prints an ObjectReference."""
        version = f"{self.group}/v1" if self.group else ""
        fields = (self.kind, self.namespace, self.name, "", version, "", self.extra)
        return "{" + " ".join(fields) + "}"


_RESOURCES = {
    "ServiceAccount": "serviceaccounts",
    "User": "users",
    "Group": "groups",
    "UserExtra": "userextras",
    "UID": "uids",
}


class Impersonation:
    """Asks the authorizer for each thing that a request wants to be."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def acting(self, asker: User, headers: Mapping[str, str]) -> User | None:
        """As whom the request is to be served; None when it asks for nobody else.

        Raises StatusError 400 for groups and the like without a user, and 403.
        """
        if not _asked(headers):
            return None
        parts = list(_parts(headers))
        if not parts:
            return None
        if parts[0].kind not in ("User", "ServiceAccount"):
            asked = " ".join(map(str, parts))
            raise bad_request(f"requested [{asked}] without impersonating a user")
        for part in parts:
            attributes = part.attributes(asker)
            decision = await self._authorizer.authorize(attributes)
            if decision.error or decision.verdict is not Verdict.ALLOW:
                raise refusal(attributes, decision.reason)
        return _made(parts)


def _asked(headers: Mapping[str, str]) -> bool:
    """Whether there is anything to read: of most requests, quickly, no."""
    for header in headers:  # noqa: SIM110 - a generator takes as long as all the rest
        if header.startswith(PREFIX):
            return True
    return False


def _parts(headers: Mapping[str, str]) -> Iterator[_Part]:
    user = next(_values(headers, _USER), "")
    account = split_username(user)
    if account is not None:
        yield _Part("ServiceAccount", account[1], account[0])
    elif user:
        yield _Part("User", user)
    for group in _values(headers, _GROUP):
        yield _Part("Group", group)
    for header in headers:
        if header.startswith(_EXTRA):
            key = unescape(header.removeprefix(_EXTRA))
            for value in _values(headers, header):
                yield _Part("UserExtra", value, extra=key)
    uid = next(_values(headers, _UID), "")
    if uid:
        yield _Part("UID", uid)


def _values(headers: Mapping[str, str], name: str) -> Iterator[str]:
    """The values of a header, which clients write in UTF-8."""
    if name in headers:
        for value in headers[name].split(BETWEEN):
            try:
                yield value.encode("latin-1").decode()
            except UnicodeError:
                yield value


def _made(parts: list[_Part]) -> User:
    who = parts[0]
    groups = [part.name for part in parts if part.kind == "Group"]
    name = who.name
    if who.kind == "ServiceAccount":
        account = account_user(who.namespace, who.name, "", {})
        name, groups = account.name, groups or list(account.groups)
    extra: dict[str, tuple[str, ...]] = {}
    for part in parts:
        if part.kind == "UserExtra":
            extra[part.extra] = (*extra.get(part.extra, ()), part.name)
    uid = next((part.name for part in parts if part.kind == "UID"), "")
    return User(name, uid, (*groups, *_implied(name, groups)), extra)


def _implied(name: str, groups: list[str]) -> tuple[str, ...]:
    """The group that says whether somebody is known, unless the request says it."""
    if name == ANONYMOUS:
        return () if UNAUTHENTICATED in groups else (UNAUTHENTICATED,)
    known = AUTHENTICATED in groups or UNAUTHENTICATED in groups
    return () if known else (AUTHENTICATED,)
