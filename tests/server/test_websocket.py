"""A watch over a WebSocket, as browsers do it and as nobody should."""

import asyncio
import contextlib
import json
import struct
from typing import Any

import aiohttp
import pytest

from tests.server.conftest import SECRETS, Running, running, secret

UPGRADE = (
    "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def connect(api: Running, identity: str = "admin") -> tuple[Any, Any]:
    port = int(api.server.url.rpartition(":")[2])
    return await asyncio.open_connection("127.0.0.1", port, ssl=api.context(identity))


def frame(opcode: int, payload: bytes, *, masked: bool = True) -> bytes:
    """A client's frame; its mask is zero."""
    mask = b"\0\0\0\0" if masked else b""
    return bytes([0x80 | opcode, (0x80 if masked else 0) | len(payload)]) + mask + payload


async def head_of(reader: asyncio.StreamReader) -> str:
    return (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()


async def next_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    async with asyncio.timeout(10):
        first, length = await reader.readexactly(2)
        if length == 126:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
        return first & 15, await reader.readexactly(length)


async def test_events_are_text_messages(api: Running) -> None:
    async with api.session().ws_connect(f"{SECRETS}?watch=1") as socket:
        await api.ask("POST", SECRETS, secret("a", k="v"))
        await api.ask("DELETE", f"{SECRETS}/a")
        messages = [await socket.receive(10) for _ in range(2)]
    assert {message.type for message in messages} == {aiohttp.WSMsgType.TEXT}
    assert [json.loads(message.data)["type"] for message in messages] == ["ADDED", "DELETED"]


async def test_protobuf_is_binary_and_each_event_a_message(api: Running) -> None:
    await api.ask("POST", SECRETS, secret("a"))
    await api.ask("POST", SECRETS, secret("b"))
    headers = {"Accept": "application/vnd.kubernetes.protobuf;stream=watch"}
    async with api.session().ws_connect(f"{SECRETS}?watch=1", headers=headers) as socket:
        # Both are in one piece of the stream.
        both = [await socket.receive(10) for _ in range(2)]
    assert {message.type for message in both} == {aiohttp.WSMsgType.BINARY}
    assert all(message.data.startswith(b"\n\x05ADDED\x12") for message in both)


async def test_the_handshake(api: Running) -> None:
    reader, writer = await connect(api)
    offered = "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.eA, mine\r\n"
    request = f"GET {SECRETS}?watch=1 HTTP/1.1\r\nHost: x\r\n{UPGRADE}{offered}\r\n".encode()
    # What comes with the request is read too: here a ping.
    writer.write(request + frame(9, b"early"))
    head = await head_of(reader)
    assert head.startswith("HTTP/1.1 101 Switching Protocols\r\n")
    assert "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    assert "sec-websocket-protocol: mine\r\n" in head
    assert "transfer-encoding" not in head
    assert await next_frame(reader) == (10, b"early")
    writer.write(frame(9, b"ping"))
    assert await next_frame(reader) == (10, b"ping")
    writer.write(frame(8, struct.pack("!H", 1000)))
    assert await next_frame(reader) == (8, struct.pack("!H", 1000))
    assert await reader.read() == b""
    writer.close()
    async with asyncio.timeout(10):
        while len(events := api.audit_events()) < 2:  # noqa: ASYNC110 - shows in a file only
            await asyncio.sleep(0.01)
    assert [e["stage"] for e in events] == ["ResponseStarted", "ResponseComplete"]
    assert {e["responseStatus"]["code"] for e in events} == {101}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(1, b"x", masked=False), 1002),
        (bytes([0x83, 0x80, 0, 0, 0, 0]), 1002),
        (bytes([0x89, 0xFE, 1, 0, 0, 0, 0, 0]) + bytes(256), 1002),
    ],
    ids=["unmasked", "reserved opcode", "large ping"],
)
async def test_breaches_close(api: Running, sent: bytes, code: int) -> None:
    reader, writer = await connect(api)
    writer.write(f"GET {SECRETS}?watch=1 HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n".encode())
    await head_of(reader)
    writer.write(sent)
    opcode, payload = await next_frame(reader)
    assert (opcode, payload[:2]) == (8, struct.pack("!H", code))
    writer.close()


@pytest.mark.parametrize(
    ("path", "headers", "identity", "code"),
    [
        (f"{SECRETS}?watch=1", UPGRADE, "", 401),
        ("/api/v1/secrets?watch=1", UPGRADE, "controller-manager", 101),
        ("/api/v1/secrets?watch=1", UPGRADE, "node", 403),
        ("/api/v1/configmaps?watch=1", UPGRADE, "scheduler", 403),
        (f"{SECRETS}?watch=1", UPGRADE.replace("13", "8"), "admin", 400),
        (f"{SECRETS}?watch=1", UPGRADE.replace("==", ""), "admin", 400),
        (f"{SECRETS}?watch=1", UPGRADE + "Sec-WebSocket-Protocol: a, b\r\n", "admin", 400),
        (SECRETS, UPGRADE, "admin", 200),
        (SECRETS, UPGRADE.replace("websocket", "h2c"), "admin", 200),
        (f"{SECRETS}?watch=1&timeoutSeconds=1", UPGRADE.replace("websocket", "h2c"), "admin", 200),
    ],
)
async def test_who_gets_one(
    api: Running, path: str, headers: str, identity: str, code: int
) -> None:
    reader, writer = await connect(api, identity)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    head = await head_of(reader)
    assert head.startswith(f"HTTP/1.1 {code} ")
    if code != 101:
        # The parser ends with such a request, and so does the connection.
        assert "connection: close" in head
        await asyncio.wait_for(reader.read(), 10)
    writer.close()


async def test_who_reads_no_pongs_is_read_no_more(api: Running) -> None:
    reader, writer = await connect(api)
    writer.write(f"GET {SECRETS}?watch=1 HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n".encode())
    await head_of(reader)
    pings = frame(9, b"x" * 100) * 1000
    sent = 0
    with contextlib.suppress(TimeoutError):
        # Nobody reads here, so in the end nobody reads there: no memory is taken for the pongs.
        async with asyncio.timeout(2):
            while sent < 20_000_000:
                writer.write(pings)
                await writer.drain()
                sent += len(pings)
    assert sent < 20_000_000
    # Who reads again is served again.
    assert await next_frame(reader) == (10, b"x" * 100)
    writer.transport.abort()


async def test_it_ends_with_its_time_and_with_the_server(tmp_path: Any) -> None:
    async with running(tmp_path) as api:
        session = api.session()
        async with session.ws_connect(f"{SECRETS}?watch=1&timeoutSeconds=1") as socket:
            message = await socket.receive(10)
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1000)
        async with session.ws_connect(f"{SECRETS}?watch=1") as socket:
            ending = asyncio.create_task(api.stop())
            assert (await socket.receive(10)).type is aiohttp.WSMsgType.CLOSE
        await ending


@pytest.mark.parametrize("code", [1000, 1002])
async def test_a_goodbye_behind_the_request_is_no_failure(
    api: Running, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    """What comes before the handshake is answered may end the socket before its first event."""
    assert (await api.ask("POST", SECRETS, secret("s"))).code == 201
    sent = frame(8, struct.pack("!H", code)) if code == 1000 else frame(3, b"")
    reader, writer = await connect(api)
    head = f"GET {SECRETS}?watch=1 HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n"
    writer.write(head.encode() + sent)
    assert "101" in await head_of(reader)
    opcode, payload = await next_frame(reader)
    assert (opcode, payload[:2]) == (8, struct.pack("!H", code))
    assert await reader.read() == b""
    writer.close()
    assert (await api.ask("GET", f"{SECRETS}/s")).code == 200
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []
