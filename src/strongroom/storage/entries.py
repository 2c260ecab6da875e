"""The contents of a watch cache: items by key, and in key order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from strongroom.storage.port import prefix_end

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cached(Generic[T]):
    """One key's current object. `item` means nothing while `error` is set."""

    key: str
    revision: int
    create_revision: int
    item: T
    error: Exception | None = None


class Entries(Generic[T]):
    """Entries by key, and sorted: a list request costs two bisections and one slice."""

    def __init__(self, entries: Iterable[Cached[T]] = ()) -> None:
        self.by_key = {entry.key: entry for entry in entries}
        # Parallel lists: the keys are what bisection compares, the entries what is sliced.
        self._keys = sorted(self.by_key)
        self._sorted = [self.by_key[key] for key in self._keys]
        self.broken = frozenset(key for key, entry in self.by_key.items() if entry.error)

    def put(self, entry: Cached[T]) -> Cached[T] | None:
        """Set a key's entry; the one it replaces."""
        key = entry.key
        old = self.by_key.get(key)
        index = bisect_left(self._keys, key)
        if old is None:
            self._keys.insert(index, key)
            self._sorted.insert(index, entry)
        else:
            self._sorted[index] = entry
        self.by_key[key] = entry
        if entry.error:
            self.broken |= {key}
        elif key in self.broken:
            self.broken -= {key}
        return old

    def remove(self, key: str) -> Cached[T] | None:
        """Forget a key; its last entry."""
        old = self.by_key.pop(key, None)
        if old is not None:
            index = bisect_left(self._keys, key)
            del self._keys[index]
            del self._sorted[index]
            self.broken -= {key}
        return old

    def slice(self, prefix: str, start: str, limit: int) -> tuple[list[Cached[T]], int]:
        """Entries with a prefix from `start` on, `limit` (0: all) at most; how many follow."""
        low = bisect_left(self._keys, max(prefix, start))
        end = prefix_end(prefix)
        high = len(self._keys) if end is None else bisect_left(self._keys, end)
        stop = min(high, low + limit) if limit else high
        return self._sorted[low:stop], max(high - stop, 0)
