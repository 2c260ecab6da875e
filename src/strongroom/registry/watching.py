"""Watch (``storage/cacher`` of k8s.io/apiserver).

A watch is a filter over the cache's changes. An object that begins to match a selector is ADDED to
the watcher's world, one that ceases to match is DELETED from it, shown as it last matched but with
the revision of the change.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from strongroom.api.clock import Clock
from strongroom.api.meta import Object
from strongroom.registry.errors import translated
from strongroom.registry.events import EventKind, SharedEvents, WatchEvent
from strongroom.registry.following import Follower
from strongroom.registry.options import WatchOptions, parse_watch_revision
from strongroom.registry.reading import FRESH_WITHIN
from strongroom.registry.selection import Selection
from strongroom.registry.view import Form, View
from strongroom.storage.cache import Change, WatchCache
from strongroom.storage.errors import SubscriberTooSlow
from strongroom.storage.port import EventType, Store

__all__ = ["BOOKMARK_SECONDS", "Batches", "WatchEvent", "Watcher"]

T = TypeVar("T", bound=Object)

BOOKMARK_SECONDS = 60.0
_BEFORE_END = 2.0


Batches = AsyncIterator[list[WatchEvent[T]]]


class _Schedule:
    """When a watch is due a bookmark, and when it is over; in seconds of the clock."""

    def __init__(self, clock: Clock, options: WatchOptions, interval: float) -> None:
        self._clock = clock
        self._interval = interval
        self._end: float | None = None
        self._bookmark: float | None = None
        if options.timeout_seconds is not None:
            self._end = clock.monotonic() + options.timeout_seconds
        if options.allow_bookmarks:
            self._plan()

    def wait(self) -> float | None:
        """Seconds until something is due; None when nothing ever is."""
        due = min((t for t in (self._bookmark, self._end) if t is not None), default=None)
        return None if due is None else max(due - self._clock.monotonic(), 0)

    def bookmark_now(self) -> bool:
        """Whether a bookmark is due; the next one is then planned."""
        if self._bookmark is None or self._clock.monotonic() < self._bookmark:
            return False
        self._plan()
        return True

    def over(self) -> bool:
        """Whether the watch has had its time."""
        return self._end is not None and self._clock.monotonic() >= self._end

    def _plan(self) -> None:
        now = self._clock.monotonic()
        due = now + self._interval
        if self._end is not None:
            # The last one comes just before the end, so that the client resumes from close by.
            due = min(due, self._end - _BEFORE_END)
        self._bookmark = due if due > now else None


class _Alarm(Generic[T]):
    """Ends a follower's waiting when something is due; one timer, however many events come."""

    def __init__(self, follower: Follower[T], schedule: _Schedule) -> None:
        self._follower = follower
        self._schedule = schedule
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Be sure to ring when the next thing is due, or before."""
        if self._timer is None and (seconds := self._schedule.wait()) is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._ring)

    def stop(self) -> None:
        """Do not ring any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self) -> None:
        self._timer = None
        self._follower.nudge()


class Watcher(Generic[T]):
    """Watches of one kind."""

    def __init__(
        self,
        form: Form[T],
        store: Store,
        cache: WatchCache[View[T]],
        clock: Clock,
        bookmark_seconds: float,
    ) -> None:
        self._form = form
        self._resource = form.resource
        self._store = store
        self._cache = cache
        self._clock = clock
        self._bookmark_seconds = bookmark_seconds
        self._shared: SharedEvents[T] = SharedEvents(clock)

    def watch(self, namespace: str, options: WatchOptions) -> Batches[T]:
        """Begin a watch: what is wrong with the request is raised here, as a StatusError.

        What goes wrong later is raised by the iteration, also as a StatusError, and belongs into
        the stream as an ERROR event: 410 when the revision is too old, 504 when it is too new. The
        iteration ends without error when the time is over or the watcher is too slow. "Now" is the
        moment of the first step, not of this call.
        """
        options = options.validated()
        resource = self._resource
        after = parse_watch_revision(options.resource_version, resource.group_resource)
        chosen = Selection(resource, namespace, options.label_selector, options.field_selector)
        return self._run(chosen, options, after)

    async def _run(self, chosen: Selection, options: WatchOptions, after: int) -> Batches[T]:
        schedule = _Schedule(self._clock, options, self._bookmark_seconds)
        prefix = self._resource.prefix(chosen.namespace)
        initial: list[WatchEvent[T]] = []
        with translated(self._resource.group_resource, "watch"):
            if options.send_initial_events:
                await self._catch_up(options, after)
                # Nothing is awaited between this list and the follower below: no gap.
                initial, after = self._initial(chosen, prefix, options)
            elif not after:
                after = await self._now(options)
        follower = Follower(self._form, self._store, self._cache, prefix, after)
        alarm = _Alarm(follower, schedule)
        try:
            if initial:
                yield initial
                initial = []  # the watch may last for hours, and need not hold this list
            while (batch := await self._next(follower, schedule, alarm)) is not None:
                events = [e for change in batch if (e := self._event(change, chosen)) is not None]
                if schedule.bookmark_now():
                    now = self._clock.now()
                    events.append(WatchEvent("BOOKMARK", None, follower.progress, now))
                if events:
                    yield events
                if schedule.over():
                    return
        finally:
            alarm.stop()
            await follower.close()

    async def _now(self, options: WatchOptions) -> int:
        if options.resource_version == "0":
            return self._cache.revision
        return await self._store.revision()

    async def _catch_up(self, options: WatchOptions, after: int) -> None:
        if not options.resource_version:
            after = await self._store.revision()
        await self._cache.wait_for(after, FRESH_WITHIN)

    def _initial(
        self, chosen: Selection, prefix: str, options: WatchOptions
    ) -> tuple[list[WatchEvent[T]], int]:
        """The present objects as ADDED events, and the revision that they are of."""
        revision, now = self._cache.revision, self._clock.now()
        events = [
            WatchEvent[T]("ADDED", entry.item, entry.revision, now)
            for entry in self._cache.list(prefix).items
            if entry.error is None and chosen.matches(entry.item)
        ]
        if options.allow_bookmarks:
            events.append(WatchEvent("BOOKMARK", None, revision, now, initial_end=True))
        return events, revision

    async def _next(
        self, follower: Follower[T], schedule: _Schedule, alarm: _Alarm[T]
    ) -> list[Change[View[T]]] | None:
        """The next changes; none when something is due first; None when there will be no more."""
        try:
            with translated(self._resource.group_resource, "watch"):
                if follower.current:
                    alarm.set()
                    return await anext(follower)
                async with asyncio.timeout(schedule.wait()):
                    return await anext(follower)
        except TimeoutError:
            return []
        except (StopAsyncIteration, SubscriberTooSlow):
            return None

    def _event(self, change: Change[View[T]], chosen: Selection) -> WatchEvent[T] | None:
        """What a watcher is told of a change, if anything."""
        gone = change.type is EventType.DELETE
        view = None if gone or change.error else change.item
        now = view is not None and chosen.matches(view)
        previous = change.previous
        before = previous is not None and chosen.matches(previous)
        if view is not None and now:
            kind: EventKind = "MODIFIED" if before else "ADDED"
            return self._shared.get(kind, change.key, view, change.revision)
        if previous is not None and before:
            return self._shared.get("DELETED", change.key, previous, change.revision)
        return None
