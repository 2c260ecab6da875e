"""Handing connections over: the keeper accepts them and gives each worker one in turn.

A listening socket that several processes accept from spreads a burst of connections badly (of 200
opened at once, one of two processes got 153; with SO_REUSEPORT it was 118, and 23 of 32). In turns
each gets as many as the next. And with SO_REUSEPORT connections wait in the queue of a process that
has died.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence

from strongroom.server.protocol import Connection
from strongroom.server.serving import HANDSHAKE_TIMEOUT, SHUTDOWN_TIMEOUT, Listener
from strongroom.server.site import Application

logger = logging.getLogger("strongroom.server")

_AT_ONCE = 128
_PAUSE = 0.1


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected sockets for one worker's connections; each message keeps its bounds."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Giver:
    """Accepts connections and gives each to the next of ``takers()``, those that serve now."""

    def __init__(self, sock: socket.socket, takers: Callable[[], Sequence[socket.socket]]) -> None:
        self._socket = sock
        self._takers = takers
        self._next = 0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._accept)
        self._open = True

    def stop(self) -> None:
        """Accept nothing more."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _accept(self) -> None:
        if not self._takers():
            # Clients wait in the queue of the listening socket until somebody serves again.
            self._rest()
            return
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue
            except OSError as error:
                # No more files, most likely: what waits is taken when there are some again.
                logger.warning("cannot accept connections: %s", error.strerror)
                self._rest()
                return
            with connection:
                self._give(connection)

    def _rest(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._loop.call_later(_PAUSE, self._again)

    def _again(self) -> None:
        if self._open:
            self._loop.add_reader(self._socket.fileno(), self._accept)

    def _give(self, connection: socket.socket) -> None:
        """Give a connection to the next that takes it; with nobody there it is closed."""
        takers = self._takers()
        for _ in takers:
            self._next += 1
            taker = takers[self._next % len(takers)]
            try:
                socket.send_fds(taker, [b"c"], [connection.fileno()])
            except OSError:
                continue  # It has died, or takes nothing for now.
            return


class HandedListener(Listener):
    """Serves the connections that come out of ``source``, a worker's end of a ``pair``."""

    def __init__(self, app: Application, source: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(app, source, context)
        self._beginning: set[asyncio.Task[None]] = set()

    async def _accept(self) -> Callable[[], None]:
        self._socket.setblocking(False)
        loop, number = asyncio.get_running_loop(), self._socket.fileno()
        loop.add_reader(number, self._take)

        def close() -> None:
            loop.remove_reader(number)
            # What was handed over and not yet looked at is served, or refused politely.
            self._take()

        return close

    def _take(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                _, received, _, _ = socket.recv_fds(self._socket, 1, 1)
            except OSError:
                return
            if not received:
                return
            task = asyncio.create_task(self._begin(socket.socket(fileno=received[0])))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    async def _begin(self, sock: socket.socket) -> None:
        """Begin TLS; a peer that cannot is let go, as a listening server does."""
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Connection(self._site),
                sock,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
                ssl_shutdown_timeout=SHUTDOWN_TIMEOUT,
            )
        except OSError:
            sock.close()
