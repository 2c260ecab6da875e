"""Fingerprints of keys are those that a library makes of whole certificates."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from strongroom.resources import pem
from strongroom.resources.certificate_pins import pins
from strongroom.server.certificates import make_ca

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CERTIFICATE = next(pem.blocks(make_ca(NOW).certificate)).content


def test_the_pins_of_a_bundle() -> None:
    bundle = [make_ca(NOW).certificate for _ in range(2)]
    wanted = [
        hashlib.sha256(
            x509.load_pem_x509_certificate(certificate)
            .public_key()
            .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).hexdigest()
        for certificate in bundle
    ]
    assert pins(b"a comment\n" + b"".join(bundle)) == [f"sha256:{each}" for each in wanted]
    assert pins(b"") == []
    assert pins(pem.armored("PRIVATE KEY", b"not looked at")) == []


@pytest.mark.parametrize("content", [b"", b"\x30\x00", b"\x30\x03\x30\x01\x02", b"\x30\x80", b"x"])
def test_what_is_no_certificate(content: bytes) -> None:
    with pytest.raises(ValueError, match="a certificate cannot be read"):
        pins(pem.armored(pem.CERTIFICATE, content))


@given(at=st.integers(0, len(CERTIFICATE) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_whatever_it_is_there_is_a_pin_or_an_error(at: int, byte: int, cut: bool) -> None:
    changed = CERTIFICATE[:at] + bytes([byte]) + (b"" if cut else CERTIFICATE[at + 1 :])
    try:
        found = pins(pem.armored(pem.CERTIFICATE, changed))
    except ValueError as error:
        assert str(error) == "a certificate cannot be read"  # noqa: PT017 - one of two ends
    else:
        assert len(found) == 1
