"""What is made of objects that come again and again, kept by their identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """``of(x)`` is ``make(x)``, made once while ``x`` is among the last few.

    Looking an object up by its identity costs a tenth of hashing its content. The object itself is
    kept and compared, so that nothing is ever taken for anything else. Beyond ``keep`` objects all
    are forgotten: nobody can fill the memory, and what is in use is back at once.
    """

    def __init__(self, make: Callable[[K], V], keep: int = 2048) -> None:
        self._make = make
        self._keep = keep
        self._known: dict[int, tuple[K, V]] = {}

    def of(self, key: K) -> V:
        """What is made of the object."""
        known = self._known.get(id(key))
        if known is not None and known[0] is key:
            return known[1]
        made = self._make(key)
        if len(self._known) >= self._keep:
            self._known.clear()
        self._known[id(key)] = (key, made)
        return made

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
