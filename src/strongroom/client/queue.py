"""The work queue between watching and doing: each key once, failures again later.

A key that is added while it is being worked on is handed out again when that work is done, never
to two workers at once. Upstream's ``client-go/util/workqueue`` set these rules.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from strongroom.client.backoff import Backoff, Sleep

K = TypeVar("K", bound=Hashable)


class QueueClosed(Exception):
    """No more keys: the queue was closed."""


class WorkQueue(Generic[K]):
    """Keys waiting to be worked on. ``get`` a key, do the work, then ``done`` it.

    ``retry`` adds a key after a delay that doubles with each of its failures, from ``initial`` up
    to ``limit`` seconds; ``forget`` ends its history.
    """

    def __init__(
        self, *, initial: float = 0.005, limit: float = 1000.0, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._initial = initial
        self._limit = limit
        self._sleep = sleep
        self._waiting: deque[K] = deque()
        self._dirty: set[K] = set()
        self._active: set[K] = set()
        self._failures: dict[K, Backoff] = {}
        self._timers: dict[K, tuple[float, asyncio.Task[None]]] = {}
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: K) -> None:
        """Ask for work on ``key``, unless it is waiting already."""
        if self._closed or key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._active:
            self._waiting.append(key)
            self._changed.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Ask for work on ``key`` in so many seconds, or when it was already asked for if sooner.

        A key has one timer however often it is asked for: work that asks for itself again after
        each turn would otherwise multiply with every other reason to do it.
        """
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if key in self._timers:
            earlier, timer = self._timers[key]
            if earlier <= due:
                return
            timer.cancel()
        self._timers[key] = due, loop.create_task(self._later(key, seconds))

    def retry(self, key: K) -> None:
        """Ask for work on ``key`` again after a failure, later each time."""
        backoff = self._failures.setdefault(key, Backoff(self._initial, self._limit, jitter=0.0))
        self.add_after(key, backoff.next())

    def forget(self, key: K) -> None:
        """``key`` succeeded: its next failure counts as the first."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """The next key, waiting for one. Raises :class:`QueueClosed` when no more will come."""
        while not self._waiting:
            if self._closed:
                raise QueueClosed
            self._changed.clear()
            await self._changed.wait()
        key = self._waiting.popleft()
        self._dirty.discard(key)
        self._active.add(key)
        return key

    def done(self, key: K) -> None:
        """Work on ``key`` ended, well or not."""
        self._active.discard(key)
        if key in self._dirty:
            self._waiting.append(key)
            self._changed.set()

    def close(self) -> None:
        """Take no more keys; those waiting are still handed out, those with a delay are dropped."""
        self._closed = True
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._changed.set()

    async def _later(self, key: K, seconds: float) -> None:
        await self._sleep(seconds)
        self._timers.pop(key, None)
        self.add(key)
