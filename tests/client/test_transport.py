"""What a server tells people beside its answer."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.transport import warning_texts
from strongroom.resources.namespace import NAMESPACES
from strongroom.resources.secret import SECRETS, TLS, Secret
from strongroom.testing.process import Strongroom
from tests.client.test_config import kubeconfig


@pytest.mark.parametrize(
    ("headers", "texts"),
    [
        ([], []),
        (['299 - "one"'], ["one"]),
        (
            ['299 - "one, \\"two\\" \\\\", 299 kube "three"', '299 - "four"'],
            ['one, "two" \\', "three", "four"],
        ),
        (['199 - "other"', "299 - none", '299 - "unfinished'], []),
    ],
)  # fmt: skip - a header with its texts
def test_the_texts_of_warning_headers(headers: list[str], texts: list[str]) -> None:
    assert warning_texts(headers) == texts


async def test_warnings_are_heard(api: Strongroom, namespace: str) -> None:
    heard: list[str] = []
    async with Client(load_config(api.kubeconfig), heard=heard.append) as client:
        wrong = Secret(type=TLS, data={"tls.crt": b"1", "tls.key": b"1"})
        wrong.metadata.name = "wrong"
        await client.create(SECRETS, wrong, namespace)
    assert heard == ["tls: failed to find any PEM data in certificate input"]


async def test_requests_go_through_the_proxy_that_is_named(api: Strongroom) -> None:
    asked: list[bytes] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        there = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
        writer.close()

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        config = replace(load_config(api.kubeconfig), proxy=f"http://127.0.0.1:{port}")
        async with Client(config) as client:
            assert (await client.get(NAMESPACES, "default")).metadata.name == "default"
    assert asked[0].startswith(f"CONNECT 127.0.0.1:{api.port} HTTP/1.1\r\n".encode())


async def test_acting_as_another_is_asked_for_in_headers(tmp_path: Path) -> None:
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    user = {
        "as": "jane",
        "as-uid": "7",
        "as-groups": ["a", "b"],
        "as-user-extra": {"Scopes/x": ["view", "edit"]},
    }
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        path = kubeconfig(tmp_path / "config", "x", **user)
        config = replace(load_config(path), server=f"http://127.0.0.1:{port}")
        async with Client(config) as client:
            await client.request("GET", "/")
    lines = [line for line in heads[0].decode().split("\r\n") if line.startswith("Impersonate-")]
    assert lines == [
        "Impersonate-User: jane",
        "Impersonate-Uid: 7",
        "Impersonate-Group: a",
        "Impersonate-Group: b",
        "Impersonate-Extra-scopes%2Fx: view",
        "Impersonate-Extra-scopes%2Fx: edit",
    ]
