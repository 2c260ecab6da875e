"""Bytes that one reader takes for one request and another for two; who an answer is for."""

from __future__ import annotations

import json

import pytest

from tests.attack.attacker import TREASURE, codes
from tests.attack.conftest import Target

HIDDEN = b"GET /api/v1/namespaces/team-a/secrets/treasure HTTP/1.1\r\nHost: a\r\n\r\n"


def post(*lines: bytes, body: bytes = b"") -> bytes:
    head = b"POST /apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1\r\nHost: localhost\r\n"
    return head + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


LENGTH, CHUNKED = b"Content-Length: 5", b"Transfer-Encoding: chunked"
END = b"0\r\n\r\n"

TWO_MEANINGS = {
    "two ends": post(LENGTH, CHUNKED, body=END),
    "two ends, the other way round": post(CHUNKED, LENGTH, body=END),
    "two lengths": post(b"Content-Length: 0", LENGTH, body=END),
    "a list of lengths": post(b"Content-Length: 0, 5", body=END),
    "a negative length": post(b"Content-Length: -1"),
    "a signed length": post(b"Content-Length: +5", body=END),
    "a hexadecimal length": post(b"Content-Length: 0x5", body=END),
    "a length with white space": post(b"Content-Length : 5", body=END),
    "a length that overflows": post(b"Content-Length: 18446744073709551621", body=END),
    "an unknown coding": post(b"Transfer-Encoding: xchunked", body=END),
    "a coding that is not the last": post(b"Transfer-Encoding: chunked, identity", body=END),
    "a coding in two headers": post(CHUNKED, b"Transfer-Encoding: identity", body=END),
    "a coding behind a tab": post(b"Transfer-Encoding:\x0bchunked", body=END),
    "a folded header": post(b"X: a\r\n b: c"),
    "a folded coding": post(b"Transfer-Encoding:\r\n chunked", body=END),
    "a header without a colon": post(b"Nonsense"),
    "a header without a name": post(b": value"),
    "a space before the first header": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "NUL in a header": post(b"X-Remote-User: ro\x00ot"),
    "NUL in a name": post(b"X-\x00A: b"),
    "a bare CR": post(b"X: a\rTransfer-Encoding: chunked"),
    "a bare LF": post(b"X: a\nTransfer-Encoding: chunked"),
    "bare LFs for line ends": b"GET /version HTTP/1.1\nHost: a\n\n",
    "a chunk's length that is none": post(CHUNKED, body=b"g\r\nabc\r\n" + END),
    "a chunk's negative length": post(CHUNKED, body=b"-1\r\nabc\r\n" + END),
    "a chunk that ends with LF": post(CHUNKED, body=b"2\n{}\n0\n\n"),
    "a chunk that is longer than it says": post(CHUNKED, body=b"1\r\n{}\r\n" + END),
    "a chunk's extension with an LF": post(CHUNKED, body=b"2;a=\nb\r\n{}\r\n" + END),
    "two hosts": b"GET /version HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "two hosts in HTTP/1.0": b"GET /version HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n",
    "no host": b"GET /version HTTP/1.1\r\nX: y\r\n\r\n",
    "two versions": b"GET /version HTTP/1.1 HTTP/1.0\r\nHost: a\r\n\r\n",
    "a future version": b"GET /version HTTP/9.9\r\nHost: a\r\n\r\n",
    "an older version": b"GET /version HTTP/0.9\r\nHost: a\r\n\r\n",
    "a newer version": b"GET /version HTTP/2.0\r\nHost: a\r\n\r\n",
    "no version": b"GET /version\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a space in the URL": b"GET /version /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a NUL in the URL": b"GET /ver\x00sion HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("case", TWO_MEANINGS)
def test_what_could_be_read_in_two_ways_is_refused_with_all_behind_it(
    target: Target, case: str
) -> None:
    """By an administrator's connection: a request hidden behind it would be served."""
    answer = target.admin.raw(TWO_MEANINGS[case] + HIDDEN)
    assert TREASURE.encode() not in answer
    found = codes(answer)
    assert len(found) <= 1, answer
    assert all(code in (400, 431, 501, 505) for code in found), answer


def _login(token: str, marker: str) -> bytes:
    return (
        b"POST /apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1\r\nHost: a\r\n"
        b"Authorization: Bearer " + token.encode() + b"\r\nContent-Length: 2\r\n"
        b"Audit-Id: " + marker.encode() + b"\r\n\r\n{}"
    )


def test_of_requests_in_one_line_each_has_its_own_user_and_answer(target: Target) -> None:
    """Pipelined, with other tokens and none, in one write."""
    accounts = "/api/v1/namespaces/team-m/serviceaccounts"
    tokens = {}
    for name in ("one", "two"):
        target.make(accounts, {"metadata": {"name": name}})
        made = target.make(f"{accounts}/{name}/token", {"spec": {"expirationSeconds": 600}})
        tokens[name] = made["status"]["token"]
    order = ["one", "two", "none", "one", "none", "two"] * 3
    sent = [_login(tokens.get(name, "nothing"), f"m-{n}") for n, name in enumerate(order)]
    # A refusal ends a connection: what comes behind it must not be answered at all.
    first = target.nobody.raw(b"".join(sent))
    assert codes(first) == [201, 201, 401]
    known = [name for name in order if name != "none"]
    sent = [_login(tokens[name], f"m-{n}") for n, name in enumerate(known)]
    sent[-1] = sent[-1].replace(b"Audit-Id:", b"Connection: close\r\nAudit-Id:")
    answers = target.nobody.raw(b"".join(sent)).split(b"HTTP/1.1 201 ")[1:]
    users = [json.loads(a.split(b"\r\n\r\n")[1])["status"]["userInfo"]["username"] for a in answers]
    assert users == [f"system:serviceaccount:team-m:{name}" for name in known]
    markers = [a.lower().split(b"audit-id: ")[1].split(b"\r\n")[0] for a in answers]
    assert markers == [b"m-%d" % n for n in range(len(known))]


def test_a_body_is_never_the_next_request(target: Target) -> None:
    body = HIDDEN
    sent = post(b"Content-Length: %d" % len(body), b"Connection: close", body=body)
    answer = target.admin.raw(sent)
    assert codes(answer) == [400]
    assert TREASURE.encode() not in answer


def test_trailers_change_nothing(target: Target) -> None:
    trailers = b"0\r\nImpersonate-User: mallory\r\nAuthorization: Bearer x\r\n\r\n"
    sent = post(CHUNKED, b"Connection: close", body=b"2\r\n{}\r\n" + trailers)
    answer = target.admin.raw(sent)
    assert codes(answer) == [201]
    assert b'"username":"root"' in answer


def test_a_host_chooses_nothing(target: Target) -> None:
    for lines in (b"Host: evil.test", b"Host: ", b"hOST: a:1"):
        sent = b"GET /version HTTP/1.1\r\nConnection: close\r\n" + lines + b"\r\n\r\n"
        answer = target.admin.raw(sent)
        assert codes(answer) == [200]
        assert b"evil.test" not in answer


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "BREW", "PROPFIND"])
def test_other_methods_echo_nothing(target: Target, method: str) -> None:
    marker = b"zz-echo-zz"
    sent = method.encode() + b" /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: "
    answer = target.admin.raw(sent + marker + b"\r\n\r\n")
    assert marker not in answer
    assert codes(answer)[0] in (400, 403, 404, 405, 501)
