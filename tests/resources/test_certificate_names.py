"""Names in certificates, held against the ones that `cryptography` makes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from strongroom.resources.certificate_names import subject_of

_KEY = ec.generate_private_key(ec.SECP256R1())
_ISSUER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody else")])


def certificate(*attributes: tuple[x509.ObjectIdentifier, str]) -> bytes:
    """DER of a certificate for this subject."""
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(*pair) for pair in attributes]))
        .issuer_name(_ISSUER)
        .public_key(_KEY.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .sign(_KEY, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ([(NameOID.COMMON_NAME, "web")], "CN=web"),
        (
            [(NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "Bücher")],
            "C=DE,O=Bücher",
        ),
        ([(NameOID.EMAIL_ADDRESS, "a@example.com")], "other=a@example.com"),
        ([(NameOID.COMMON_NAME, "a\x1b[2J")], "CN=a?[2J"),
        ([], ""),
    ],
)
def test_the_subject_in_words(
    attributes: list[tuple[x509.ObjectIdentifier, str]], told: str
) -> None:
    assert subject_of(certificate(*attributes)) == told


DER = certificate((NameOID.COMMON_NAME, "web"))


@given(st.binary(max_size=40) | st.integers(0, len(DER)).map(lambda n: DER[:n] + DER[n + 1 :]))
def test_anything_may_come(der: bytes) -> None:
    assert isinstance(subject_of(der), str)
