"""Writers of one object take turns: all but one of them would only find that they came too late."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

PATIENCE = 0.25
"""Seconds a writer waits for its turn. Then it tries its luck: admission of the one before may wait
for a webhook, and that webhook for this very write."""


class Turns:
    """Turns by key. They spare work and promise nothing: what is written is still compared."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    @contextlib.asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        """Wait for those who came before, but not for long."""
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = deque()
            turn = None
        else:
            turn = asyncio.get_running_loop().create_future()
            queue.append(turn)
        try:
            if turn is not None:
                await asyncio.wait((turn,), timeout=PATIENCE)
            yield
        finally:
            self._leave(key, queue, turn)

    def _leave(
        self, key: str, queue: deque[asyncio.Future[None]], turn: asyncio.Future[None] | None
    ) -> None:
        if turn is not None and not turn.done():
            # It went without its turn: whoever has it passes it on to the next.
            queue.remove(turn)
            return
        if queue:
            queue.popleft().set_result(None)
        else:
            self._queues.pop(key, None)
