"""The answering side of a connection: whole answers, long answers, streams, at the client's pace.

A small answer goes out with its headers in one write: one TLS record and one system call instead of
two of each. A large body is written slice by slice, so that a slow reader of a long list holds the
list once and not twice.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from strongroom.server.request import ClientGone, Request
from strongroom.server.websocket import MAX_EARLY

if TYPE_CHECKING:
    from strongroom.server.frames import Socket

SLICE = 48 * 1024
"""Bytes handed to TLS at once. Three records, and less than what the allocator takes from the
system and gives back each time: page faults were a third of what a long list cost."""

_JOINED = 16 * 1024
"""Largest body that is copied behind its headers; a TLS record holds no more."""

TAKE_TIMEOUT = 60.0
"""Seconds a client may take nothing of its answer; upstream ends a whole request by then."""


def _status_line(code: int) -> bytes:
    try:
        phrase = HTTPStatus(code).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.1 {code} {phrase}\r\n".encode()


STATUS_LINES = {code: _status_line(code) for code in range(100, 600)}


class Owner(Protocol):
    """The connection, as its exchange knows it."""

    def answered(self, request: Request) -> None: ...

    def abandoned(self) -> None: ...


class Exchange:
    """Where the answers of one connection go; ``request`` is the one that is being answered.

    ``head`` is everything before the body but the ``connection`` and ``transfer-encoding`` headers
    and the empty line.
    """

    __slots__ = (
        "_loop",
        "_owner",
        "_paused",
        "_socket",
        "_streaming",
        "_transport",
        "_waiter",
        "early",
        "gone",
        "request",
    )

    def __init__(
        self, owner: Owner, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._owner = owner
        self._transport = transport
        self._loop = loop
        self._paused = self._streaming = False
        self._waiter: asyncio.Future[None] | None = None
        self._socket: Socket | None = None
        self.gone = False
        """Whether the client has closed the connection."""
        self.request: Request
        self.early = bytearray()
        """What came for a WebSocket before it was accepted."""

    # --- the connection's side ---

    def pause(self) -> None:
        """The client is behind."""
        self._paused = True

    def resume(self) -> None:
        """The client has taken what was written."""
        self._paused = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def lost(self, task: asyncio.Task[None] | None) -> None:
        """The connection is closed. A stream is cancelled; what is short comes to its own end."""
        self.gone = True
        self.resume()
        if task is None:
            return
        if self._streaming:
            task.cancel()
        elif self.request.leave is not None:
            self.request.leave()

    # --- the application's side ---

    async def answer(self, head: bytes, body: bytes) -> None:
        """A whole answer; to a client that is gone, nothing."""
        if self._paused:
            await self._writable()
        request = self.request
        if self.gone:
            return
        end = b"\r\n" if request.keep_alive else b"connection: close\r\n\r\n"
        if request.method == "HEAD":
            body = b""
        if len(body) <= _JOINED:
            self._transport.write(b"%b%b%b" % (head, end, body))
        else:
            self._transport.write(head + end)
            await self._write_slices(body)
        self._owner.answered(request)

    async def begin_stream(self, head: bytes) -> None:
        """Begin an answer of unknown length. From now on, losing the client cancels the task."""
        if self.gone:
            raise ClientGone
        request = self.request
        end = b"transfer-encoding: chunked\r\n" if request.modern else b""
        if not request.keep_alive:
            end += b"connection: close\r\n"
        self._transport.write(b"%b%b\r\n" % (head, end))
        self._streaming = True

    def begin_socket(self, head: bytes, content_type: str) -> None:
        """Go on as a WebSocket; what was said of streams holds. Raises ClientGone."""
        from strongroom.server.frames import Socket

        if self.gone:
            raise ClientGone
        self._transport.write(head + b"\r\n")
        self._streaming = True
        self._socket = Socket(content_type, self._transport.write, self._transport.close)
        early, self.early = self.early, bytearray()
        if early:
            self._socket.feed(bytes(early))

    def feed_socket(self, data: bytes) -> None:
        """Take bytes that the client sent behind its request for a WebSocket."""
        if self._socket is not None:
            self._socket.feed(data)
        else:
            self.early += data
            if len(self.early) > MAX_EARLY:
                self._transport.abort()

    async def send(self, chunk: bytes) -> None:
        """A piece of the stream, when the client has taken enough of those before it.

        Raises ClientGone.
        """
        if self._paused:
            await self._writable()
        if self.gone:
            raise ClientGone
        request = self.request
        if self._socket is not None:
            self._socket.send(chunk)
            return
        if not chunk or request.method == "HEAD":
            return
        self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if request.modern else chunk)

    def end_stream(self) -> None:
        """The stream is complete."""
        self._streaming = False
        if self.gone:
            return
        if self._socket is not None:
            self._socket.close()
        elif self.request.modern and self.request.method != "HEAD":
            self._transport.write(b"0\r\n\r\n")
        self._owner.answered(self.request)

    def abandon(self) -> None:
        """There will be no answer: the request did not come whole."""
        self._owner.abandoned()

    def abort(self) -> None:
        """Break the connection: the only honest sign when an answer cannot be completed."""
        self._streaming = False
        self._transport.abort()

    async def _write_slices(self, body: bytes) -> None:
        view = memoryview(body)
        for at in range(0, len(view), SLICE):
            if self._paused:
                await self._writable()
            if self.gone:
                return
            self._transport.write(view[at : at + SLICE])

    async def _writable(self) -> None:
        """Wait for a client that is behind; one that takes nothing for a minute is hung up on.

        A timer is set only when there is something to wait for, which is much cheaper than one for
        every event of every watch.
        """
        try:
            async with asyncio.timeout(TAKE_TIMEOUT):
                while self._paused and not self.gone:
                    self._waiter = self._loop.create_future()
                    await self._waiter
        except TimeoutError:
            self.gone = True
            self._transport.abort()
        finally:
            self._waiter = None


def plain_answer(code: int) -> bytes:
    """What is told to those whose bytes are no request, in Go's form."""
    line = STATUS_LINES[code]
    body = line[len(b"HTTP/1.1 ") : -2]
    return b"%bcontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n%b" % (
        line,
        body,
    )
