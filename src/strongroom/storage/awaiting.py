"""Who waits for which revision: each is woken once, when that one is reached.

Waking everybody at every change, for each to look again, costs as many steps as there are waiters
for each change; with many clients that is more than what they wait for.
"""

from __future__ import annotations

import asyncio
import heapq

_FEW = 64


class Awaited:
    """Waiters by revision. Everything runs on one event loop."""

    def __init__(self) -> None:
        # A heap; the number keeps futures from being compared.
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._asked = self._given_up = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    async def until(self, revision: int) -> None:
        """Wait until `reached` is called with that revision or a later one."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked += 1
        heapq.heappush(self._waiting, (revision, self._asked, waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            self._forget()
            raise

    def reached(self, revision: int) -> None:
        """Wake those who wait for a revision or an earlier one."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= revision:
            self._complete(heapq.heappop(waiting)[2])

    def end(self) -> None:
        """Wake everybody: there will be no more revisions."""
        for _, _, waiter in self._waiting:
            self._complete(waiter)
        self._waiting = []

    def _complete(self, waiter: asyncio.Future[None]) -> None:
        if waiter.done():
            self._given_up -= 1
        else:
            waiter.set_result(None)

    def _forget(self) -> None:
        """Take out those who gave up once they are most, so that a store that has come to a stop
        does not fill memory with them."""
        self._given_up += 1
        if self._given_up > _FEW and 2 * self._given_up > len(self._waiting):
            self._waiting = [one for one in self._waiting if not one[2].done()]
            heapq.heapify(self._waiting)
            self._given_up = 0
