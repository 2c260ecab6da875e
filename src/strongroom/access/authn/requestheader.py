"""Users of an authenticating proxy: it says in headers who they are, and shows its certificate.

Whoever has no certificate of the proxies' own authority (and of a name on the list, if there is
one) may send such headers, and nobody reads them. Source:
``k8s.io/apiserver/pkg/authentication/request/headerrequest``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from cryptography import x509

from strongroom.access.authn.authorities import Authorities
from strongroom.access.authn.headers import BETWEEN, unescape
from strongroom.access.authn.port import AuthenticationFailed, Credentials
from strongroom.access.authn.vouched import Vouched
from strongroom.access.authn.x509 import common_name
from strongroom.access.user import User
from strongroom.api.clock import Clock


@dataclass(frozen=True, slots=True)
class ProxyHeaders:
    """Which headers say what. Names and prefixes are in lower case."""

    usernames: tuple[str, ...] = ()
    uids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    @property
    def beginnings(self) -> tuple[str, ...]:
        """With what all of them begin: repeated ones must be told apart, whatever is in them."""
        return (*self.usernames, *self.uids, *self.groups, *self.extras)


class RequestHeaderAuthenticator:
    """Users from the headers of proxies whose certificates ``authorities`` vouch for.

    ``allowed`` are the proxies' common names, none for any. The headers are taken out of every
    request, whoever sent them, so that nothing further on can mistake them for anything.
    """

    def __init__(
        self,
        authorities: Authorities,
        clock: Clock,
        headers: ProxyHeaders,
        allowed: Sequence[str] = (),
    ) -> None:
        self._proxy = Vouched(authorities, clock, _name_of)
        self._headers = headers
        self._allowed = frozenset(allowed)

    async def authenticate(self, credentials: Credentials) -> User | None:
        headers = credentials.headers
        taken = self._take(headers) if isinstance(headers, MutableMapping) else headers
        shown = credentials.client_certificate
        if not shown:
            return None
        name = self._proxy.said(shown)
        if self._allowed and name not in self._allowed:
            raise AuthenticationFailed("the proxy's name is not on the list")
        return self._user(taken)

    def _take(self, headers: MutableMapping[str, str]) -> Mapping[str, str]:
        ours = self._headers
        names = (*ours.usernames, *ours.uids, *ours.groups)
        theirs = [h for h in headers if h in names or h.startswith(ours.extras)]
        return {header: headers.pop(header) for header in theirs}

    def _user(self, headers: Mapping[str, str]) -> User | None:
        ours = self._headers
        name = _first(headers, ours.usernames)
        if not name:
            return None
        groups = (v for header in ours.groups for v in _values(headers, header) if v)
        return User(name, _first(headers, ours.uids), tuple(groups), _extra(headers, ours.extras))


def _first(headers: Mapping[str, str], names: Sequence[str]) -> str:
    """The first value of the first header that has one."""
    for name in names:
        for value in _values(headers, name):
            if value:
                return value
            break
    return ""


def _extra(headers: Mapping[str, str], prefixes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    extra: dict[str, tuple[str, ...]] = {}
    for prefix in prefixes:
        for header in headers:
            if header.startswith(prefix):
                key = unescape(header.removeprefix(prefix))
                extra[key] = (*extra.get(key, ()), *_values(headers, header))
    return extra


def _values(headers: Mapping[str, str], name: str) -> Iterator[str]:
    """The values of a header, in UTF-8.

    Raises AuthenticationFailed for others: the proxy means somebody whom we could only guess.
    """
    if name in headers:
        for value in headers[name].split(BETWEEN):
            try:
                yield value.encode("latin-1").decode()
            except UnicodeError:
                raise AuthenticationFailed("a header of the proxy is not UTF-8") from None


def _name_of(certificate: x509.Certificate, der: bytes) -> str:
    try:
        return common_name(certificate)
    except ValueError as error:
        raise AuthenticationFailed("the proxy's certificate cannot be read") from error
