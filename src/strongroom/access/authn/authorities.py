"""Which authorities vouch for client certificates, and whether one of them vouches for this one.

TLS verifies a client's certificate when a connection is made, against all bundles at once. That
says neither which bundle it was (the authority of proxies makes nobody a user) nor whether the
answer is the same an hour later: a connection outlives a change of the bundle, and a revocation. So
the way from a certificate to an authority is looked for again here, for every certificate after
every change; the rules are those of Go's ``crypto/x509``, and where they cannot be followed the
answer is no.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from strongroom.access.authn.port import AuthenticationFailed
from strongroom.access.authn.revocation import RevocationLists

MAX_DEPTH = 8
"""Authorities between a certificate and one of the bundle."""

_MAX_SIGNATURES = 100
"""Signatures that are checked for one certificate, as in Go: clients could show a maze."""

_PURPOSES = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    }
)

Bundle = tuple[x509.Certificate, ...]
"""Certificates of authorities."""

Span = tuple[datetime, datetime]

_Kind = TypeVar("_Kind", bound=x509.ExtensionType)


def read_bundle(content: bytes) -> Bundle:
    """The certificates of a file in PEM, each once. Raises ValueError when there is none."""
    return tuple(dict.fromkeys(x509.load_pem_x509_certificates(content)))


def write_bundle(bundle: Iterable[x509.Certificate], *, der: bool = False) -> bytes:
    """The certificates one behind the other, in PEM or in DER."""
    form = Encoding.DER if der else Encoding.PEM
    return b"".join(one.public_bytes(form) for one in dict.fromkeys(bundle))


class OutOfDate(AuthenticationFailed):
    """Only a date stands against a certificate."""


class Authorities:
    """A bundle of authorities with their lists of revoked certificates. Both may be replaced."""

    def __init__(
        self,
        bundle: Sequence[x509.Certificate] = (),
        lists: RevocationLists | None = None,
    ) -> None:
        self.version = 0
        """Another after every change: what was found out before does not hold any more."""
        self._given = tuple(bundle)
        self._lists = lists or RevocationLists()
        self._change()

    @property
    def bundle(self) -> Bundle:
        """The authorities, as they were given."""
        return self._given

    def replace(self, bundle: Sequence[x509.Certificate]) -> None:
        """Believe these authorities from now on, and no others."""
        if tuple(bundle) != self._given:
            self._given = tuple(bundle)
            self._change()

    def revoke(self, lists: RevocationLists) -> None:
        """Refuse what these lists name from now on, and nothing else."""
        self._lists = lists
        self._change()

    def check(self, shown: Sequence[x509.Certificate], now: datetime) -> Span:
        """From when to when the first certificate is vouched for; the others lead to it.

        Raises AuthenticationFailed when no authority vouches for it now, OutOfDate when one would
        at another time.
        """
        search = _Search(self._trusted, self._lists, shown[1:], now)
        for span in search.ways(shown[0], frozenset(), 0):
            return span
        if search.revoked:
            raise AuthenticationFailed("the client certificate is revoked")
        if search.late:
            raise OutOfDate("the client certificate is expired or not yet valid")
        raise AuthenticationFailed("no authority vouches for the client certificate")

    def _change(self) -> None:
        self.version += 1
        self._trusted = tuple(a for a in self._given if not self._taken_back(a))

    def _taken_back(self, authority: x509.Certificate) -> bool:
        """Whether another authority of the bundle has signed this one, and revoked it."""
        return any(
            other.subject == authority.issuer
            and other != authority
            and self._lists.revoked(authority, other)
            and _signed(authority, other)
            for other in self._given
        )


class _Search:
    """Looks for ways from one certificate to the authorities."""

    def __init__(
        self,
        trusted: Sequence[x509.Certificate],
        lists: RevocationLists,
        between: Sequence[x509.Certificate],
        now: datetime,
    ) -> None:
        self._trusted = trusted
        self._lists = lists
        self._between = between
        self._now = now
        self._signatures = _MAX_SIGNATURES
        self.revoked = False
        """Whether a way ended at a list."""
        self.late = False
        """Whether a way ended at a date."""

    def ways(
        self, certificate: x509.Certificate, below: frozenset[x509.Certificate], depth: int
    ) -> Iterator[Span]:
        """The dates between which all certificates of a way hold, for each way."""
        span = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not span[0] <= self._now <= span[1]:
            self.late = True
            return
        if not _fit(certificate, depth, has_names=bool(below) and any(map(_has_names, below))):
            return
        if certificate in self._trusted:
            yield span
            return
        if depth > MAX_DEPTH:
            return
        for issuer in (*self._trusted, *self._between):
            if issuer.subject != certificate.issuer or issuer in below or issuer == certificate:
                continue
            if not self._vouches(issuer, certificate):
                continue
            for above in self.ways(issuer, below | {certificate}, depth + 1):
                yield max(span[0], above[0]), min(span[1], above[1])

    def _vouches(self, issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
        if self._signatures == 0:
            return False
        self._signatures -= 1
        if not _signed(certificate, issuer):
            return False
        if self._lists.revoked(certificate, issuer):
            self.revoked = True
            return False
        return True


def _fit(certificate: x509.Certificate, depth: int, *, has_names: bool) -> bool:
    """Whether its extensions let a certificate stand at this place of a way; 0 is the client's."""
    try:
        extensions = certificate.extensions
        if any(e.critical and e.oid not in _UNDERSTOOD for e in extensions):
            return False
        purposes = _get(extensions, x509.ExtendedKeyUsage)
        if purposes is not None and _PURPOSES.isdisjoint(purposes):
            return False
        return depth == 0 or _may_sign(extensions, depth, has_names=has_names)
    except ValueError:
        return False


def _may_sign(extensions: x509.Extensions, depth: int, *, has_names: bool) -> bool:
    constraints = _get(extensions, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        return False
    if constraints.path_length is not None and depth - 1 > constraints.path_length:
        return False
    usage = _get(extensions, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        return False
    # Kubernetes' clients have a subject and no other names, of which alone constraints speak.
    return not has_names or _get(extensions, x509.NameConstraints) is None


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if isinstance(certificate.signature_hash_algorithm, hashes.MD5 | hashes.SHA1):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True


def _has_names(certificate: x509.Certificate) -> bool:
    try:
        return _get(certificate.extensions, x509.SubjectAlternativeName) is not None
    except ValueError:
        return True


def _get(extensions: x509.Extensions, kind: type[_Kind]) -> _Kind | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
