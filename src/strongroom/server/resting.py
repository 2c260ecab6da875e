"""Reads less often from who asks too much, while others ask too.

Before it is known whose a request is, TLS and parsing have cost as much as a small read does
itself. So a flood of small reads cannot be held back by letting them wait: what they cost is paid
by then. Instead the connection of who has had enough in one turn of the event loop is not read from
until later turns, some connections of each flow in each of them. What it sends waits in the kernel.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable

BURST = 8
"""Connections of a flow that are read from again in one turn of the event loop."""


class Resting:
    """The connections that are not read from now, by flow."""

    def __init__(self) -> None:
        self._parked: dict[Hashable, deque[Callable[[], None]]] = {}
        self._scheduled = False

    def park(self, flow: Hashable, go_on: Callable[[], None]) -> None:
        """Call ``go_on`` in a later turn, when those of the same flow before it have been called.

        It must not raise, and has to bear that its connection is closed by then.
        """
        self._parked.setdefault(flow, deque()).append(go_on)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._wake)

    def _wake(self) -> None:
        self._scheduled = False
        for flow, parked in list(self._parked.items()):
            for _ in range(min(BURST, len(parked))):
                parked.popleft()()
            if not parked:
                del self._parked[flow]
        if self._parked:
            self._schedule()
