"""A balancer of TCP connections: each goes to the next server that takes it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Balancer:
    """Listens at a port of its own; ``ports`` are those of the servers, which may change."""

    def __init__(self) -> None:
        self.ports: list[int] = []
        self.port = 0
        self._next = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        self._open.add(writer)
        try:
            for _ in range(len(self.ports)):
                self._next += 1
                port = self.ports[self._next % len(self.ports)]
                with contextlib.suppress(ConnectionError):
                    there, back = await asyncio.open_connection("127.0.0.1", port)
                    self._open.add(back)
                    await asyncio.gather(_copy(reader, back), _copy(there, writer))
                    self._open.discard(back)
                    return
        finally:
            writer.transport.abort()
            self._open.discard(writer)

    def hang_up(self) -> None:
        """Break every connection."""
        for writer in self._open:
            writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
    writer.transport.close()


@contextlib.asynccontextmanager
async def balanced() -> AsyncIterator[Balancer]:
    """A balancer that listens, with no servers yet."""
    balancer = Balancer()
    server = await asyncio.start_server(balancer.accept, "127.0.0.1", 0)
    balancer.port = server.sockets[0].getsockname()[1]
    try:
        yield balancer
    finally:
        server.close()
        balancer.hang_up()
        for _ in range(5):
            await asyncio.sleep(0)
