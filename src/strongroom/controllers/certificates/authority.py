"""An authority that signs requests as kube-controller-manager's does.

A certificate says what was asked for: subject, alternative names and usages; it is never an
authority itself. It begins five minutes ago, for clocks that are behind, and ends no later than the
authority. Source: ``pkg/controller/certificates/authority``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from strongroom.controllers.certificates.requests import Asked, InvalidRequest

BACKDATE = timedelta(minutes=5)
SHORT = timedelta(hours=8)
"""Below this life the end is not dated back: the five minutes would be more than one per cent."""
SHORTEST = timedelta(minutes=10)

_Signer = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_PURPOSES = {
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "s/mime": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsec end system": ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec tunnel": ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec user": ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "microsoft sgc": ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape sgc": ObjectIdentifier("2.16.840.1.113730.4.1"),
}


class UnusableAuthority(Exception):
    """The certificate and key cannot sign; the text says why and holds neither."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a certificate is to say, besides the key."""

    subject: x509.Name
    names: Sequence[x509.GeneralName]
    usages: Sequence[str]
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate of an authority with its key, and the certificates above it, in that order."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: _Signer = field(repr=False)

    def sign(self, asked: Asked, usages: Iterable[str], life: timedelta, now: datetime) -> bytes:
        """A certificate in PEM. Raises InvalidRequest, UnusableAuthority."""
        end = self.end(now)
        until = now + life if life < SHORT else now + life - BACKDATE
        leaf = Leaf(asked.csr.subject, asked.names, list(usages), now - BACKDATE, min(until, end))
        return self.issue(asked.csr, leaf)

    def end(self, now: datetime) -> datetime:
        """Until when its certificates are worth anything. Raises UnusableAuthority."""
        end = self.certificate.not_valid_after_utc
        if now >= end:
            raise UnusableAuthority(f"the signer has expired: NotAfter={end}")
        return end

    def issue(self, request: x509.CertificateSigningRequest, leaf: Leaf) -> bytes:
        """A certificate in PEM of the request's key, and of nothing else of it. Raises
        InvalidRequest."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(leaf.subject)
            .issuer_name(self.certificate.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(leaf.begin)
            .not_valid_after(leaf.end)
        )
        for extension, critical in self._extensions(leaf):
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, _hash(self.key)).public_bytes(Encoding.PEM)

    def roots(self) -> bytes:
        """What to trust so as to believe its certificates, in PEM: the last of the chain."""
        return (self.chain or (self.certificate,))[-1].public_bytes(Encoding.PEM)

    def above(self) -> bytes:
        """What a server shows beside its own certificate, in PEM: the way to the root, without
        the root itself."""
        way = (self.certificate, *self.chain)
        return b"".join(c.public_bytes(Encoding.PEM) for c in way if c.issuer != c.subject)

    def _extensions(self, leaf: Leaf) -> list[tuple[x509.ExtensionType, bool]]:
        usages = leaf.usages
        unknown = [usage for usage in usages if usage not in _USAGES and usage not in _PURPOSES]
        if unknown:
            raise InvalidRequest(f"unrecognized usage values: {unknown}")
        found: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_identifier(self.certificate), False),
        ]
        wanted = {_USAGES[usage] for usage in usages if usage in _USAGES}
        if wanted:
            found.append((_key_usage(wanted), True))
        purposes = {_PURPOSES[usage] for usage in usages if usage in _PURPOSES}
        if purposes:
            ordered = [oid for oid in dict.fromkeys(_PURPOSES.values()) if oid in purposes]
            found.append((x509.ExtendedKeyUsage(ordered), False))
        if leaf.names:
            # With an empty subject the names are all that says whose it is.
            critical = not list(leaf.subject)
            found.append((x509.SubjectAlternativeName(leaf.names), critical))
        return found


def load(certificate: bytes, key: bytes) -> Authority:
    """An authority from PEM: its certificate first, then those above it. Raises
    UnusableAuthority."""
    try:
        first, *above = x509.load_pem_x509_certificates(certificate)
        constraints = first.extensions.get_extension_for_class(x509.BasicConstraints).value
        signer = load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound) as error:
        raise UnusableAuthority("the certificate or the key cannot be read") from error
    if not isinstance(signer, _Signer):
        raise UnusableAuthority("the key is of a kind that cannot sign certificates")
    if not constraints.ca:
        raise UnusableAuthority("the certificate is not an authority's")
    if signer.public_key() != first.public_key():
        raise UnusableAuthority("the key is not the certificate's")
    return Authority(first, tuple(above), signer)


def life(asked: int | None, longest: timedelta) -> timedelta:
    """How long a certificate lasts that was asked for with ``expirationSeconds``."""
    if asked is None:
        return longest
    wanted = timedelta(seconds=asked)
    return longest if wanted > longest else max(wanted, SHORTEST)


def _identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]  # of the kinds that load() lets pass
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def _key_usage(wanted: set[str]) -> x509.KeyUsage:
    flags = dict.fromkeys(_USAGES.values(), False) | dict.fromkeys(wanted, True)
    # X.509 knows these two only together with key agreement.
    if not flags["key_agreement"]:
        flags["encipher_only"] = flags["decipher_only"] = False
    return x509.KeyUsage(**flags)


def _hash(key: _Signer) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = key.curve.key_size
        return (
            hashes.SHA256() if size <= 256 else hashes.SHA384() if size <= 384 else hashes.SHA512()
        )
    return hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey) else None
