"""What an authority signs: for how long, for what, for whom; and what cannot sign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from strongroom.controllers.certificates.authority import (
    Authority,
    UnusableAuthority,
    life,
    load,
)
from strongroom.controllers.certificates.requests import InvalidRequest, read
from tests.controllers.certificates.making import authority, pkcs10

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
YEAR = timedelta(days=365)


def signed(by: Authority, request: bytes, *usages: str, for_: timedelta = YEAR) -> x509.Certificate:
    return x509.load_pem_x509_certificate(by.sign(read(request), usages, for_, NOW))


def test_a_certificate_says_what_was_asked_for() -> None:
    by = load(*authority())
    names = ["a.example", "10.0.0.1", "spiffe://a/b", "a@b.c"]
    found = signed(by, pkcs10("ann", ("team",), names), "client auth", "key encipherment")
    found.verify_directly_issued_by(by.certificate)
    assert found.subject.rfc4514_string() == "CN=ann,O=team"
    extensions = found.extensions
    alternatives = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(getattr(each, "value", each)) for each in alternatives] == names
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_encipherment
    assert not usage.digital_signature
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_what_else_a_request_wants_is_not_given() -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    from tests.controllers.certificates.making import key

    request = builder.sign(key(0), hashes.SHA256()).public_bytes(Encoding.PEM)
    found = signed(load(*authority()), request, "client auth")
    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


@pytest.mark.parametrize(
    ("asked", "until"),
    [
        (None, NOW + YEAR - timedelta(minutes=5)),
        (600, NOW + timedelta(minutes=10)),
        (60, NOW + timedelta(minutes=10)),
        (3600, NOW + timedelta(hours=1)),
        (8 * 3600, NOW + timedelta(hours=8, minutes=-5)),
        (10 * 365 * 86400, NOW + YEAR - timedelta(minutes=5)),
    ],
)
def test_how_long_it_lasts(asked: int | None, until: datetime) -> None:
    found = signed(load(*authority()), pkcs10(), "client auth", for_=life(asked, YEAR))
    assert found.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert found.not_valid_after_utc == until


def test_nothing_outlives_its_authority() -> None:
    end = NOW + timedelta(days=3)
    by = load(*authority(until=end))
    assert signed(by, pkcs10(), "client auth").not_valid_after_utc == end


def test_an_authority_that_has_ended_signs_nothing() -> None:
    with pytest.raises(UnusableAuthority, match="the signer has expired"):
        signed(load(*authority(until=NOW - timedelta(days=1))), pkcs10(), "client auth")


def test_usages_that_nobody_knows_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="unrecognized usage values"):
        signed(load(*authority()), pkcs10(), "world domination")


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ((b"", b""), "cannot be read"),
        (authority(ca=False), "not an authority's"),
        ((authority()[0], authority(number=8)[1]), "the key is not the certificate's"),
    ],
)
def test_what_cannot_sign(pair: tuple[bytes, bytes], why: str) -> None:
    with pytest.raises(UnusableAuthority, match=why):
        load(*pair)
