"""Delays that grow with each failure, and the retry of lost races."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from strongroom.api.errors import StatusError

R = TypeVar("R")

Sleep = Callable[[float], Awaitable[None]]
"""Waits so many seconds; ``asyncio.sleep`` outside tests."""


@dataclass(slots=True)
class Backoff:
    """Seconds to wait before each further try: doubling from ``initial`` up to ``limit``.

    Each delay is lengthened by up to ``jitter`` of itself, so that the clients of a server that
    comes back do not all arrive in the same moment.
    """

    initial: float
    limit: float
    jitter: float = 0.5
    random: Callable[[], float] = random.random
    _failures: int = 0

    def next(self) -> float:
        """The delay after one more failure."""
        # The exponent is bounded before the power is taken: failures may go on for days.
        delay = min(self.initial * 2.0 ** min(self._failures, 60), self.limit)
        self._failures += 1
        return delay * (1.0 + self.jitter * self.random())

    def reset(self) -> None:
        """Start over: something succeeded."""
        self._failures = 0


async def retry_on_conflict(attempt: Callable[[], Awaitable[R]], *, tries: int = 5) -> R:
    """Run read-modify-write again while it loses the race (409 Conflict), at most ``tries`` times.

    ``attempt`` must read the object anew each time. The last conflict is raised.
    """
    for _ in range(tries - 1):
        try:
            return await attempt()
        except StatusError as error:
            if error.reason != "Conflict":
                raise
    return await attempt()
