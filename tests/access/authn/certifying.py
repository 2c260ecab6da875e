"""Authorities, certificates and lists of revoked ones, of every right and wrong kind."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH

_numbers = itertools.count(1000)


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def authority(name: str = "root", by: Holder | None = None, **more: object) -> Holder:
    """An authority, signed by itself or by another."""
    return make(name, by, ca=True, **more)  # type: ignore[arg-type]  # passed on as they are


def make(
    name: str,
    by: Holder | None = None,
    *,
    organizations: Sequence[str] = (),
    ca: bool | None = None,
    path_length: int | None = None,
    purposes: Sequence[x509.ObjectIdentifier] = (),
    hosts: Sequence[str] = (),
    begins: datetime = NOW - DAY,
    ends: datetime = NOW + 30 * DAY,
    signs: bool | None = None,
    signs_lists: bool = True,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    edwards: bool = False,
) -> Holder:
    """A certificate. ``signs`` False is an authority that says it may not sign certificates."""
    key = (
        ed25519.Ed25519PrivateKey.generate() if edwards else ec.generate_private_key(ec.SECP256R1())
    )
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in organizations]
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = subject if by is None else by.certificate.subject
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), next(_numbers))
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    if ca:
        usage = _usage(signs=signs is not False, signs_lists=signs_lists)
        builder = builder.add_extension(usage, critical=True)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    for extension, critical in more:
        builder = builder.add_extension(extension, critical=critical)
    signer = key if by is None else by.key
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Holder(builder.sign(signer, digest), key)


def revoking(
    by: Holder,
    *revoked: Holder,
    next_update: datetime = NOW + DAY,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    signer: Holder | None = None,
) -> x509.CertificateRevocationList:
    """A list in the name of ``by`` of what it has taken back; signed by another if that is said."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(min(NOW, next_update) - DAY)
        .next_update(next_update)
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder(one.certificate.serial_number, NOW - DAY)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in more:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign((signer or by).key, hashes.SHA256())


def pem_of(*lists: x509.CertificateRevocationList) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in lists)


def _usage(*, signs: bool, signs_lists: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs_lists,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
