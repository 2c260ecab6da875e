"""Many watches in one process, each costing little more than its TLS: they only note arrivals."""

from __future__ import annotations

import asyncio
import time
from typing import Self, cast

from bench.load import Endpoint

_EVENT = b'"type":"ADDED"'
_AT_ONCE = 100
"""Handshakes under way: more would wait in the server's backlog, and time out there."""
_PATIENCE = 120.0
"""Seconds in which something has to happen."""


class Watchers:
    """Watches that count the objects they are shown. ``close`` ends them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._connections: list[_Connection] = []
        self._arrived: list[float] = []
        self._changed = asyncio.Event()
        self.answered = 0

    @classmethod
    async def start(cls, endpoint: Endpoint, request: bytes, count: int) -> Self:
        """Open ``count`` connections and wait until the server watches for each."""
        watchers = await cls.connect(endpoint, count, endpoint.get("/readyz"))
        await watchers.watch(request)
        return watchers

    @classmethod
    async def connect(cls, endpoint: Endpoint, count: int, greeting: bytes) -> Self:
        """Open ``count`` connections, each with one short request answered.

        A server does not wait long for the first request of a connection.
        """
        watchers = cls(count)
        loop = asyncio.get_running_loop()
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one() -> None:
            async with limit:
                _, connection = await loop.create_connection(
                    lambda: _Connection(watchers),
                    endpoint.host,
                    endpoint.port,
                    ssl=endpoint.tls,
                    server_hostname=endpoint.host,
                )
                connection.send(greeting)
                watchers._connections.append(connection)

        await asyncio.gather(*(one() for _ in range(count)))
        while watchers.answered < count:
            await watchers._change()
        return watchers

    async def watch(self, request: bytes) -> None:
        """Begin to watch on every connection."""
        self.answered = 0
        for connection in self._connections:
            connection.ready = False
        for at in range(0, self._count, _AT_ONCE):
            some = self._connections[at : at + _AT_ONCE]
            for connection in some:
                connection.send(request)
            while self.answered < at + len(some):
                await self._change()

    async def arrivals(self) -> list[float]:
        """When each watch was shown the next object, on the performance counter."""
        while len(self._arrived) < self._count:
            await self._change()
        arrived, self._arrived = self._arrived, []
        return arrived

    def close(self) -> None:
        """Hang up."""
        for connection in self._connections:
            connection.abort()

    def note(self, at: float, events: int) -> None:
        """Take the arrival of events."""
        self._arrived += [at] * events
        if len(self._arrived) >= self._count:
            self._changed.set()

    def begun(self) -> None:
        """One more connection has been answered."""
        self.answered += 1
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        async with asyncio.timeout(_PATIENCE):
            await self._changed.wait()


class _Connection(asyncio.Protocol):
    """One connection. Heads and events are small enough to come in one piece; none is kept."""

    __slots__ = ("_closed", "_transport", "_watchers", "ready")

    def __init__(self, watchers: Watchers) -> None:
        self._watchers = watchers
        self._transport: asyncio.Transport | None = None
        self._closed = False
        self.ready = False
        """Whether the head of the present answer has come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed:
            raise SystemExit("bench: the server closed a connection")

    def send(self, request: bytes) -> None:
        """Send a request."""
        assert self._transport is not None
        self._transport.write(request)

    def abort(self) -> None:
        """Hang up."""
        assert self._transport is not None
        self._closed = True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        at = time.perf_counter()
        if self.ready:
            self._watchers.note(at, data.count(_EVENT))
            return
        if not data.startswith(b"HTTP/1.1 200"):
            raise SystemExit("bench: a request was refused")
        self.ready = True
        self._watchers.begun()
