"""Certificates that are not in order, and proxies that are none."""

from __future__ import annotations

import ssl
from datetime import timedelta
from functools import partial

import pytest

from tests.access.authn.certifying import CLIENT, SERVER, pem_of, revoking
from tests.attack.attacker import ask
from tests.attack.conftest import NOW, Target, holder
from tests.waiting import eventually

MASTERS = "system:masters"
ALL = "/api/v1/secrets"


@pytest.mark.parametrize("case", ["foreign", "self-signed", "expired", "for servers", "a client's"])
def test_tls_ends_for_who_is_vouched_for_by_nobody(target: Target, case: str) -> None:
    ours = target.clients
    mallory = holder("mallory", ours, purposes=[CLIENT])
    shown = {
        "foreign": lambda: holder("root", holder("clients", ca=True), MASTERS),
        "self-signed": lambda: holder("root", None, MASTERS),
        "expired": lambda: holder("root", ours, MASTERS, ends=NOW - timedelta(days=1)),
        "for servers": lambda: holder("root", ours, MASTERS, purposes=[SERVER]),
        "a client's": lambda: holder("root", mallory, MASTERS),
    }[case]()
    assert target.showing(shown).refused_by_tls()


def test_who_is_revoked_is_nobody(target: Target) -> None:
    rita = target.user("rita")
    for path in (ALL, "/api/v1/namespaces/team-a/secrets/treasure", "/apis"):
        assert rita.ask("GET", path).code == 401
    # As upstream, what else the bearer has still counts.
    assert target.admin.who()["username"] == "root"


def _refused(connection: ssl.SSLSocket) -> bool:
    return ask(connection, "GET", ALL).code == 401


def test_who_is_revoked_while_connected_is_refused_at_the_next_request(target: Target) -> None:
    """In each of the server's processes: connections go to them in turn."""
    late = target.user("late", MASTERS)
    connections = [late.connect() for _ in range(4)]
    try:
        assert [ask(c, "GET", ALL).code for c in connections] == [200] * 4
        revoked = [target.known["rita"], target.known["late"]]
        crl = revoking(target.clients, *revoked, next_update=NOW + timedelta(days=1))
        (target.directory / "revoked.crl").write_bytes(pem_of(crl))
        for connection in connections:
            # A refusal ends the connection, so that each is asked until its own.
            eventually(partial(_refused, connection))
    finally:
        for connection in connections:
            connection.close()
    assert late.ask("GET", ALL).code == 401


CLAIMS = [("X-Remote-User", "root"), ("X-Remote-Group", MASTERS), ("X-Remote-Uid", "1")]


def test_headers_of_proxies_count_from_proxies_alone(target: Target) -> None:
    front = target.showing(holder("front-proxy", target.proxies, purposes=[CLIENT]))
    # The proxy itself is nobody.
    assert front.ask("GET", ALL).code == 401
    extra = [("X-Remote-Extra-acme.com%2FScope", "a, b"), ("x-REMOTE-extra-acme.com%2fscope", "c")]
    assert front.who([*CLAIMS, *extra]) == {
        "username": "root",
        "uid": "1",
        "groups": [MASTERS, "system:authenticated"],
        "extra": {"acme.com/scope": ["a, b", "c"]},
    }
    twice = [("X-Remote-User", "jane"), ("X-Remote-Group", "a"), ("X-Remote-User", "root")]
    assert front.who(twice)["username"] == "jane"
    # What could be two names is neither.
    assert front.ask("GET", ALL, headers=[("X-Remote-User", b"ro\xf6t")]).code == 401


@pytest.mark.parametrize("case", ["another name", "foreign", "the clients' authority", "nobody"])
def test_headers_of_proxies_are_nothing_from_others(target: Target, case: str) -> None:
    foreign = holder("proxies", ca=True)
    if case == "foreign":
        assert target.showing(holder("front-proxy", foreign)).refused_by_tls()
        return
    shown = None
    if case == "another name":
        shown = holder("other-proxy", target.proxies, purposes=[CLIENT])
    elif case == "the clients' authority":
        shown = holder("front-proxy", target.clients, purposes=[CLIENT])
    asker = target.showing(shown)
    assert asker.ask("GET", ALL, headers=CLAIMS).code in (401, 403)
    known = asker.who(CLAIMS)
    assert known.get("username") == ("front-proxy" if "clients" in case else None)
    assert MASTERS not in known.get("groups", [])


def test_a_proxy_s_certificate_is_no_user_s_and_the_other_way_round(target: Target) -> None:
    masters = target.showing(holder("root", target.proxies, MASTERS, purposes=[CLIENT]))
    assert masters.ask("GET", ALL).code == 401
    assert target.mallory.who(CLAIMS)["username"] == "mallory"


def test_claims_of_proxies_are_in_no_log(target: Target) -> None:
    marker = "zz-never-logged-zz"
    front = target.showing(holder("front-proxy", target.proxies, purposes=[CLIENT]))
    for asker in (front, target.mallory, target.nobody):
        asker.ask("GET", ALL, headers=[("X-Remote-Extra-Token", marker)])
        asker.ask("GET", ALL, headers=[("X-Remote-User", "jane"), ("X-Remote-Uid", "7")])
    assert marker not in target.room.log.read_text()
