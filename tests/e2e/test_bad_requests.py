"""Requests that no client should send, and clients that fall silent or vanish.

Each time the right Status and never a 500; the server goes on serving.
"""

from __future__ import annotations

import base64

import pytest

from tests.e2e.marked import JSON, MARK, refused, secret
from tests.e2e.wire import Answer, Stream, Wire

pytestmark = pytest.mark.usefixtures("still_serving")


def test_wrong_accept(wire: Wire, home: str) -> None:
    answer = wire.send("GET", home, headers={"Accept": "text/html"})
    message = refused(answer, 406, "NotAcceptable")
    assert message.startswith("only the following media types are accepted: ")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=x", 400),
        ("continue=nonsense", 400),
        ("continue=" + base64.b64encode(b'{"v":"meta.k8s.io/v1","rv":-9}').decode(), 400),
        ("labelSelector=%3D%3D%3D", 400),
        ("fieldSelector=nothing%3Dx", 400),
        ("fieldSelector=%5C", 400),
        ("resourceVersion=x", 400),
        ("resourceVersionMatch=x", 422),
        ("resourceVersionMatch=Exact", 422),
        ("sendInitialEvents=true", 422),
        ("watch=1&resourceVersion=x", 422),
        ("watch=1&timeoutSeconds=x", 400),
        ("a=%ff", 400),
    ],
)
def test_bad_queries(wire: Wire, home: str, query: str, code: int) -> None:
    answer = wire.send("GET", f"{home}?{query}")
    refused(answer, code, {400: "BadRequest", 422: "Invalid"}[code])


def test_a_revision_of_the_future(wire: Wire, home: str) -> None:
    message = refused(wire.send("GET", home + "?resourceVersion=999999999"), 504, "Timeout")
    assert message.startswith("Timeout: Too large resource version: 999999999, current: ")


@pytest.mark.parametrize(
    ("method", "path", "code", "reason"),
    [
        ("POST", "/s", 405, "MethodNotAllowed"),
        ("PUT", "", 405, "MethodNotAllowed"),
        ("PATCH", "", 405, "MethodNotAllowed"),
        ("OPTIONS", "/s", 405, "MethodNotAllowed"),
        ("TRACE", "/s", 405, "MethodNotAllowed"),
        ("GET", "/s/nothing", 404, "NotFound"),
        ("GET", "/s/status", 404, "NotFound"),
        ("GET", "/absent", 404, "NotFound"),
        ("DELETE", "/absent", 404, "NotFound"),
        ("PUT", "/absent", 404, "NotFound"),
    ],
)
def test_wrong_methods_and_places(
    wire: Wire, home: str, method: str, path: str, code: int, reason: str
) -> None:
    body = secret(metadata={"name": "absent"}) if method in ("POST", "PUT") else None
    refused(wire.send(method, home + path, body), code, reason)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/x/secrets/../../y/secrets",
        "/api/v1/namespaces/x/secrets/%2e%2e/s",
        "/api/v1/namespaces/x%2Fsecrets/y",
        "/api/v1/namespaces/x/secrets/a%00b",
        "/api/v1//secrets",
        "/api/v1/namespaces/x/secrets/a%5Cb",
        "/api/v1/namespaces/x/secrets/%ff",
        "//etc/passwd",
        "/../../etc/passwd",
    ],
)
def test_path_traversal(wire: Wire, path: str) -> None:
    answer = wire.send("GET", path)
    assert answer.status in (400, 404), answer.body
    assert b"root:" not in answer.body


def test_paths_that_are_not_served(wire: Wire) -> None:
    unserved = "/apis/apps/v1beta1/deployments"
    for path in ("/nothing", "/apis/nothing", "/api/v2", unserved, "/api/v1/x"):
        assert wire.send("GET", path).status == 404, path


def request(method: str, path: str, *headers: str) -> bytes:
    """The head of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def test_huge_headers(wire: Wire, home: str) -> None:
    fits = wire.raw(request("GET", home + "/s", "X: " + "x" * 30_000))
    assert fits.status == 200
    with wire.open() as stream:
        answer = _tolerant(stream, request("GET", home + "/s", "X: " + "x" * 3_000_000))
    assert answer is None or answer.status in (400, 431)


def _tolerant(stream: Stream, content: bytes) -> Answer | None:
    """The answer, or None when the server cut the connection instead."""
    try:
        stream.write(content)
        return stream.answer()
    except OSError:
        return None


def test_no_http_at_all(wire: Wire) -> None:
    with wire.open() as stream:
        answer = _tolerant(stream, b"\x16\x03\x01 nonsense\r\n\r\n")
    assert answer is None or answer.status == 400


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -1",),
        ("Content-Length: x",),
        ("Content-Length: 3", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: nothing",),
    ],
    ids=range(5),
)
def test_ambiguous_lengths(wire: Wire, home: str, headers: tuple[str, ...]) -> None:
    with wire.open() as stream:
        answer = _tolerant(
            stream, request("POST", home, f"Content-Type: {JSON}", *headers) + b"{}\r\n"
        )
    assert answer is None or 400 <= answer.status < 500


def test_a_bad_chunk(wire: Wire, home: str) -> None:
    head = request("POST", home, f"Content-Type: {JSON}", "Transfer-Encoding: chunked")
    with wire.open() as stream:
        answer = _tolerant(stream, head + b"zz\r\n" + MARK.encode() + b"\r\n")
    assert answer is None or answer.status == 400


def test_a_silent_client_holds_up_nobody(wire: Wire, home: str) -> None:
    head = request("POST", home, f"Content-Type: {JSON}", "Content-Length: 1000")
    with wire.open() as half, wire.open() as nothing, wire.open() as line:
        half.write(head + b'{"stringData":{"a":"' + MARK.encode())
        line.write(b"GET /api/v1/sec")
        nothing.write(b"")
        assert wire.send("GET", home + "/s").status == 200
        assert wire.send("POST", home, secret()).status == 201


def test_a_client_that_vanishes_in_its_body(wire: Wire, home: str) -> None:
    head = request("POST", home, f"Content-Type: {JSON}", "Content-Length: 1000")
    for _ in range(20):
        stream = wire.open()
        stream.write(head + b'{"stringData":{"a":"' + MARK.encode())
        stream.cut()
    listed = wire.send("GET", home).json["items"]
    assert [item["metadata"]["name"] for item in listed] == ["s"]


def test_clients_that_vanish_from_their_watch(wire: Wire, home: str) -> None:
    streams = [wire.open() for _ in range(20)]
    for stream in streams:
        stream.write(request("GET", home + "?watch=1"))
        assert b"200 OK" in stream.socket.recv(4096)
    for stream in streams[::2]:
        stream.cut()
    assert wire.send("POST", home, secret(metadata={"name": "seen"})).status == 201
    for stream in streams[1::2]:
        seen = b""
        while b'"name":"seen"' not in seen:
            seen += stream.socket.recv(65536)
        stream.socket.close()
