"""Times of certificates, held against the ones that `cryptography` makes and reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from strongroom.resources.certificate_times import Validity, end_of, validities

_KEY = ec.generate_private_key(ec.SECP256R1())
_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "someone")])
START = datetime(2026, 1, 1, tzinfo=UTC)


def certificate(days: float, *, authority: bool | None = None) -> bytes:
    """A PEM certificate from 2026 on for so many days; None: it does not say whose it is."""
    return ending(START + timedelta(days=days), authority=authority)


def ending(end: datetime, *, begin: datetime = START, authority: bool | None = None) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(_KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    if authority is not None:
        rule = x509.BasicConstraints(ca=authority, path_length=None)
        builder = builder.add_extension(rule, critical=True)
    return builder.sign(_KEY, hashes.SHA256()).public_bytes(Encoding.PEM)


LEAF = certificate(90, authority=False)
DER = x509.load_pem_x509_certificate(LEAF).public_bytes(Encoding.DER)


@pytest.mark.parametrize("authority", [None, False, True])
@pytest.mark.parametrize("year", [1950, 1999, 2049, 2050, 9999])
def test_both_forms_of_time_in_every_century(year: int, authority: bool | None) -> None:
    begin, end = datetime(1950, 1, 1, tzinfo=UTC), datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    text = ending(end, begin=begin, authority=authority)
    assert validities(text) == [Validity(begin, end, authority is True)]


def test_the_end_of_a_chain_is_that_of_its_first_certificate() -> None:
    old_root, root = certificate(-1 + 2, authority=True), certificate(3650, authority=True)
    assert end_of(b"some words\n" + LEAF + old_root + root) == START + timedelta(days=90)
    assert end_of(LEAF + certificate(30)) == START + timedelta(days=30)


def test_a_bundle_of_authorities_is_of_use_while_one_of_them_is() -> None:
    bundle = certificate(10, authority=True) + certificate(3650, authority=True)
    assert end_of(bundle) == START + timedelta(days=3650)


def test_windows_lines_and_indentation_do_not_matter() -> None:
    assert end_of(LEAF.replace(b"\n", b"\r\n")) == end_of(LEAF) == end_of(b"  " + LEAF)


def test_what_is_no_certificate_is_passed_over() -> None:
    block = b"-----BEGIN CERTIFICATE-----\n%b\n-----END CERTIFICATE-----\n"
    broken = [b"", b"AAAA", b"MIIB", b"MAA=", b"MIAAAA==", b"=", b"MIT/////AAAA", b"!"]
    assert end_of(b"") is None
    assert end_of(b"".join(block % content for content in broken)) is None
    assert end_of(b"".join(block % content for content in broken) + LEAF) == end_of(LEAF)
    assert end_of(LEAF.replace(b"END CERTIFICATE", b"END SOMETHING")) is None


@given(st.binary(), st.integers(0, len(DER)), st.integers(0, 40))
def test_damaged_certificates_are_read_or_passed_over(junk: bytes, at: int, cut: int) -> None:
    import base64

    damaged = base64.encodebytes(DER[:at] + junk + DER[at + cut :])
    text = b"-----BEGIN CERTIFICATE-----\n" + damaged + b"-----END CERTIFICATE-----\n"
    assert all(found.not_after.tzinfo is UTC for found in validities(text))
    assert validities(text + LEAF)[-1].not_after == START + timedelta(days=90)


@given(st.integers(0, len(DER) - 1), st.integers(0, 255))
def test_one_wrong_byte_never_fails(at: int, byte: int) -> None:
    import base64

    damaged = base64.encodebytes(DER[:at] + bytes([byte]) + DER[at + 1 :])
    text = b"-----BEGIN CERTIFICATE-----\n" + damaged + b"-----END CERTIFICATE-----\n"
    assert len(validities(text)) <= 1


def test_a_text_of_marks_only_is_read_in_one_walk() -> None:
    assert validities(b"-----BEGIN CERTIFICATE-----" * 30_000) == []
