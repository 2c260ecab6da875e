"""Users of proxies: whose headers are read, and what they say."""

from __future__ import annotations

import pytest

from strongroom.access.authn.authorities import Authorities
from strongroom.access.authn.headers import BETWEEN, unescape
from strongroom.access.authn.port import AuthenticationFailed, Credentials
from strongroom.access.authn.requestheader import (
    ProxyHeaders,
    RequestHeaderAuthenticator,
)
from strongroom.access.user import User
from strongroom.testing.clock import ManualClock
from tests.access.authn.certifying import NOW, SERVER, Holder, authority, make

FRONT, CLIENTS = authority("front"), authority("clients")
PROXY = make("proxy", FRONT)
HEADERS = ProxyHeaders(
    ("x-remote-user", "x-user"),
    ("x-remote-uid",),
    ("x-remote-group", "x-group"),
    ("x-extra-", "x-more-"),
)


def authenticator(*allowed: str) -> RequestHeaderAuthenticator:
    authorities = Authorities([FRONT.certificate])
    return RequestHeaderAuthenticator(authorities, ManualClock(NOW), HEADERS, allowed)


async def user(headers: dict[str, str], shown: Holder | None = PROXY, *allowed: str) -> User | None:
    der = shown.der if shown else None
    return await authenticator(*allowed).authenticate(Credentials(headers, der))


JANE = {"x-remote-user": "jane"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"x-remote-user": ""}, None),
        ({"x-remote-group": "system:masters"}, None),
        (JANE, User("jane")),
        ({"x-user": "john"}, User("john")),
        ({"x-user": "john"} | JANE, User("jane")),
        ({"x-remote-user": BETWEEN.join(["jane", "john"])}, User("jane")),
        # A first value that is empty is no value, whatever follows it.
        ({"x-remote-user": BETWEEN.join(["", "john"])}, None),
        (JANE | {"x-remote-uid": "42"}, User("jane", "42")),
        (
            JANE | {"x-group": "c", "x-remote-group": BETWEEN.join(["a, b", "", "b"])},
            User("jane", groups=("a, b", "b", "c")),
        ),
        (
            JANE | {"x-extra-scope": BETWEEN.join(["a", "b"]), "x-more-scope": "c"},
            User("jane", extra={"scope": ("a", "b", "c")}),
        ),
        (
            JANE | {"x-extra-acme.com%2fproject": "p", "x-extra-": "none"},
            User("jane", extra={"acme.com/project": ("p",), "": ("none",)}),
        ),
        ({"x-remote-user": "jos\u00c3\u00a9"}, User("jos\u00e9")),
    ],
)
async def test_what_the_headers_say(headers: dict[str, str], expected: User | None) -> None:
    assert await user(dict(headers)) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("plain", "plain"),
        ("a%2fb%25", "a/b%"),
        ("%c3%a9", "\u00e9"),
        ("%zz%41", "%zz%41"),
        ("half%4", "half%4"),
        ("%ff", "\ufffd"),
    ],
)
def test_keys_are_decoded_wholly_or_not_at_all(key: str, expected: str) -> None:
    assert unescape(key) == expected


@pytest.mark.parametrize(
    "shown",
    [
        make("proxy", CLIENTS),
        make("proxy"),
        make("proxy", FRONT, purposes=[SERVER]),
        make("proxy", FRONT, ends=NOW.replace(year=2025, month=12, day=31, hour=12)),
    ],
    ids=["the clients' authority", "signed by itself", "for servers", "ended"],
)
async def test_others_certificates_make_nobody_a_proxy(shown: Holder) -> None:
    with pytest.raises(AuthenticationFailed):
        await user(dict(JANE), shown)


async def test_without_a_certificate_nobody_is_asked() -> None:
    assert await user(dict(JANE), None) is None


async def test_the_name_must_be_on_the_list_if_there_is_one() -> None:
    assert await user(dict(JANE), PROXY, "other", "proxy") == User("jane")
    with pytest.raises(AuthenticationFailed):
        await user(dict(JANE), PROXY, "other", "prox", "proxy2")


async def test_a_name_that_could_be_read_in_two_ways_is_refused() -> None:
    with pytest.raises(AuthenticationFailed):
        await user({"x-remote-user": "jos\u00e9"})


@pytest.mark.parametrize("shown", [PROXY, make("jane", CLIENTS), None])
async def test_the_headers_are_gone_afterwards_whoever_sent_them(shown: Holder | None) -> None:
    headers = JANE | {"x-extra-a": "1", "x-remote-uid": "2", "x-group": "3", "x-users": "4"}
    try:
        await user(headers, shown)
    except AuthenticationFailed:
        assert shown is not PROXY
    assert headers == {"x-users": "4"}
