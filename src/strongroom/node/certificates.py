"""The node's keys, and what it must know of certificates. The only code of the node that does
cryptography."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID


class BadCertificate(Exception):
    """A certificate, or its key, that cannot be used; the text holds nothing of either."""


@dataclass(frozen=True, slots=True)
class Request:
    """A new key in PEM, and the request that goes with it."""

    key: bytes = field(repr=False)
    pkcs10: bytes


_KEYS: dict[str, Callable[[], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]] = {
    "RSA3072": lambda: rsa.generate_private_key(65537, 3072),
    "RSA4096": lambda: rsa.generate_private_key(65537, 4096),
    "ECDSAP256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ECDSAP384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ECDSAP521": lambda: ec.generate_private_key(ec.SECP521R1()),
}
"""Types of keys of pods, but for ED25519, which signs without a hash of its own."""


def make_pod_request(key_type: str) -> Request:
    """Make a key of a type that validation let pass, and prove it: the request (DER) is empty."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    maker = _KEYS.get(key_type)
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    if maker is None:
        key = ed25519.Ed25519PrivateKey.generate()
        csr = builder.sign(key, None)
    else:
        key = maker()
        csr = builder.sign(key, hashes.SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Request(pem, csr.public_bytes(Encoding.DER))


@dataclass(frozen=True, slots=True)
class Life:
    """From when until when a certificate holds."""

    begin: datetime
    end: datetime

    def at(self, share: float) -> datetime:
        """The moment at which this share of the life is over."""
        return self.begin + (self.end - self.begin) * share


def make_request(common_name: str, organization: str, dns_names: tuple[str, ...] = ()) -> Request:
    """Make a key (ECDSA on P-256) and ask for a certificate of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if dns_names:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in dns_names])
        builder = builder.add_extension(names, critical=False)
    pkcs10 = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Request(pem, pkcs10)


def life_of(pair: bytes, common_name: str) -> Life:
    """The life of the certificate in this PEM, which must be for this name and its key's.

    Raises BadCertificate.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pair)
        key = load_pem_private_key(pair, password=None)
    except (ValueError, TypeError) as error:
        raise BadCertificate("the certificate or its key cannot be read") from error
    if certificate.public_key() != key.public_key():
        raise BadCertificate("the key is not the certificate's")
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [name.value for name in names] != [common_name]:
        raise BadCertificate("the certificate is for another name")
    return Life(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def pinned(authorities: bytes, pins: frozenset[str]) -> bytes:
    """Those of these certificates (PEM) whose keys have such fingerprints, as kubeadm writes them.

    They come from a stranger: each is read strictly and written anew, so that nobody who reads the
    result sees another certificate than the one that was compared. Raises BadCertificate.
    """
    try:
        found = x509.load_pem_x509_certificates(authorities)
        return b"".join(each.public_bytes(Encoding.PEM) for each in found if _pin(each) in pins)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadCertificate("the cluster's authority cannot be read") from error


def _pin(certificate: x509.Certificate) -> str:
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "sha256:" + hashlib.sha256(key).hexdigest()
