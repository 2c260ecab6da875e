"""Client certificates: the common name is the user, the organizations are the groups.

TLS has verified the chain, the purpose and the dates when the connection was made. The dates are
looked at again for every request, because a connection may outlive its certificate.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from strongroom.access.authn.port import AuthenticationFailed, Credentials
from strongroom.access.user import User
from strongroom.api.clock import Clock

UID = x509.ObjectIdentifier("1.3.6.1.4.1.57683.2")
"""Kubernetes' own attribute of a subject: the user's UID."""

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True, slots=True)
class _Identity:
    user: User | None
    not_before: datetime
    not_after: datetime


class X509Authenticator:
    """Users from verified client certificates.

    Parsing costs ten microseconds, so identities are kept by certificate (the newest 4096): every
    request of a connection offers the same bytes object, whose hash Python computes once.
    """

    def __init__(self, clock: Clock, *, keep: int = 4096) -> None:
        self._clock = clock
        self._keep = keep
        self._known: OrderedDict[bytes, _Identity] = OrderedDict()

    async def authenticate(self, credentials: Credentials) -> User | None:
        der = credentials.client_certificate
        if not der:
            return None
        identity = self._known.get(der) or self._learn(der)
        if not identity.not_before <= self._clock.now() <= identity.not_after:
            raise AuthenticationFailed("the client certificate is expired or not yet valid")
        return identity.user

    def _learn(self, der: bytes) -> _Identity:
        identity = identity_of(der)
        self._known[der] = identity
        if len(self._known) > self._keep:
            self._known.popitem(last=False)
        return identity


def identity_of(der: bytes) -> _Identity:
    """Read a certificate. Without a common name there is no user; raises AuthenticationFailed."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = _values(certificate, NameOID.COMMON_NAME)
        groups = _values(certificate, NameOID.ORGANIZATION_NAME)
        uids = _values(certificate, UID)
    except ValueError as error:
        raise AuthenticationFailed("the client certificate cannot be read") from error
    if len(uids) > 1:
        raise AuthenticationFailed("the client certificate names more than one UID")
    user = None
    if names and names[-1]:
        user = User(
            name=names[-1],
            uid=uids[0] if uids else "",
            groups=tuple(dict.fromkeys(groups)),
            extra={CREDENTIAL_ID: ("X509SHA256=" + hashlib.sha256(der).hexdigest(),)},
        )
    return _Identity(user, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _values(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str]:
    values = [a.value for a in certificate.subject.get_attributes_for_oid(oid)]
    return [v if isinstance(v, str) else v.decode() for v in values]
