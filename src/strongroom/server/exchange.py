"""One request and its answer on a connection: uvicorn's cycle, sparing with writes.

A whole answer goes out with its headers in one write: one TLS record and one system call instead of
two of each, which is a sixth of what a small request costs. A large body is written slice by slice,
at the client's pace, so that a slow reader of a long list holds the list once and not twice.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

SLICE = 256 * 1024
"""Bytes handed to TLS at once: what is encrypted together should fit into the processor's cache."""

TAKE_TIMEOUT = 60.0
"""Seconds a client may take nothing of its answer; upstream ends a whole request by then."""


class Exchange(RequestResponseCycle):
    """Holds the start of an answer of known length back until its body comes."""

    _held: dict[str, Any] | None = None

    async def send(self, message: Any) -> None:
        if self.flow.write_paused:
            await self._writable()
        if message["type"] == "http.response.start" and _has_length(message["headers"]):
            self._held = message
        elif self._held is None:
            await super().send(message)
        else:
            start, self._held = self._held, None
            if not self.disconnected:
                await self._answer(start, message["body"])

    async def _answer(self, start: dict[str, Any], body: bytes) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        head = self._head(start["status"], start["headers"])
        if self.scope["method"] == "HEAD":
            body = b""
        if len(body) <= SLICE:
            self.transport.write(head + body)
        else:
            self.transport.write(head)
            await self._write_slices(body)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _head(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        """Status line and headers. Raises RuntimeError for a header with a line end in it."""
        if (b"connection", b"close") in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            headers = [*headers, (b"connection", b"close")]
        lines = [b"%b: %b\r\n" % header for header in (*self.default_headers, *headers)]
        head = b"".join((STATUS_LINE[status], *lines, b"\r\n"))
        if head.count(b"\n") != len(lines) + 2 or head.count(b"\r") != len(lines) + 2:
            raise RuntimeError("a header holds the end of a line")
        return head

    async def _write_slices(self, body: bytes) -> None:
        view = memoryview(body)
        for at in range(0, len(view), SLICE):
            if self.flow.write_paused:
                await self._writable()
            if self.disconnected:
                return
            self.transport.write(view[at : at + SLICE])

    async def _writable(self) -> None:
        """Wait for a client that is behind; one that takes nothing for a minute is hung up on.

        The answer may be a watch: a timer is set only when there is something to wait for, which is
        much cheaper than one for every event of every watch.
        """
        try:
            async with asyncio.timeout(TAKE_TIMEOUT):
                await self.flow.drain()
        except TimeoutError:
            self.disconnected = True
            self.transport.abort()


def _has_length(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-length" for name, _ in headers)
