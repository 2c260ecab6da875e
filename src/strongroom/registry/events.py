"""Watch events, made once for all watchers that see a change alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, TypeVar

from strongroom.api.clock import Clock
from strongroom.api.meta import Object
from strongroom.registry.view import View

T = TypeVar("T", bound=Object)

EventKind = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]

_MAX_EVENTS = 1024
_MAX_BYTES = 8 * 1024 * 1024


@dataclass(slots=True, eq=False)
class WatchEvent(Generic[T]):
    """One event, shared by all watchers that see it alike.

    A BOOKMARK has no view; ``initial_end`` marks the one that follows the initial objects. ``at``
    is when the event was made: the ages in a Table count to it. ``lines`` is the encoder's: the
    bytes of the event, made once for all watchers; None where one watcher alone sees the event, and
    keeping them would keep a copy of everything.
    """

    type: EventKind
    view: View[T] | None
    revision: int
    at: datetime
    initial_end: bool = False
    lines: dict[str, bytes] | None = field(default=None, repr=False)


class SharedEvents(Generic[T]):
    """The newest events, for the watchers that will want them in a moment.

    Bounded in number and in bytes: a watcher that comes too late makes its own.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: dict[tuple[int, str, EventKind], WatchEvent[T]] = {}
        self._bytes = 0

    def get(self, kind: EventKind, key: str, view: View[T], revision: int) -> WatchEvent[T]:
        """The event of a change of ``key`` at ``revision``, which shows ``view``."""
        known = (revision, key, kind)
        event = self._events.get(known)
        if event is None:
            shown = view.at(revision)
            event = WatchEvent(kind, shown, revision, self._clock.now(), lines={})
            self._events[known] = event
            self._bytes += len(shown.tail)
            while len(self._events) > _MAX_EVENTS or self._bytes > _MAX_BYTES:
                oldest = self._events.pop(next(iter(self._events)))
                self._bytes -= len(oldest.view.tail) if oldest.view is not None else 0
        return event
