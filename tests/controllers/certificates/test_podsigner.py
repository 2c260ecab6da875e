"""What certificates of pods say, who gets none, and when requests go.

The way from a request to the files of a pod is in tests/node/test_podcertificates.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from strongroom.api.times import format_time
from strongroom.controllers.certificates.authority import UnusableAuthority, load
from strongroom.controllers.certificates.podcleaner import KEPT, is_past
from strongroom.controllers.certificates.podsigner import BACKDATE, Refusal, leaf_for
from strongroom.controllers.certificates.secret_authorities import SecretAuthority
from strongroom.resources.podcertificaterequest_object import PodCertificateRequest
from tests.controllers.certificates.making import authority
from tests.controllers.certificates.podrequests import NOW, stub, wanting

DAY = timedelta(days=1)


def source(
    *namespaces: str, longest: timedelta = 365 * DAY, until: datetime = NOW + 3650 * DAY
) -> SecretAuthority:
    given = load(*authority(until=until))
    return SecretAuthority(given, longest, frozenset(namespaces), frozenset({"example.com"}))


def called(*names: str) -> PodCertificateRequest:
    return wanting(unverifiedUserAnnotations={"strongroom.io/dns-names": ",".join(names)})


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (wanting(), []),
        (called(), []),
        (called("web.shop.svc", " web.example.com ", "web.shop.svc"), 2 * [""]),
    ],
)
def test_whose_it_is(request_: PodCertificateRequest, names: list[str]) -> None:
    leaf = leaf_for(request_, source("shop"), NOW)
    first, *others = leaf.names
    assert first == x509.UniformResourceIdentifier("spiffe://cluster.local/ns/shop/sa/robot")
    assert len(others) == len(names)
    assert not list(leaf.subject)


@pytest.mark.parametrize(
    ("given", "seconds", "life"),
    [
        (source("*"), 3600, timedelta(hours=1)),
        (source("*", longest=2 * DAY), 7 * 86400, 2 * DAY),
        (source("*", until=NOW + DAY), 7 * 86400, DAY + BACKDATE),
    ],
)
def test_how_long_it_lasts(given: SecretAuthority, seconds: int, life: timedelta) -> None:
    """Never longer than was asked for, from its beginning on: the API server counts."""
    leaf = leaf_for(wanting(maxExpirationSeconds=seconds), given, NOW)
    assert (leaf.begin, leaf.end - leaf.begin) == (NOW - BACKDATE, life)


@pytest.mark.parametrize(
    ("request_", "given", "reason", "why"),
    [
        (wanting(), source("other"), "NotAllowed", "does not list namespace shop"),
        (wanting(), source(), "NotAllowed", "does not list namespace shop"),
        (called("web.other.svc"), source("*"), "NotAllowed", "web.other.svc is neither"),
        (
            wanting(unverifiedUserAnnotations={"a.io/b": "", "strongroom.io/dns-names": ""}),
            source("*"),
            "InvalidUnverifiedUserAnnotations",
            "this signer knows strongroom.io/dns-names alone, not a.io/b",
        ),
        (wanting(), source("*", longest=DAY / 48), "TooShort", "less than an hour"),
        (wanting(), source("*", until=NOW + DAY / 48), "TooShort", "less than an hour"),
    ],
)
def test_who_gets_none(
    request_: PodCertificateRequest, given: SecretAuthority, reason: str, why: str
) -> None:
    with pytest.raises(Refusal, match=why) as raised:
        leaf_for(request_, given, NOW)
    assert raised.value.reason == reason


def test_an_authority_that_has_ended() -> None:
    with pytest.raises(UnusableAuthority):
        leaf_for(wanting(), source("*", until=NOW), NOW)


def test_nothing_but_the_key_is_taken_from_the_request() -> None:
    given = source("*")
    csr = x509.load_der_x509_csr(stub("ED25519"))
    made: Any = x509.load_pem_x509_certificate(
        given.authority.issue(csr, leaf_for(wanting(), given, NOW))
    )
    assert made.public_key() == csr.public_key()
    constraints = made.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert not constraints.ca


def test_when_requests_go() -> None:
    request = wanting()
    request.metadata.creationTimestamp = format_time(NOW)
    assert not is_past(request, NOW + KEPT - timedelta(seconds=1))
    assert is_past(request, NOW + KEPT)
