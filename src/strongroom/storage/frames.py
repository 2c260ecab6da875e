"""Frames between processes of one server, over a pair of connected sockets that nobody else has.

A frame is four bytes of length and as many of content. The sockets are made by the process that
keeps the store and inherited by those that it starts: there is nothing in the file system to find,
to guess or to connect to.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

_HEAD = 4


class Frames(asyncio.Protocol):
    """One end. ``received`` gets each frame in order; ``lost`` is called once, at the end."""

    def __init__(self, received: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self._received = received
        self.lost = lost
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    @property
    def unsent(self) -> int:
        """Bytes that the other end has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at, have = 0, len(buffer)
        while have - at >= _HEAD:
            end = at + _HEAD + int.from_bytes(buffer[at : at + _HEAD], "big")
            if end > have:
                break
            self._received(bytes(memoryview(buffer)[at + _HEAD : end]))
            at = end
        if at:
            del buffer[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.lost()

    def send(self, content: bytes) -> None:
        """Send a frame; all of one turn of the event loop go out together. Lost after the end."""
        if self._transport is not None:
            self._transport.write(framed(content))

    def send_framed(self, frame: bytes) -> None:
        """Send what ``framed`` made, which may go to many."""
        if self._transport is not None:
            self._transport.write(frame)

    def close(self) -> None:
        """End after what was sent has gone out."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End now."""
        if self._transport is not None:
            self._transport.abort()


def framed(content: bytes) -> bytes:
    """A frame as it goes over the socket."""
    return len(content).to_bytes(_HEAD, "big") + content


async def open_frames(
    sock: socket.socket, received: Callable[[bytes], None], lost: Callable[[], None]
) -> Frames:
    """Take over one socket of a pair."""
    sock.setblocking(False)
    frames = Frames(received, lost)
    await asyncio.get_running_loop().create_unix_connection(lambda: frames, sock=sock)
    return frames
