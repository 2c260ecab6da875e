"""Requests and authorities for tests: real keys, real signatures."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from strongroom.api import codec
from strongroom.resources.certificatesigningrequest_object import CertificateSigningRequest

NODE_USAGES = ("digital signature", "client auth")
SERVING_USAGES = ("digital signature", "server auth")


@cache
def key(number: int) -> ec.EllipticCurvePrivateKey:
    """A key that tests share; another for each number."""
    return ec.generate_private_key(ec.SECP256R1())


def name(common_name: str, organizations: Sequence[str] = ()) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in organizations]
    if common_name:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    return x509.Name(attributes)


def general(text: str) -> x509.GeneralName:
    """A name as its form tells: address, URI, mail address or DNS name."""
    if "://" in text:
        return x509.UniformResourceIdentifier(text)
    if "@" in text:
        return x509.RFC822Name(text)
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def pkcs10(
    common_name: str = "ann",
    organizations: Sequence[str] = (),
    names: Sequence[str] = (),
    *,
    number: int = 0,
) -> bytes:
    """A request in PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name(common_name, organizations))
    if names:
        alternatives = x509.SubjectAlternativeName([general(text) for text in names])
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(key(number), hashes.SHA256()).public_bytes(Encoding.PEM)


def node_pkcs10(node: str, names: Sequence[str] = ()) -> bytes:
    return pkcs10(f"system:node:{node}", ("system:nodes",), names)


def asking(
    request: bytes,
    signer: str = "kubernetes.io/kube-apiserver-client",
    usages: Sequence[str] = NODE_USAGES,
    *,
    name: str = "wanted",
    **spec: Any,
) -> CertificateSigningRequest:
    """The object that asks for a certificate."""
    made = codec.from_tree({"metadata": {"name": name}}, CertificateSigningRequest)
    made.spec.request, made.spec.signerName, made.spec.usages = request, signer, list(usages)
    for attribute, value in spec.items():
        setattr(made.spec, attribute, value)
    return made


def authority(
    common_name: str = "an authority",
    *,
    until: datetime | None = None,
    ca: bool = True,
    number: int = 9,
) -> tuple[bytes, bytes]:
    """A self-signed certificate and its key, in PEM."""
    now = datetime.now(UTC)
    subject = name(common_name)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key(number).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(until or now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(key(number), hashes.SHA256())
    )
    secret = key(number).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), secret
