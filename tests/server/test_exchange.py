"""Answers on the wire: whole in one piece, long ones slice by slice, at the client's pace."""

import asyncio
import itertools
import json
import socket
from typing import Any

import pytest

from strongroom.server import exchange
from tests.server.conftest import SECRETS, Running, secret


async def connect(api: Running, **options: Any) -> tuple[Any, Any]:
    port = int(api.server.url.rpartition(":")[2])
    return await asyncio.open_connection("127.0.0.1", port, ssl=api.context("admin"), **options)


async def fill(api: Running, count: int) -> None:
    for number in range(count):
        answer = await api.ask("POST", SECRETS, secret(f"s{number}", value="x" * 700_000))
        assert answer.code == 201


async def test_pipelined_requests_are_answered_in_order(api: Running) -> None:
    reader, writer = await connect(api)
    paths = ("/livez", f"{SECRETS}/none", "/readyz")
    writer.write("".join(f"GET {p} HTTP/1.1\r\nHost: x\r\n\r\n" for p in paths).encode())
    codes = []
    for _ in paths:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        codes.append(head[9:12])
        length = next(
            v
            for k, _, v in (h.partition(b": ") for h in head.split(b"\r\n"))
            if k == b"content-length"
        )
        await reader.readexactly(int(length))
    assert codes == [b"200", b"404", b"200"]
    writer.close()


async def test_head_and_the_last_answer_of_a_connection(api: Running) -> None:
    reader, writer = await connect(api)
    writer.write(b"HEAD /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close" in head
    assert b"\r\ncontent-length: 0" not in head
    assert body == b""
    writer.close()


async def test_a_long_answer_waits_for_a_slow_reader_and_comes_whole(api: Running) -> None:
    await fill(api, 4)
    reader, writer = await connect(api, limit=4096)
    writer.write(f"GET {SECRETS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    # Others are served while this one waits for its reader.
    assert (await api.ask("GET", f"{SECRETS}/s0")).code == 200
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = await asyncio.wait_for(reader.readexactly(length), 20)
    assert len(json.loads(body)["items"]) == 4
    writer.close()


@pytest.mark.parametrize(("query", "verb"), [("", "list"), ("?watch=1&resourceVersion=1", "watch")])
async def test_a_reader_that_takes_nothing_is_hung_up_on(
    api: Running, monkeypatch: pytest.MonkeyPatch, query: str, verb: str
) -> None:
    monkeypatch.setattr(exchange, "TAKE_TIMEOUT", 0.2)
    await fill(api, 15)
    small = socket.create_connection(("127.0.0.1", int(api.server.url.rpartition(":")[2])))
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    _, writer = await asyncio.open_connection(
        sock=small, ssl=api.context("admin"), server_hostname="127.0.0.1", limit=1024
    )
    writer.write(f"GET {SECRETS}{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def ended() -> bool:
        found = (e for e in api.audit_events() if e["verb"] == verb)
        return any(e["stage"] == "ResponseComplete" for e in found)

    async with asyncio.timeout(10):
        for number in itertools.count():
            if ended():
                break
            # Something more to send is what shows that the watcher takes nothing.
            await api.ask("POST", SECRETS, secret(f"more{number}", value="x" * 700_000))
            await asyncio.sleep(0.05)
    writer.transport.abort()
