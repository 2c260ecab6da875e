"""HTTP/1.1 as bytes: what is answered, what is refused, what is never taken for another."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from strongroom.server import exchange, protocol
from strongroom.server.protocol import split_url
from tests.server.conftest import SECRETS, Running, running, secret


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("protocol")) as api:
        yield api


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def connect(api: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = int(api.server.url.rpartition(":")[2])
    return await asyncio.open_connection("127.0.0.1", port, ssl=api.context("admin"))


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """The next answer on a connection."""
    async with asyncio.timeout(10):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        code = int(head[0].split()[1])
        if "content-length" in headers:
            return code, headers, await reader.readexactly(int(headers["content-length"]))
        return code, headers, b""


async def exchange_all(api: Running, sent: bytes) -> bytes:
    """Everything that is answered to some bytes, until the server hangs up."""
    reader, writer = await connect(api)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


def post(body: bytes, *headers: str, path: str = SECRETS) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{lines}\r\n"
    return head.encode() + body


CLOSE = "Connection: close"
VERSION = b"GET /version HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: 1_0\r\n\r\n",
        post(b"0\r\n\r\n", "Content-Length: 4", "Transfer-Encoding: chunked"),
        post(b"0\r\n\r\n", "Transfer-Encoding: chunked, identity"),
        b"GET /version HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
        b"GET /version HTTP/1.1\nHost: x\n\n",
        b"GET /version HTTP/3.0\r\nHost: x\r\n\r\n",
        b"GE T /version HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=[
        "two lengths",
        "negative length",
        "no number",
        "length and chunks",
        "chunked is not last",
        "space before colon",
        "NUL in a header",
        "bare line feeds",
        "version",
        "method",
        "TLS within TLS",
        "HTTP/2",
    ],
)
async def test_what_could_be_read_in_two_ways_is_refused(shared: Running, sent: bytes) -> None:
    answered = await exchange_all(shared, sent + VERSION + b"\r\n")
    assert answered.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    # Nothing behind it is taken for a request.
    assert answered.count(b"HTTP/1.1 ") == 1
    assert b"gitVersion" not in answered


async def test_answers_before_rubbish_are_given(shared: Running) -> None:
    answered = await exchange_all(
        shared, VERSION + b"\r\n" + VERSION + b"\r\n" + b"\x00rubbish\r\n"
    )
    assert [a[:3] for a in answered.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"400"]


async def test_bytes_behind_the_last_request_are_not_looked_at(shared: Running) -> None:
    request = VERSION + CLOSE.encode() + b"\r\n\r\n"
    answered = await exchange_all(shared, request + request)
    assert answered.count(b"HTTP/1.1 ") == 1
    assert answered.startswith(b"HTTP/1.1 200 ")


async def test_http_1_0_gets_no_chunks_and_no_second_answer(shared: Running) -> None:
    head = "GET {} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    for path in ("/version", f"{SECRETS}?watch=1&timeoutSeconds=1"):
        answered = await exchange_all(shared, head.format(path).encode())
        assert b"\r\nconnection: close\r\n" in answered
        assert b"chunked" not in answered


async def test_many_headers_are_refused_and_a_long_one_is_not(shared: Running) -> None:
    lines = b"".join(b"X-%d: y\r\n" % n for n in range(protocol.MAX_HEADERS))
    assert (await exchange_all(shared, VERSION + lines + b"\r\n")).startswith(b"HTTP/1.1 431 ")
    reader, writer = await connect(shared)
    writer.write(VERSION + b"X: " + b"y" * 500_000 + b"\r\n\r\n")
    assert (await answer(reader))[0] == 200
    writer.close()


async def test_endless_chunk_extensions_and_trailers_are_refused(shared: Running) -> None:
    head = post(b"", "Transfer-Encoding: chunked", path="/version")
    for start in (b"1;", b"0\r\nX: "):
        answered = await exchange_all(
            shared, head + start + b"y" * (protocol.MAX_HEADER_BYTES + 70_000)
        )
        # It is the body of a request that has been answered: there is nothing more to say.
        assert answered.startswith(b"HTTP/1.1 405 ")
        assert answered.count(b"HTTP/1.1 ") == 1


async def test_a_chunked_body_and_its_trailers(shared: Running) -> None:
    body = json.dumps(secret("chunked", a="b")).encode()
    chunks = b"".join(b"%x;ext=1\r\n%b\r\n" % (1, body[i : i + 1]) for i in range(len(body)))
    reader, writer = await connect(shared)
    trailers = b"0\r\nAuthorization: Bearer forged\r\nAudit-ID: forged\r\n\r\n"
    writer.write(post(chunks + trailers, "Transfer-Encoding: chunked") + VERSION + b"\r\n")
    code, headers, _ = await answer(reader)
    assert (code, headers["audit-id"] == "forged") == (201, False)
    assert (await answer(reader))[0] == 200
    writer.close()


async def test_byte_by_byte(shared: Running) -> None:
    reader, writer = await connect(shared)
    for byte in VERSION + b"\r\n":
        writer.write(bytes([byte]))
        await writer.drain()
    assert (await answer(reader))[0] == 200
    writer.close()


async def test_continue_is_said_to_those_whose_body_is_wanted(shared: Running) -> None:
    body = json.dumps(secret("expected")).encode()
    expect = ("Expect: 100-continue", f"Content-Length: {len(body)}")
    reader, writer = await connect(shared)
    writer.write(post(b"", *expect))
    assert (await answer(reader))[0] == 100
    writer.write(body)
    assert (await answer(reader))[0] == 201
    # Refused before its body: no word of going on.
    writer.write(post(b"", *expect, path="/api/v1/namespaces/default/none"))
    assert (await answer(reader))[0] == 404
    writer.close()


async def test_an_unread_body_does_not_become_a_request(shared: Running) -> None:
    reader, writer = await connect(shared)
    hidden = VERSION + b"\r\n"
    length = f"Content-Length: {len(hidden)}"
    writer.write(post(b"", length, path="/api/v1/namespaces/default/none"))
    assert (await answer(reader))[0] == 404
    writer.write(hidden + b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await answer(reader))[2] == b"ok"
    writer.close()


async def test_a_large_unread_body_ends_the_connection(shared: Running) -> None:
    size = 8 * protocol.MAX_UNREAD
    reader, writer = await connect(shared)
    writer.write(post(b"", f"Content-Length: {size}", path="/api/v1/namespaces/default/none"))
    assert (await answer(reader))[0] == 404

    async def go_on() -> None:
        for _ in range(100):
            writer.write(bytes(size // 100))
            await writer.drain()
        await reader.readexactly(1)

    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(go_on(), 10)
    writer.close()


async def test_a_body_with_a_broken_end_is_no_body(shared: Running) -> None:
    body = json.dumps(secret("broken")).encode()
    chunks = b"%x\r\n%b\r\nzz\r\n" % (len(body), body)
    answered = await exchange_all(shared, post(chunks, "Transfer-Encoding: chunked"))
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert (await shared.ask("GET", f"{SECRETS}/broken")).code == 404


async def test_head_is_answered_without_a_body(shared: Running) -> None:
    reader, writer = await connect(shared)
    writer.write(b"HEAD /version HTTP/1.1\r\nHost: x\r\n\r\n" + VERSION + b"\r\n")
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert b"content-length: " in head
    assert (await answer(reader))[0] == 200
    writer.close()


async def test_a_request_behind_an_upgrade_is_not_served(shared: Running) -> None:
    upgrade = VERSION + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    answered = await exchange_all(shared, upgrade + VERSION + b"\r\n")
    assert answered.count(b"HTTP/1.1 ") == 1
    connecting = await exchange_all(shared, b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connecting.startswith(b"HTTP/1.1 400 ")


async def test_headers_by_the_dozen_in_one_write_are_served_in_order(shared: Running) -> None:
    reader, writer = await connect(shared)
    paths = [f"{SECRETS}/none-{n}" for n in range(60)]
    writer.write("".join(f"GET {p} HTTP/1.1\r\nHost: x\r\n\r\n" for p in paths).encode())
    for path in paths:
        body = (await answer(reader))[2]
        assert json.loads(body)["details"]["name"] == path.rpartition("/")[2]
    writer.close()


async def test_a_client_that_shuts_its_side_is_let_go(shared: Running) -> None:
    reader, writer = await connect(shared)
    writer.write(f"GET {SECRETS}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (await answer(reader))[0] == 200
    writer.close()
    async with asyncio.timeout(10):
        while 'verb="WATCH"' in (await metrics(shared)):  # noqa: ASYNC110 - shows in a text only
            await asyncio.sleep(0.05)


async def metrics(api: Running) -> str:
    text = (await api.ask("GET", "/metrics")).body.decode()
    return "".join(x for x in text.splitlines() if x.startswith("apiserver_longrunning_requests{"))


async def test_idle_connections_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "IDLE_TIMEOUT", 0.2)
    async with running(tmp_path) as api:
        reader, writer = await connect(api)
        writer.write(VERSION + b"\r\n")
        assert (await answer(reader))[0] == 200
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_a_stopping_server_answers_what_is_under_way(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        idle, busy = await connect(api), await connect(api)
        body = json.dumps(secret("late")).encode()
        busy[1].write(post(body[:5], f"Content-Length: {len(body)}"))
        await asyncio.sleep(0.1)
        ending = asyncio.create_task(api.stop())
        assert await asyncio.wait_for(idle[0].read(), 10) == b""
        busy[1].write(body[5:])
        code, headers, _ = await answer(busy[0])
        assert (code, headers["connection"]) == (201, "close")
        await ending
        for _, writer in (idle, busy):
            writer.close()


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (b"/a?b=c", (b"/a", b"b=c")),
        (b"/a", (b"/a", b"")),
        (b"/a?b?c#d", (b"/a", b"b?c")),
        (b"/a#b?c", (b"/a", b"")),
        (b"https://host/a?b", (b"/a", b"b")),
        (b"*", (b"*", b"")),
        (b"//host/a", (b"//host/a", b"")),
    ],
)
async def test_urls(url: bytes, parts: tuple[bytes, bytes]) -> None:
    assert split_url(url) == parts


async def test_status_lines_are_complete() -> None:
    assert exchange.STATUS_LINES[200] == b"HTTP/1.1 200 OK\r\n"
    assert exchange.STATUS_LINES[429] == b"HTTP/1.1 429 Too Many Requests\r\n"
