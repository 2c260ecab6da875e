"""Many watches in one process, each costing little more than its TLS: they only note arrivals."""

from __future__ import annotations

import asyncio
import time

from bench.load import Endpoint

_EVENT = b'"type":"ADDED"'


class Watchers:
    """Watches that count the objects they are shown. ``close`` ends them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._transports: list[asyncio.Transport] = []
        self._arrived: list[float] = []
        self._changed = asyncio.Event()
        self.open = 0

    @classmethod
    async def start(cls, endpoint: Endpoint, request: bytes, count: int) -> Watchers:
        """Open ``count`` connections and wait until the server watches for each."""
        watchers = cls(count)
        loop = asyncio.get_running_loop()
        for _ in range(count):
            transport, _ = await loop.create_connection(
                lambda: _Watch(watchers),
                endpoint.host,
                endpoint.port,
                ssl=endpoint.tls,
                server_hostname=endpoint.host,
            )
            transport.write(request)
            watchers._transports.append(transport)
        while watchers.open < count:
            await watchers._change()
        return watchers

    async def arrivals(self) -> list[float]:
        """When each watch was shown the next object, on the performance counter."""
        while len(self._arrived) < self._count:
            await self._change()
        arrived, self._arrived = self._arrived, []
        return arrived

    def close(self) -> None:
        """Hang up."""
        for transport in self._transports:
            transport.abort()

    def note(self, at: float, events: int) -> None:
        """Take the arrival of events."""
        self._arrived += [at] * events
        self._changed.set()

    def opened(self) -> None:
        """One more watch has its headers."""
        self.open += 1
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        async with asyncio.timeout(60):
            await self._changed.wait()


class _Watch(asyncio.Protocol):
    """One watch. An event is small enough to come in one piece, so nothing is kept."""

    def __init__(self, watchers: Watchers) -> None:
        self._watchers = watchers
        self._head = bytearray()
        self._open = False

    def data_received(self, data: bytes) -> None:
        at = time.perf_counter()
        if not self._open:
            self._head += data
            if b"\r\n\r\n" in self._head:
                if not self._head.startswith(b"HTTP/1.1 200"):
                    raise SystemExit("bench: a watch was refused")
                self._open = True
                self._watchers.opened()
            return
        self._watchers.note(at, data.count(_EVENT))
