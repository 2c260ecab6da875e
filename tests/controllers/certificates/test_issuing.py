"""What Secrets may ask for, and when a certificate is what was asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from strongroom.controllers.certificates.authority import load
from strongroom.controllers.certificates.issuing import (
    NotIssued,
    Wish,
    issue,
    renewal,
    wish_of,
)
from strongroom.controllers.certificates.secret_authorities import SecretAuthority
from strongroom.resources.secret import Secret
from tests.controllers.certificates.making import authority

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MESH = load(*authority())
SOURCE = SecretAuthority(MESH, timedelta(days=30), frozenset({"shop"}), frozenset({"example.com"}))


def asking(namespace: str = "shop", **annotations: str) -> Secret:
    made = Secret()
    made.metadata.namespace = namespace
    made.metadata.annotations = {
        f"strongroom.io/{name.replace('_', '-')}": text for name, text in annotations.items()
    }
    return made


@pytest.mark.parametrize(
    "names",
    [
        "web.shop.svc",
        "web.shop.svc.cluster.local, web.shop.svc",
        "*.web.shop.svc",
        "a.web.shop.svc",
        "example.com",
        "www.example.com",
        "*.example.com",
    ],
)
def test_names_that_may_be_had(names: str) -> None:
    wish = wish_of(asking(dns_names=names), SOURCE)
    assert wish.names == tuple(sorted(name.strip() for name in names.split(",")))


@pytest.mark.parametrize(
    "name",
    [
        "web.other.svc",
        "shop.svc",
        "*.shop.svc",
        "web.shop",
        "badexample.com",
        "example.com.evil.org",
        "*.com",
        "localhost",
        "WEB.shop.svc",
        "127.0.0.1",
    ],
)
def test_names_that_are_others(name: str) -> None:
    with pytest.raises(NotIssued, match="neither a service's of this namespace"):
        wish_of(asking(dns_names=name), SOURCE)


def test_namespaces_are_listed_by_the_authority() -> None:
    with pytest.raises(NotIssued, match="does not list namespace other"):
        wish_of(asking("other", dns_names="web.other.svc"), SOURCE)


@pytest.mark.parametrize(
    ("asked", "life"),
    [
        ("", timedelta(days=30)),
        ("24h", timedelta(days=1)),
        ("1s", timedelta(minutes=10)),
        ("9000h", timedelta(days=30)),
    ],
)
def test_how_long_it_lasts(asked: str, life: timedelta) -> None:
    secret = asking(dns_names="web.shop.svc", certificate_duration=asked)
    assert wish_of(secret, SOURCE).life == life


def test_a_duration_that_is_none_is_told() -> None:
    with pytest.raises(NotIssued, match="expected a duration"):
        wish_of(asking(dns_names="web.shop.svc", certificate_duration="soon"), SOURCE)


def test_what_is_issued_is_renewed_at_two_thirds() -> None:
    wish = Wish(("web.shop.svc",), timedelta(hours=3))
    secret = Secret(data=issue(wish, MESH, NOW).data)
    certificate = x509.load_pem_x509_certificate(secret.data["tls.crt"])
    assert certificate.subject.rfc4514_string() == "CN=web.shop.svc"
    assert secret.data["ca.crt"] == MESH.certificate.public_bytes(Encoding.PEM)
    assert renewal(secret, wish, MESH) == NOW + timedelta(hours=2)


def test_what_is_not_wanted_any_more_is_made_anew() -> None:
    wish = Wish(("web.shop.svc",), timedelta(hours=3))
    data = issue(wish, MESH, NOW).data
    others = issue(wish, load(*authority("another", number=7)), NOW).data
    for changed in (
        {},
        data | {"tls.key": b""},
        data | {"tls.crt": b"nonsense"},
        data | {"tls.key": issue(wish, MESH, NOW).data["tls.key"]},
        data | {"ca.crt": others["ca.crt"]},
        others,
    ):
        assert renewal(Secret(data=changed), wish, MESH) is None
    assert renewal(Secret(data=data), Wish(("a.shop.svc",), wish.life), MESH) is None
