"""Requests of pods for tests, and certificates that answer them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from strongroom.api import codec
from strongroom.api.meta import Condition
from strongroom.api.times import format_time
from strongroom.resources.podcertificaterequest_object import PodCertificateRequest
from tests.controllers.certificates.making import authority, key

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


@cache
def stub(kind: str = "") -> bytes:
    """A PKCS#10 request in DER that asks for nothing."""
    makers: dict[str, Callable[[], Any]] = {
        "": lambda: key(0),
        "ED25519": ed25519.Ed25519PrivateKey.generate,
        "P192": lambda: ec.generate_private_key(ec.SECP192R1()),
        "RSA2048": lambda: rsa.generate_private_key(65537, 2048),
    }
    made = makers[kind]()
    algorithm = None if kind == "ED25519" else hashes.SHA256()
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(made, algorithm).public_bytes(Encoding.DER)


def wanting(**spec: Any) -> PodCertificateRequest:
    """What a node asks for its pod."""
    tree = {
        "metadata": {"name": "wanted", "namespace": "shop"},
        "spec": {
            "signerName": "example.com/mesh",
            "podName": "web",
            "podUID": "u1",
            "serviceAccountName": "robot",
            "serviceAccountUID": "u2",
            "nodeName": "n1",
            "nodeUID": "u3",
            "maxExpirationSeconds": 3600,
        },
    }
    made = codec.from_tree(tree, PodCertificateRequest)
    made.spec.stubPKCS10Request = stub()
    for name, value in spec.items():
        setattr(made.spec, name, value)
    return made


def answered(type_: str, **status: Any) -> PodCertificateRequest:
    """The same with an outcome."""
    made = wanting()
    made.status.conditions = [
        Condition(type=type_, status="True", reason="Test", lastTransitionTime=format_time(NOW))
    ]
    for name, value in status.items():
        setattr(made.status, name, value)
    return made


def issued(
    *,
    number: int = 0,
    begin: datetime = NOW,
    life: timedelta = timedelta(hours=1),
    names: tuple[str, ...] = (),
    **status: Any,
) -> PodCertificateRequest:
    """The same with a certificate, and the times that go with it unless others are given."""
    end = begin + life
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key(number).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternatives, critical=True)
    chain = builder.sign(key(9), hashes.SHA256()).public_bytes(Encoding.PEM)
    given = {
        "certificateChain": (chain + authority()[0]).decode(),
        "notBefore": format_time(begin),
        "notAfter": format_time(end),
        "beginRefreshAt": format_time(begin + timedelta(minutes=40)),
    }
    return answered("Issued", **(given | status))
