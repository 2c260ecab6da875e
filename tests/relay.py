"""A connection that can be cut: passes bytes between a port of its own and another one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Relay:
    """Passes everything on to a port of 127.0.0.1, until it is cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def mend(self) -> None:
        """Accept connections, at the same port as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Sockets are closed in the turns of the loop that follow.
        for _ in range(5):
            await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        if self._server is None:
            # It was cut meanwhile.
            writer.transport.abort()
            back.transport.abort()
            return
        ends = {writer, back}
        self._open |= ends
        tasks = {
            asyncio.create_task(_copy(reader, back)),
            asyncio.create_task(_copy(there, writer)),
        }
        self._tasks |= tasks
        await asyncio.wait(tasks)
        self._open -= ends
        self._tasks -= tasks


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
    writer.transport.abort()


@contextlib.asynccontextmanager
async def relayed(port: int) -> AsyncIterator[Relay]:
    """A relay that is cut in the end."""
    relay = Relay(port)
    await relay.mend()
    try:
        yield relay
    finally:
        await relay.cut()
