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

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connections: list[_Connection] = []
        self._idle: list[_Connection] = []
        self._arrived: list[float] = []
        self._changed = asyncio.Event()
        self.answered = 0

    @classmethod
    async def start(cls, endpoint: Endpoint, request: bytes, count: int) -> Self:
        """Open ``count`` connections and wait until the server watches for each."""
        watchers = cls(endpoint)
        await watchers.connect(count)
        await watchers.watch(request)
        return watchers

    async def connect(self, count: int) -> None:
        """Open more connections, each with one short request answered.

        A server waits neither long for the first request of a connection nor for the next.
        """
        loop, endpoint = asyncio.get_running_loop(), self._endpoint
        limit = asyncio.Semaphore(_AT_ONCE)
        greeting = endpoint.get("/readyz")
        self.answered = 0

        async def one() -> None:
            async with limit:
                _, connection = await loop.create_connection(
                    lambda: _Connection(self),
                    endpoint.host,
                    endpoint.port,
                    ssl=endpoint.tls,
                    server_hostname=endpoint.host,
                )
                connection.send(greeting)
                self._idle.append(connection)

        await asyncio.gather(*(one() for _ in range(count)))
        while self.answered < count:
            await self._change()

    async def watch(self, request: bytes) -> None:
        """Begin to watch on every connection that does not yet."""
        self.answered = 0
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.ready = False
        for at in range(0, len(idle), _AT_ONCE):
            some = idle[at : at + _AT_ONCE]
            for connection in some:
                connection.send(request)
            while self.answered < at + len(some):
                await self._change()
        self._connections += idle

    async def arrivals(self) -> list[float]:
        """When each watch was shown the next object, on the performance counter."""
        while len(self._arrived) < len(self._connections):
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
        if len(self._arrived) >= len(self._connections):
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
