"""One connection on which requests follow each other, for what needs the answers to go on."""

from __future__ import annotations

import asyncio
from typing import Self, cast

from bench.load import Endpoint, response_length


class Session(asyncio.Protocol):
    """Sends one request at a time and gives the answer's status and body."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._missing = 0
        self._head = bytearray()
        self._whole: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, endpoint: Endpoint) -> Self:
        """Connect; raises OSError."""
        loop = asyncio.get_running_loop()
        _, session = await loop.create_connection(
            cls, endpoint.host, endpoint.port, ssl=endpoint.tls, server_hostname=endpoint.host
        )
        return session

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The answer to a request. Raises ConnectionError when there will be none."""
        assert self._transport is not None
        self._whole = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._whole
        head, _, start = bytes(self._head).partition(b"\r\n\r\n")
        body = b"".join((start, *self._parts))
        self._head.clear()
        self._parts.clear()
        if b"transfer-encoding: chunked" in head.lower():
            body = unchunked(body)
        return int(head[9:12]), body

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._parts.append(data)
            self._missing -= len(data)
        else:
            self._head += data
            length = response_length(self._head)
            if length is None:
                return
            self._missing = length - len(self._head)
        if not self._missing and self._whole is not None and not self._whole.done():
            self._whole.set_result(None)


def unchunked(body: bytes) -> bytes:
    """The content of a body in chunks."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].partition(b";")[0], 16)
        if not size:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
