"""What the connections of one listener share: the application, their deadlines and their end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from strongroom.access.impersonation import PREFIX
from strongroom.server.exchange import Exchange
from strongroom.server.request import Request


class Application(Protocol):
    """What answers requests. It answers each, breaks its connection, or is cancelled."""

    def serve(self, request: Request, exchange: Exchange) -> Coroutine[Any, Any, None]: ...


class Member(Protocol):
    """A connection, as its site knows it."""

    deadline: float
    """When it has to have done something, in the event loop's time."""

    def expire(self) -> None: ...

    def stop(self) -> None: ...

    def abort(self) -> None: ...


class Site:
    """What the connections of one listener share."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.connections: set[Member] = set()
        self.stopping = False
        self.apart: tuple[str, ...] = (PREFIX,)
        """How headers begin whose values must be told apart, whatever is in them."""
        self.empty = asyncio.Event()
        """Set when, while stopping, the last connection has been closed."""

    def lost(self, connection: Member) -> None:
        """A connection is closed."""
        self.connections.discard(connection)
        if self.stopping and not self.connections:
            self.empty.set()

    def sweep(self) -> None:
        """Hang up on connections that took too long; called every second or so.

        One look at all of them costs less than a timer for each request.
        """
        now = asyncio.get_running_loop().time()
        for connection in [c for c in self.connections if c.deadline < now]:
            connection.expire()

    def stop(self) -> None:
        """Close connections without a request; the others close after their answer."""
        self.stopping = True
        if not self.connections:
            self.empty.set()
        for connection in list(self.connections):
            connection.stop()
