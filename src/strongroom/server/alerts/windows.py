"""What was seen of each user in the last minutes, within bounds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from strongroom.server.alerts.events import Brief

K = TypeVar("K", bound=Hashable)

MOST_KEYS = 1000
"""Users, or addresses, that a rule counts for at the same time."""


class Window:
    """What counts of one key: each thing once, at the time at which it was last seen."""

    __slots__ = ("_things", "total")

    def __init__(self) -> None:
        self._things: dict[Hashable, tuple[float, int, Brief]] = {}
        self.total = 0

    def add(self, now: float, since: float, thing: Hashable, weight: int, brief: Brief) -> int:
        """Count a thing, forget what is older than ``since``; the sum of all weights."""
        things = self._things
        known = things.pop(thing, None)
        if known is not None:
            self.total -= known[1]
        things[thing] = now, weight, brief
        self.total += weight
        # In the order of their times, since what is seen again goes to the end.
        while True:
            oldest = next(iter(things))
            when, heavy, _ = things[oldest]
            if when >= since:
                return self.total
            del things[oldest]
            self.total -= heavy

    def weight(self, thing: Hashable) -> int:
        """What a thing counts; 0 for one that does not."""
        known = self._things.get(thing)
        return known[1] if known is not None else 0

    def things(self) -> list[Hashable]:
        """All that counts."""
        return list(self._things)

    def evidence(self) -> list[tuple[Brief, int]]:
        """What counts, with its weights, in the order of time."""
        return [(brief, weight) for _, weight, brief in self._things.values()]


class Windows(Generic[K]):
    """A window for each key; the keys that were not seen for longest go first."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._windows: OrderedDict[K, Window] = OrderedDict()
        self._most = most

    def __len__(self) -> int:
        return len(self._windows)

    def of(self, key: K) -> Window:
        """The window of a key, which counts as seen now."""
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = Window()
            if len(self._windows) > self._most:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(key)
        return window

    def forget(self, key: K) -> None:
        """Begin anew with a key."""
        self._windows.pop(key, None)
