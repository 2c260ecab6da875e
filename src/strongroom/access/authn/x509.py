"""Client certificates: the common name is the user, the organizations are the groups.

TLS has verified the chain, the purpose and the dates when the connection was made. The dates are
looked at again for every request, because a connection may outlive its certificate; and whoever
vouches for it is asked again after every change of the authorities and their lists, because it may
outlive those too. Source: ``k8s.io/apiserver/pkg/authentication/request/x509``.
"""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.x509.oid import NameOID

from strongroom.access.authn.authorities import Authorities
from strongroom.access.authn.port import AuthenticationFailed, Credentials
from strongroom.access.authn.vouched import Vouched
from strongroom.access.user import User
from strongroom.api.clock import Clock

UID = x509.ObjectIdentifier("1.3.6.1.4.1.57683.2")
"""Kubernetes' own attribute of a subject: the user's UID."""

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


class X509Authenticator:
    """Users from client certificates for which one of the authorities vouches."""

    def __init__(self, authorities: Authorities, clock: Clock, *, keep: int = 4096) -> None:
        self._vouched = Vouched(authorities, clock, user_of, keep=keep)

    async def authenticate(self, credentials: Credentials) -> User | None:
        shown = credentials.client_certificate
        return self._vouched.said(shown) if shown else None


def user_of(certificate: x509.Certificate, der: bytes) -> User | None:
    """Whom a certificate names. Without a common name nobody; raises AuthenticationFailed."""
    try:
        name = common_name(certificate)
        groups = _values(certificate, NameOID.ORGANIZATION_NAME)
        uids = _values(certificate, UID)
    except ValueError as error:
        raise AuthenticationFailed("the client certificate cannot be read") from error
    if len(uids) > 1:
        raise AuthenticationFailed("the client certificate names more than one UID")
    if not name:
        return None
    return User(
        name=name,
        uid=uids[0] if uids else "",
        groups=tuple(dict.fromkeys(groups)),
        extra={CREDENTIAL_ID: ("X509SHA256=" + hashlib.sha256(der).hexdigest(),)},
    )


def common_name(certificate: x509.Certificate) -> str:
    """The subject's common name, the last of several as in Go; "" for none. Raises ValueError."""
    names = _values(certificate, NameOID.COMMON_NAME)
    return names[-1] if names else ""


def _values(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str]:
    values = [a.value for a in certificate.subject.get_attributes_for_oid(oid)]
    return [v if isinstance(v, str) else v.decode() for v in values]
