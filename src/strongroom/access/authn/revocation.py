"""Lists of revoked certificates (RFC 5280), and whether a certificate is on one.

Upstream has none: there a certificate that got lost is good until its end, or until its authority
is given up. A list that is past its own end goes on refusing what it lists: forgetting it would
make good again what somebody had revoked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID

_PEM = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)

_UNDERSTOOD = frozenset({ExtensionOID.ISSUING_DISTRIBUTION_POINT})
"""Critical extensions of a list that we know how to read; a delta's mark is not among them."""

_MOST_SIGNERS = 64


class RevocationList:
    """One list. Raises ValueError for what cannot be read, or would be read in part only."""

    def __init__(self, crl: x509.CertificateRevocationList) -> None:
        _judge_extensions(crl)
        self.issuer = crl.issuer
        self.ends: datetime | None = crl.next_update_utc
        self.serials = frozenset(entry.serial_number for entry in crl)
        self._crl = crl
        self._signers: dict[x509.Certificate, bool] = {}

    @property
    def issuer_name(self) -> str:
        """Whose list it is, for people."""
        return self.issuer.rfc4514_string()

    def is_by(self, authority: x509.Certificate) -> bool:
        """Whether this authority has signed the list, and may."""
        if authority.subject != self.issuer:
            return False
        known = self._signers.get(authority)
        if known is None:
            if len(self._signers) >= _MOST_SIGNERS:
                self._signers.clear()
            known = self._signers[authority] = _has_signed(self._crl, authority)
        return known


class RevocationLists:
    """The lists that are in use."""

    def __init__(self, lists: Iterable[RevocationList] = ()) -> None:
        self._by_issuer: dict[x509.Name, list[RevocationList]] = {}
        for one in lists:
            self._by_issuer.setdefault(one.issuer, []).append(one)

    def revoked(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        """Whether the issuer, whose certificate this is, has taken it back."""
        return any(
            certificate.serial_number in one.serials and one.is_by(issuer)
            for one in self._by_issuer.get(certificate.issuer, ())
        )


def read_lists(content: bytes) -> list[RevocationList]:
    """The lists of a file: one in DER, or any number in PEM. Raises ValueError."""
    if content.startswith(b"\x30"):
        return [RevocationList(x509.load_der_x509_crl(content))]
    found = [match[0] for match in _PEM.finditer(content)]
    if not found or content.count(b"-----BEGIN X509 CRL-----") != len(found):
        raise ValueError("no whole list of revoked certificates in PEM or DER")
    return [RevocationList(x509.load_pem_x509_crl(pem)) for pem in found]


def unvouched(
    lists: Sequence[RevocationList], authorities: Sequence[x509.Certificate]
) -> tuple[list[RevocationList], list[RevocationList]]:
    """Lists in the name of an authority that has not signed them, and those of nobody we know.

    The first are forged or damaged. The second may be of authorities between ours and a client,
    whose certificates only the client shows.
    """
    forged, foreign = [], []
    for one in lists:
        namesakes = [a for a in authorities if a.subject == one.issuer]
        if not namesakes:
            foreign.append(one)
        elif not any(map(one.is_by, namesakes)):
            forged.append(one)
    return forged, foreign


def _judge_extensions(crl: x509.CertificateRevocationList) -> None:
    for extension in crl.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise ValueError("a list with an extension that is critical and not supported")
        value = extension.value
        if isinstance(value, x509.IssuingDistributionPoint) and value.indirect_crl:
            raise ValueError("a list of other authorities' certificates is not supported")


def _has_signed(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    try:
        usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
        if not usage.crl_sign:
            return False
    except x509.ExtensionNotFound:
        pass  # Without the extension a key may be used for everything.
    except ValueError:
        return False
    try:
        return crl.is_signature_valid(authority.public_key())  # type: ignore[arg-type]  # other kinds of keys raise TypeError
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False
