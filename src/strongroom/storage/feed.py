"""Recent events of an in-process store, and watches that follow them.

A store publishes each committed batch once; every watch is only a cursor, so a slow watch costs
no memory of its own and can neither block the writer nor lose or repeat an event. When its
cursor is older than the kept events, it continues from the store's own history.

Everything here runs on the store's event loop.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from typing import Self

from strongroom.storage.awaiting import Awaited
from strongroom.storage.errors import Compacted, StoreClosed
from strongroom.storage.port import Event, Events

# Reads events of a prefix with after < revision <= upto: (events, the revision read up to).
History = Callable[[str, int, int], Awaitable[tuple[Events, int]]]

_BATCH = 1024


class Feed:
    """The newest events in memory, in revision order; several may share a revision.

    `max_events` and `max_bytes` bound what is kept (0: keep all until compaction); older events
    come from `history`. A revision is kept, forgotten and handed out as a whole.
    """

    def __init__(
        self,
        revision: int,
        *,
        compacted: int = 0,
        history: History | None = None,
        max_events: int = 0,
        max_bytes: int = 0,
    ) -> None:
        self.revision = revision
        self.compacted = compacted
        self.history = history
        self._floor = revision
        self._events: Events = []
        # Those of the events, side by side with them: what bisection compares.
        self._revisions: list[int] = []
        self._bytes = 0
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._waiters: set[asyncio.Future[None]] = set()
        self._awaited = Awaited()
        self._asleep: dict[FeedWatch, asyncio.Future[None]] = {}
        self.closed = False

    @property
    def floor(self) -> int:
        """Every event after this revision is in memory."""
        return self._floor

    def publish(self, events: Events) -> None:
        """Append committed events: their revisions continue the current one."""
        if not events:
            return
        self._events.extend(events)
        self._revisions.extend([event.revision for event in events])
        self.revision = events[-1].revision
        if self._max_events:
            self._bytes += sum(map(_size, events))
            if len(self._events) > self._max_events or self._bytes > self._max_bytes:
                self._trim()
        self._rouse(events)
        self._wake_waiters()

    def _rouse(self, events: Events) -> None:
        """Wake the watches that the events are for, and move the others over them.

        There is a watch for each kind, and a write is for one of them: a turn of the event loop
        for each of the others would cost more than the write itself.
        """
        keys = [event.key for event in events]
        for watch, waiter in [*self._asleep.items()]:
            if watch.wants(keys):
                del self._asleep[watch]
                _complete(waiter)
            else:
                watch.pass_over(self.revision)

    def _trim(self) -> None:
        """Drop the older part, half at least, so that trimming is cheap on average."""
        drop = max(len(self._events) - self._max_events // 2, 0)
        kept = self._bytes - sum(map(_size, self._events[:drop]))
        while kept > self._max_bytes // 2 and drop < len(self._events):
            kept -= _size(self._events[drop])
            drop += 1
        self._forget(drop)

    def _forget(self, count: int) -> None:
        """Drop the oldest events, and what shares a revision with the last of them."""
        if not count:
            return
        self._floor = self._revisions[count - 1]
        count = bisect_right(self._revisions, self._floor)
        if self._max_events:
            self._bytes -= sum(map(_size, self._events[:count]))
        del self._events[:count]
        del self._revisions[:count]

    def compact(self, revision: int) -> None:
        """Note that history up to `revision` is gone, and forget its events."""
        self.compacted = max(self.compacted, revision)
        self._forget(bisect_right(self._revisions, revision))
        self._floor = max(self._floor, min(revision, self.revision))
        self._wake()

    def skip(self, revision: int) -> None:
        """Go on from a revision whose history is gone before all of it was published here."""
        self.revision = max(self.revision, revision)
        self.compact(revision)

    def after(self, revision: int, limit: int) -> Events:
        """About `limit` events after a revision, which must not be before `floor`."""
        first = bisect_right(self._revisions, revision)
        last = first + limit
        if last < len(self._revisions):
            last = bisect_right(self._revisions, self._revisions[last - 1])
        return self._events[first:last]

    def quiet(self, prefix: str, after: int) -> int:
        """Up to which revision nothing of a prefix happened since one not before `floor`."""
        for index in range(bisect_right(self._revisions, after), len(self._revisions)):
            if self._events[index].key.startswith(prefix):
                return max(after, self._revisions[index] - 1)
        return max(after, self.revision)

    async def sleep(self, watch: FeedWatch) -> None:
        """Wait for events that the watch wants, for compaction or the end.

        The watch has seen everything up to now: what it does not want is passed over for it.
        """
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asleep[watch] = waiter
        try:
            await waiter
        finally:
            if self._asleep.get(watch) is waiter:
                del self._asleep[watch]

    def await_change(self, waiter: asyncio.Future[None]) -> None:
        """Complete a future at the next publication, compaction or the end."""
        self._waiters.add(waiter)

    async def until(self, revision: int) -> None:
        """Wait until a revision is published or passed over, or the end."""
        if self.revision < revision and not self.closed:
            await self._awaited.until(revision)

    def _wake(self) -> None:
        asleep, self._asleep = self._asleep, {}
        for waiter in asleep.values():
            _complete(waiter)
        self._wake_waiters()

    def _wake_waiters(self) -> None:
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            _complete(waiter)
        self._awaited.reached(self.revision)

    def wake(self) -> None:
        """Make every waiting watch look again (one of them was closed)."""
        self._wake()

    def close(self) -> None:
        """End every watch with `StoreClosed`."""
        self.closed = True
        self._wake()
        self._awaited.end()


class FeedWatch:
    """The `Watch` over a feed."""

    def __init__(self, feed: Feed, prefix: str, after: int) -> None:
        self._feed = feed
        self._prefix = prefix
        self._cursor = after
        self._closed = False

    @property
    def progress(self) -> int:
        self._skip()
        return self._cursor

    def await_progress(self, waiter: asyncio.Future[None]) -> None:
        self._feed.await_change(waiter)

    def wants(self, keys: list[str]) -> bool:
        """Whether one of the keys is watched."""
        prefix = self._prefix
        return any(key.startswith(prefix) for key in keys)

    def pass_over(self, revision: int) -> None:
        """Note that nothing up to a revision, from the cursor on, is watched."""
        self._cursor = max(self._cursor, revision)

    def _skip(self) -> None:
        """Move over events of other prefixes: they count as delivered."""
        feed = self._feed
        if feed.floor <= self._cursor < feed.revision:
            self._cursor = feed.quiet(self._prefix, self._cursor)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Events:
        feed = self._feed
        while not self._closed:
            if self._cursor < feed.compacted:
                raise Compacted(self._cursor, feed.compacted)
            if feed.closed:
                raise StoreClosed("the store was closed")
            batch = await self._next_batch()
            if batch:
                return batch
        raise StopAsyncIteration

    async def _next_batch(self) -> Events:
        """Events after the cursor; empty when it only moved or waited."""
        feed = self._feed
        if self._cursor < feed.floor and feed.history is not None:
            batch, upto = await feed.history(self._prefix, self._cursor, feed.revision)
            # Nobody else moves the cursor: `progress` leaves it alone while it is behind the floor.
            self._cursor = upto
            return [] if self._closed else batch
        # Without history everything since the compaction (or the first revision) is in memory.
        self._cursor = max(self._cursor, feed.floor)
        self._skip()
        if self._cursor >= feed.revision:
            await feed.sleep(self)
            return []
        events = feed.after(self._cursor, _BATCH)
        self._cursor = events[-1].revision
        return [event for event in events if event.key.startswith(self._prefix)]

    async def close(self) -> None:
        self._closed = True
        self._feed.wake()


def _complete(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _size(event: Event) -> int:
    return len(event.value) + (len(event.previous.value) if event.previous else 0)
