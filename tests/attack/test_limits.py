"""Requests that are too large, too many or too slow; what may be asked for without credentials."""

from __future__ import annotations

import json

import pytest

from strongroom.server.protocol import MAX_HEADER_BYTES, MAX_HEADERS
from strongroom.server.request import MAX_BODY
from tests.attack.attacker import codes, read_all
from tests.attack.conftest import OWN, Target

GET = b"GET /version HTTP/1.1\r\nHost: a\r\n"
END = b"Connection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"GET /version?" + b"a" * MAX_HEADER_BYTES + b" HTTP/1.1\r\nHost: a\r\n" + END, 431),
        (GET + b"X: " + b"a" * MAX_HEADER_BYTES + b"\r\n" + END, 431),
        (GET + b"a" * MAX_HEADER_BYTES, 431),
        (GET + b"X: a\r\n" * (MAX_HEADERS + 1) + END, 431),
        (GET + b"X: a\r\n" * (MAX_HEADERS - 2) + END, 200),
        (b"GET /version?" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: a\r\n" + END, 200),
        (b"GET /version?" + b"a=b&" * 2000 + b" HTTP/1.1\r\nHost: a\r\n" + END, 400),
        (b"GET /" + b"a/" * 30_000 + b" HTTP/1.1\r\nHost: a\r\n" + END, 404),
    ],
    ids=["url", "header", "name", "headers", "many headers", "long url", "parameters", "depth"],
)
def test_heads_have_limits(target: Target, content: bytes, code: int) -> None:
    assert codes(target.admin.raw(content)) == [code]
    # And nobody else is worse off.
    assert target.admin.ask("GET", "/version").code == 200


def test_bodies_have_limits_told_before_and_after_they_come(target: Target) -> None:
    head = f"POST {OWN}/secrets HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n".encode()
    told = head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1)
    assert codes(target.mallory.raw(told)) == [413]
    chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
    untold = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 4 + b"0\r\n\r\n"
    assert codes(target.mallory.raw(untold)) == [413]
    answer = target.mallory.ask("POST", f"{OWN}/secrets", b"[" * 100_000)
    assert answer.code == 400
    # Who may not write is refused before a byte of the body is read.
    assert codes(target.nobody.raw(told)) == [401]
    refused = told.replace(b"team-m", b"team-a")
    assert codes(target.mallory.raw(refused)) == [403]


def test_who_is_slow_holds_up_nobody_else(target: Target) -> None:
    """Many connections that never finish: before TLS, within a head, within a body."""
    head = f"POST {OWN}/secrets HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n".encode()
    slow = [target.mallory.connect() for _ in range(40)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall((GET, head + b"\r\n{", b"G", b"")[number % 4])
        for _ in range(5):
            assert target.mallory.ask("GET", f"{OWN}/secrets/mine-0").code == 200
        # They were not behind the slow ones, which are where they were, and may still go on.
        slow[0].sendall(END)
        assert codes(read_all(slow[0])) == [200]
    finally:
        for connection in slow:
            connection.close()


HEALTH = ["/livez", "/readyz", "/healthz"]


@pytest.mark.parametrize("path", HEALTH)
def test_health_is_told_to_anybody(target: Target, path: str) -> None:
    nobody, name = target.nobody, path.strip("/")
    plain = nobody.ask("GET", path)
    assert (plain.code, plain.body) == (200, b"ok")
    assert b"x-content-type-options: nosniff" in plain.head.lower()
    told = nobody.ask("GET", f"{path}?verbose").body.decode().splitlines()
    assert told[:2] == ["[+]ping ok", "[+]etcd ok"]
    assert told[-1] == f"{name} check passed"
    without = nobody.ask("GET", f"{path}?verbose&exclude=etcd&exclude=none").body.decode()
    assert "[+]etcd excluded: ok\n" in without
    assert 'warn: some health checks cannot be excluded: no matches for "none"\n' in without


@pytest.mark.parametrize("path", HEALTH)
def test_single_checks_are_told_to_who_may_ask_for_them(target: Target, path: str) -> None:
    assert target.nobody.ask("GET", f"{path}/etcd").code in (401, 403)
    monitor = target.user("monitor", "system:monitoring")
    for check in ("ping", "etcd"):
        answer = monitor.ask("GET", f"{path}/{check}")
        assert (answer.code, answer.body) == (200, b"ok")
    assert monitor.ask("GET", f"{path}/none").code == 404


def test_the_version_is_told_to_anybody(target: Target) -> None:
    assert "gitVersion" in json.loads(target.nobody.ask("GET", "/version").body)


@pytest.mark.parametrize("path", ["/", "/api", "/apis", "/metrics", "/openapi/v2", "/version/x"])
def test_nothing_else_is(target: Target, path: str) -> None:
    assert target.nobody.ask("GET", path).code in (401, 403)


def test_no_page_of_another_origin_may_read_an_answer(target: Target) -> None:
    asked = [
        ("Origin", "https://evil.test"),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "authorization"),
    ]
    for method, path in (("GET", "/version"), ("OPTIONS", "/version"), ("GET", f"{OWN}/secrets")):
        for who in (target.mallory, target.nobody):
            answer = who.ask(method, path, headers=asked)
            assert b"access-control-" not in answer.head.lower()
