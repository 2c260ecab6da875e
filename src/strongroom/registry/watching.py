"""Watch (``storage/cacher`` of k8s.io/apiserver).

A watch is a filter over the cache's changes. An object that begins to match a selector is ADDED to
the watcher's world, one that ceases to match is DELETED from it, shown as it last matched but with
the revision of the change.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from strongroom.api.clock import Clock
from strongroom.api.meta import Object
from strongroom.registry.errors import translated, watch_expired
from strongroom.registry.options import WatchOptions, parse_watch_revision
from strongroom.registry.reading import FRESH_WITHIN
from strongroom.registry.selection import Selection
from strongroom.registry.view import Form, View
from strongroom.storage.cache import Change, Subscription, WatchCache
from strongroom.storage.errors import Compacted, SubscriberTooSlow
from strongroom.storage.port import EventType, Store

T = TypeVar("T", bound=Object)

EventKind = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]

BOOKMARK_SECONDS = 60.0
_BEFORE_END = 2.0
_MAX_PENDING = 10_000
_SHARED = 1024


@dataclass(slots=True, eq=False)
class WatchEvent(Generic[T]):
    """One event, shared by all watchers that see it alike.

    A BOOKMARK has no view; ``initial_end`` marks the one that follows the initial objects.
    ``lines`` is the encoder's: the bytes of the event, made once for all watchers.
    """

    type: EventKind
    view: View[T] | None
    revision: int
    initial_end: bool = False
    lines: dict[str, bytes] = field(default_factory=dict, repr=False)


Batches = AsyncIterator[list[WatchEvent[T]]]


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
        self._resource = form.resource
        self._store = store
        self._cache = cache
        self._clock = clock
        self._bookmark_seconds = bookmark_seconds
        self._recent: dict[tuple[int, str, str], WatchEvent[T]] = {}

    def watch(self, namespace: str, options: WatchOptions) -> Batches[T]:
        """Begin a watch: what is wrong with the request is raised here, as a StatusError.

        What goes wrong later is raised by the iteration, also as a StatusError, and belongs into
        the stream as an ERROR event: 410 when the revision is too old, 504 when it is too new. The
        iteration ends without error when the time is over or the watcher is too slow.
        """
        options = options.validated()
        resource = self._resource
        after = parse_watch_revision(options.resource_version, resource.group_resource)
        chosen = Selection(resource, namespace, options.label_selector, options.field_selector)
        return self._run(chosen, options, after)

    async def _run(
        self, chosen: Selection, options: WatchOptions, after: int
    ) -> Batches[T]:
        prefix = self._resource.prefix(chosen.namespace)
        end = None
        if options.timeout_seconds is not None:
            end = self._clock.monotonic() + options.timeout_seconds
        with translated(self._resource.group_resource, "watch"):
            if options.send_initial_events:
                await self._catch_up(options, after)
                initial, after = self._initial(chosen, prefix, options)
                # Nothing is awaited between the list and the subscription: no gap.
                subscription = self._subscribe(after, prefix)
            else:
                initial = []
                after = after or await self._now(options)
                subscription = self._subscribe(after, prefix)
        try:
            if initial:
                yield initial
            async for batch in self._follow(subscription, chosen, options, after, end):
                yield batch
        except SubscriberTooSlow:
            return
        finally:
            await subscription.close()

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
        revision = self._cache.revision
        events = [
            WatchEvent[T]("ADDED", entry.item, entry.revision)
            for entry in self._cache.list(prefix).items
            if entry.error is None and chosen.matches(entry.item)
        ]
        if options.allow_bookmarks:
            events.append(WatchEvent("BOOKMARK", None, revision, initial_end=True))
        return events, revision

    def _subscribe(self, after: int, prefix: str) -> Subscription[View[T]]:
        try:
            return self._cache.subscribe(after, _MAX_PENDING, prefix=prefix)
        except Compacted as error:
            raise watch_expired(after, error.compacted) from error

    async def _follow(
        self,
        subscription: Subscription[View[T]],
        chosen: Selection,
        options: WatchOptions,
        after: int,
        end: float | None,
    ) -> Batches[T]:
        bookmark = self._next_bookmark(options, end)
        while True:
            due = min((t for t in (bookmark, end) if t is not None), default=None)
            batch = await self._next(subscription, due)
            if batch is None:
                return
            events = [
                event
                for change in batch
                if change.revision > after and (event := self._event(change, chosen)) is not None
            ]
            now = self._clock.monotonic()
            if bookmark is not None and now >= bookmark:
                revision = subscription.progress
                if revision >= after:
                    events.append(WatchEvent("BOOKMARK", None, revision))
                bookmark = self._next_bookmark(options, end)
            if events:
                yield events
            if end is not None and now >= end:
                return

    async def _next(
        self, subscription: Subscription[View[T]], due: float | None
    ) -> list[Change[View[T]]] | None:
        """The next changes; none when ``due`` comes first; None at the end of the subscription."""
        try:
            if due is None:
                return await anext(subscription)
            async with asyncio.timeout(max(due - self._clock.monotonic(), 0)):
                return await anext(subscription)
        except TimeoutError:
            return []
        except StopAsyncIteration:
            return None

    def _next_bookmark(self, options: WatchOptions, end: float | None) -> float | None:
        """When the next bookmark is due: in a minute, or just before the end."""
        if not options.allow_bookmarks:
            return None
        now = self._clock.monotonic()
        due = now + self._bookmark_seconds
        if end is None:
            return due
        due = min(due, end - _BEFORE_END)
        return due if due > now else None

    def _event(self, change: Change[View[T]], chosen: Selection) -> WatchEvent[T] | None:
        """What a watcher is told of a change, if anything."""
        gone = change.type is EventType.DELETE
        view = None if gone or change.error else change.item
        now = view is not None and chosen.matches(view)
        previous = change.previous
        before = previous is not None and chosen.matches(previous)
        if view is not None and now:
            return self._shared("MODIFIED" if before else "ADDED", change, view)
        if previous is not None and before:
            return self._shared("DELETED", change, previous)
        return None

    def _shared(
        self, kind: EventKind, change: Change[View[T]], view: View[T]
    ) -> WatchEvent[T]:
        """The one event that all watchers get which see the change alike."""
        key = (change.revision, change.key, kind)
        event = self._recent.get(key)
        if event is None:
            event = WatchEvent(kind, view.at(change.revision), change.revision)
            self._recent[key] = event
            if len(self._recent) > _SHARED:
                del self._recent[next(iter(self._recent))]
        return event


