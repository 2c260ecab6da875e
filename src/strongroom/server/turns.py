"""Turns: locks by name, for what the server may do only once at a time.

In one process they are the event loop's own locks. Workers ask the keeper, who knows when one of
them dies: its turn ends when everything that it had written by then is stored or refused, so that
whoever is next sees it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, Protocol, TypeVar

from strongroom.api.errors import StatusDetails, StatusError
from strongroom.server.control import EndTurn, WantTurn

H = TypeVar("H")


class Turns(Protocol):
    """Gives turns."""

    def turn(self, name: str) -> AbstractAsyncContextManager[None]:
        """Wait for the turn of this name, and hold it."""
        ...


class LocalTurns:
    """Turns of a process that is alone."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @contextlib.asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait for the turn of this name, and hold it."""
        async with self._locks[name]:
            yield


class BothTurns:
    """Turns of this process first, and then of all servers: nobody waits there for themselves."""

    def __init__(self, here: Turns, everywhere: Turns) -> None:
        self._here, self._everywhere = here, everywhere

    @contextlib.asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait for the turn of this name, and hold it."""
        async with self._here.turn(name), self._everywhere.turn(name):
            yield


class AskedTurns:
    """Turns that a worker asks its keeper for, by ``send``."""

    def __init__(self, send: Callable[[WantTurn | EndTurn], None]) -> None:
        self._send = send
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[None]] = {}

    @contextlib.asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait for the turn of this name, and hold it."""
        number = next(self._numbers)
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = granted
        self._send(WantTurn(number, name))
        try:
            await granted
            yield
        finally:
            # Also who was cancelled while waiting gives back what may have been given meanwhile.
            del self._waiting[number]
            self._send(EndTurn(number, name))

    def answered(self, number: int, *, given: bool) -> None:
        """The keeper has given a turn, or cannot: who waits for it gets StatusError 500."""
        waiting = self._waiting.get(number)
        if waiting is None or waiting.done():
            return
        if given:
            waiting.set_result(None)
        else:
            waiting.set_exception(try_again())


class TurnTable(Generic[H]):
    """The keeper's list of who has a turn and who waits.

    ``grant`` is told a holder, its number and the turn's name.
    """

    def __init__(self, grant: Callable[[H, int, str], None]) -> None:
        self._grant = grant
        self._queues: defaultdict[str, deque[tuple[H, int]]] = defaultdict(deque)

    def want(self, holder: H, number: int, name: str) -> None:
        """Somebody asks for a turn; whoever is first in the queue has it."""
        queue = self._queues[name]
        queue.append((holder, number))
        if len(queue) == 1:
            self._grant(holder, number, name)

    def end(self, holder: H, number: int, name: str) -> None:
        """Somebody gives a turn back, or waits no longer."""
        self._leave(name, lambda one: one == (holder, number))

    def gone(self, holder: H) -> None:
        """Somebody is gone, and nothing of what they wrote is under way any more."""
        for name in list(self._queues):
            self._leave(name, lambda one: one[0] is holder)

    def _leave(self, name: str, who: Callable[[tuple[H, int]], bool]) -> None:
        queue = self._queues[name]
        first = queue[0] if queue else None
        left = deque(one for one in queue if not who(one))
        self._queues[name] = left
        if left and left[0] is not first:
            self._grant(*left[0], name)


def try_again() -> StatusError:
    """What is said where nobody can tell whose turn it is."""
    return StatusError(
        500,
        "ServerTimeout",
        "The operation could not be completed at this time, please try again.",
        details=StatusDetails(retryAfterSeconds=2),
    )
