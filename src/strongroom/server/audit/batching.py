"""Events gathered into batches, which are delivered one after the other.

The buffer is bounded: what does not fit is lost, and counted. A batch that is being delivered is no
part of the buffer, and there is one at a time: a slow receiver costs events, never memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from strongroom.server.audit.losses import Losses
from strongroom.server.audit.options import BatchOptions

Deliver = Callable[[Sequence[bytes]], Awaitable[None]]
"""Delivers a batch, or gives it up and counts it; it comes back either way. Soon, when closing."""


class Batches:
    """Gathers up to ``max_size`` events for up to ``max_wait`` seconds, and delivers them.

    ``most`` bounds the bytes of a batch: one that would be larger is split. 0: it may be any.
    """

    def __init__(
        self, options: BatchOptions, deliver: Deliver, losses: Losses, *, most: int = 0
    ) -> None:
        self._options = options
        self._deliver = deliver
        self._losses = losses
        self._most = most
        self._buffer: deque[bytes] = deque()
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._closing = False
        self._tokens = float(options.throttle_burst)
        self._filled = 0.0
        self._taken = self._done = 0
        self._stuck = False
        self._waiting: list[asyncio.Future[None]] = []

    def write(self, line: bytes) -> None:
        if len(self._buffer) >= self._options.buffer_size:
            self._losses.lost(1, why="the buffer is full")
            return
        self._buffer.append(line)
        self._taken += 1
        if self._task is None:
            self._filled = asyncio.get_running_loop().time()
            self._task = asyncio.create_task(self._work())
        if len(self._buffer) in (1, self._options.max_size):
            self._changed.set()

    def stuck(self, stuck: bool) -> None:
        """The receiver takes nothing at present, or does again."""
        self._stuck = stuck
        self._tell()

    async def settle(self) -> bool:
        """Wait until what was taken so far is done; False as soon as the receiver takes nothing."""
        upto = self._taken
        while self._done < upto and not self._stuck:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        return self._done >= upto

    async def close(self, seconds: float) -> None:
        """Deliver what is left within so many seconds; what then is left is lost."""
        self._closing = True
        self._changed.set()
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(seconds):
                await self._task
        left = self._taken - self._done
        if left:
            self._losses.lost(left, why="the server ends")
        self._stuck = True
        self._tell()

    async def _work(self) -> None:
        while self._buffer or not self._closing:
            await self._gathered()
            batch = self._take()
            if not batch:
                continue
            await self._turn()
            await self._deliver(batch)
            self._done += len(batch)
            self._tell()

    async def _gathered(self) -> None:
        """Wait for a first event, then for a whole batch or the end of its time."""
        while not self._buffer and not self._closing:
            self._changed.clear()
            await self._changed.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.max_wait):
                while len(self._buffer) < self._options.max_size and not self._closing:
                    self._changed.clear()
                    await self._changed.wait()

    def _take(self) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        while self._buffer and len(batch) < self._options.max_size:
            size += len(self._buffer[0])
            if batch and 0 < self._most < size:
                break
            batch.append(self._buffer.popleft())
        return batch

    async def _turn(self) -> None:
        """Wait until another batch may go, if there is a limit."""
        if not self._options.throttle_enable or self._closing:
            return
        now = asyncio.get_running_loop().time()
        rate, burst = self._options.throttle_qps, self._options.throttle_burst
        self._tokens = min(burst, self._tokens + (now - self._filled) * rate) - 1
        self._filled = now
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / rate)

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
