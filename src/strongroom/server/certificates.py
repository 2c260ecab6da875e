"""Making and reading certificates: bytes in, bytes out, no files.

ECDSA on P-256 throughout: every client knows it, and it signs fast enough to be used for serving.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFETIME = timedelta(days=3650)
LEAF_LIFETIME = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
_CLOCK_SKEW = timedelta(minutes=5)
"""Certificates are valid from a little before now, for hosts whose clocks are a little behind."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, in PEM. The repr shows neither."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "<Pair>"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a leaf certificate is to say. ``hosts`` are DNS names and addresses."""

    common_name: str
    organizations: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    server: bool = False
    client: bool = False


def make_ca(now: datetime, common_name: str = "strongroom-ca") -> Pair:
    """A self-signed authority that may sign leaves, and no further authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = _key_usage(key_cert_sign=True, crl_sign=True, digital_signature=True)
    certificate = (
        _builder(name, name, key.public_key(), now, CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def issue(ca: Pair, wanted: Wanted, now: datetime) -> Pair:
    """A leaf signed by ``ca``, which must be a pair made by :func:`make_ca`."""
    issuer, issuer_key = x509.load_pem_x509_certificate(ca.certificate), _load_key(ca.key)
    key = ec.generate_private_key(ec.SECP256R1())
    end = issuer.not_valid_after_utc - now
    builder = (
        _builder(_subject(wanted), issuer.subject, key.public_key(), now, min(LEAF_LIFETIME, end))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_purposes(wanted)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if wanted.hosts:
        names = x509.SubjectAlternativeName([_general_name(h) for h in wanted.hosts])
        builder = builder.add_extension(names, critical=False)
    return _pair(builder.sign(issuer_key, hashes.SHA256()), key)


def still_good(pair: Pair, ca: Pair, wanted: Wanted, now: datetime) -> bool:
    """Whether a pair says what is wanted, comes from this authority and lasts a while yet."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        issuer = x509.load_pem_x509_certificate(ca.certificate)
        certificate.verify_directly_issued_by(issuer)
        key = _load_key(pair.key)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the answer is to make another
        return False
    return (
        certificate.public_key() == key.public_key()
        and certificate.subject == _subject(wanted)
        and _hosts_of(certificate) == set(map(_general_name, wanted.hosts))
        and certificate.not_valid_before_utc <= now
        and certificate.not_valid_after_utc - now > RENEW_BEFORE
    )


def is_authority(pair: Pair, now: datetime) -> bool:
    """Whether a pair can sign leaves now. Raises ValueError if its parts cannot be read."""
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    return (
        constraints.ca
        and certificate.public_key() == _load_key(pair.key).public_key()
        and certificate.not_valid_after_utc > now
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + lifetime)
    )


def _subject(wanted: Wanted) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in wanted.organizations]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, wanted.common_name)])


def _purposes(wanted: Wanted) -> list[x509.ObjectIdentifier]:
    purposes = []
    if wanted.server:
        purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
    if wanted.client:
        purposes.append(ExtendedKeyUsageOID.CLIENT_AUTH)
    return purposes


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _hosts_of(certificate: x509.Certificate) -> set[x509.GeneralName]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    return set(found.value)


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _load_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the private key is not an elliptic-curve key")
    return key


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(certificate.public_bytes(Encoding.PEM), pem)
