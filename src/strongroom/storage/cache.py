"""The watch cache: one prefix of a store, decoded and in memory, and whoever follows it.

    store ── watch ──▶ entries (sorted) + recent changes ──▶ subscriptions

Reads are served from memory. A read that must be consistent asks `wait_for` with the store's
current revision, which with an in-process store is usually reached already.

Everything runs on the store's event loop, and nothing is awaited between a batch's arrival and
the moment when entries, changes and revision all show it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Generic, TypeVar, cast

from strongroom.storage.awaiting import Awaited
from strongroom.storage.changes import (
    Change,
    Changes,
    Subscription,
    deletion_change,
    difference,
    put_change,
)
from strongroom.storage.entries import Cached, Entries
from strongroom.storage.errors import (
    Compacted,
    StoreClosed,
    StoreError,
    TooLargeRevision,
    Undecryptable,
    UndecryptableList,
)
from strongroom.storage.port import Event, Events, EventType, KeyValue, Page, Store, Watch
from strongroom.telemetry import log

__all__ = ["Cached", "CachedPage", "Change", "Past", "Subscription", "WatchCache"]

T = TypeVar("T")

_Read = list[Cached[T]]

logger = logging.getLogger(__name__)

# The first list is read in pages, so that a large prefix is never in memory twice as bytes.
_PAGE = 2000
_RETRY_FIRST, _RETRY_MOST = 0.05, 5.0


@dataclass(frozen=True, slots=True)
class CachedPage(Generic[T]):
    """A part of a list, as of `revision`.

    `more` says that keys follow, `remaining` how many. `broken` names the keys of the whole
    cache whose entries have `error` set: a list that includes one cannot be served whole.
    """

    items: list[Cached[T]]
    revision: int
    more: bool
    remaining: int
    broken: frozenset[str]


@dataclass(frozen=True, slots=True)
class Past(Generic[T]):
    """A part of a list as of an earlier revision; `remaining` keys follow."""

    items: list[T]
    remaining: int


class WatchCache(Generic[T]):
    """The keys with `prefix`, each turned into an item by `project` once for each change.

    `project` must be pure and fast; what it raises, like a value that cannot be decrypted,
    becomes the `error` of that entry alone.
    """

    def __init__(
        self,
        store: Store,
        prefix: str,
        project: Callable[[KeyValue], T],
        *,
        history: int = 4096,
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._project = project
        self._entries: Entries[T] = Entries()
        self._changes: Changes[T] = Changes(history)
        self._watch: Watch | None = None
        self._applied = 0
        self._following: asyncio.Task[None] | None = None
        self._awaited = Awaited()
        self._progress: asyncio.Future[None] | None = None

    @property
    def revision(self) -> int:
        """Every change of the prefix up to this revision shows in the cache."""
        if self._watch is not None:
            self._applied = max(self._applied, self._watch.progress)
        return self._applied

    def __len__(self) -> int:
        return len(self._entries.by_key)

    async def start(self) -> None:
        """Read the prefix and follow it until `close`.

        Raises: `StoreUnavailable` when the first reading fails.
        """
        await self._relist()
        self._following = asyncio.create_task(self._follow(), name=f"cache {self._prefix}")

    async def close(self) -> None:
        """Stop following; subscriptions end. The entries stay readable."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            self._following = None
        if self._watch is not None:
            await self._watch.close()
            self._applied, self._watch = self.revision, None
        self._changes.close()

    def get(self, key: str) -> Cached[T] | None:
        """The entry of a key."""
        return self._entries.by_key.get(key)

    def list(self, prefix: str, start: str = "", limit: int = 0) -> CachedPage[T]:
        """Entries that begin with `prefix` in key order, from `start` (inclusive) on.

        `limit` 0 means all.
        """
        items, remaining = self._entries.slice(prefix, start, limit)
        return CachedPage(items, self.revision, remaining > 0, remaining, self._entries.broken)

    def past(self, prefix: str, revision: int, start: str = "", limit: int = 0) -> Past[T] | None:
        """What `list` would have shown at an earlier revision, which the cache has reached.

        None when that is not known here: changes since are no longer kept, or a value was or is
        unreadable. Only what changed since costs more than a list of the present.
        """
        since = self._changes.after(revision)
        if since is None or self._entries.broken:
            return None
        before: dict[str, T | None] = {}
        for change in since:
            if change.key.startswith(prefix) and change.key >= start and change.key not in before:
                if change.error is not None or (change.previous is None and not change.created):
                    return None
                before[change.key] = change.previous
        if not before:
            entries, remaining = self._entries.slice(prefix, start, limit)
            return Past([entry.item for entry in entries], remaining)
        entries, _ = self._entries.slice(prefix, start, 0)
        found = [(entry.key, entry.item) for entry in entries if entry.key not in before]
        found += [(key, item) for key, item in before.items() if item is not None]
        found.sort(key=itemgetter(0))
        items = [item for _, item in (found[:limit] if limit else found)]
        return Past(items, len(found) - len(items))

    async def wait_for(
        self,
        revision: int,
        timeout: float,  # noqa: ASYNC109 - its end is an error of our own, with both revisions
    ) -> None:
        """Wait until the cache shows `revision`, for at most `timeout` seconds.

        Raises: `TooLargeRevision`.
        """
        if self.revision >= revision:
            return
        try:
            async with asyncio.timeout(timeout):
                self._follow_progress()
                await self._awaited.until(revision)
        except TimeoutError:
            raise TooLargeRevision(revision, self.revision) from None

    def subscribe(self, after: int, maxsize: int = 1000, *, prefix: str = "") -> Subscription[T]:
        """Every change of keys with `prefix` after a revision, from the recent ones on.

        `maxsize` bounds the changes that may wait. To start from a list without gap, pass its
        `revision`, with nothing awaited in between or at most `history` changes.

        Raises: `Compacted` when changes after `after` are no longer kept.
        """
        return self._changes.subscribe(after, maxsize, prefix, lambda: self.revision)

    def listen(self, tell: Callable[[Sequence[Change[T]]], None]) -> _Read[T]:
        """The entries as they are, with every later batch of changes handed to `tell`.

        It is called in the step in which the entries change, so what it keeps is never older
        than they are. It must be fast and must not fail.
        """
        self._changes.listen(tell)
        return self._entries.slice("", "", 0)[0]

    def _follow_progress(self) -> None:
        """Hear of the next write of any key: it may bring the revision that somebody waits for,
        and no batch."""
        if self._watch is not None and self._progress is None:
            self._progress = asyncio.get_running_loop().create_future()
            self._progress.add_done_callback(self._progressed)
            self._watch.await_progress(self._progress)

    def _progressed(self, told: asyncio.Future[None]) -> None:
        if self._progress is told:
            self._progress = None
            self._wake()

    async def _follow(self) -> None:
        """Apply batches until the store closes; after a failure read everything again."""
        delay = _RETRY_FIRST
        while True:
            try:
                if self._watch is None:
                    await self._relist()
                    delay = _RETRY_FIRST
                await self._apply_batches()
            except StoreClosed:
                self._changes.close()
                return
            except Compacted:
                log(logger, logging.INFO, "cache fell behind compaction", prefix=self._prefix)
            except StoreError as error:
                log(logger, logging.WARNING, "cache lost its store", error, prefix=self._prefix)
                await asyncio.sleep(delay)
                delay = min(delay * 2, _RETRY_MOST)
            await self._drop_watch()

    async def _drop_watch(self) -> None:
        watch, self._watch = self._watch, None
        # That of the next watch is another one.
        self._progress = None
        if watch is not None:
            await watch.close()

    async def _apply_batches(self) -> None:
        if self._watch is not None:
            async for batch in self._watch:
                self._apply(batch)

    def _apply(self, batch: Events) -> None:
        if not batch:
            return
        self._changes.publish([self._change(event) for event in batch])
        self._applied = max(self._applied, batch[-1].revision)
        self._wake()

    def _wake(self) -> None:
        self._awaited.reached(self.revision)
        if self._awaited:
            self._follow_progress()

    def _change(self, event: Event) -> Change[T]:
        """Put an event into the entries."""
        if event.type is EventType.DELETE:
            old = self._entries.remove(event.key)
            if old is None:
                old = self._entry(_last(event), event.error)
            return deletion_change(old, event.revision)
        entry = self._entry(_current(event), event.error)
        return put_change(entry, self._entries.put(entry))

    def _entry(self, kv: KeyValue, error: Exception | None = None) -> Cached[T]:
        """A key's entry: its projected item, or what went wrong with it."""
        if error is None:
            try:
                item = self._project(kv)
                return Cached(kv.key, kv.mod_revision, kv.create_revision, item)
            except Exception as failure:  # noqa: BLE001 - one bad value must not end the cache
                error = failure
        # No item exists; readers look at `error` first, as `Cached` says.
        return Cached(kv.key, kv.mod_revision, kv.create_revision, cast(T, None), error)

    async def _relist(self) -> None:
        """Read the prefix, publish how it differs from the entries, and watch from there on."""
        entries, revision = await self._read_all()
        fresh: Entries[T] = Entries(entries)
        if self._applied:
            self._changes.publish(difference(self._entries, fresh, revision), gap=revision)
        else:
            self._changes.begin(revision)
        self._entries = fresh
        self._watch = self._store.watch(self._prefix, after=revision)
        self._applied = max(self._applied, revision)
        self._wake()

    async def _read_all(self) -> tuple[_Read[T], int]:
        """Everything as of one revision. A page is read while the one before it is projected."""
        entries: _Read[T] = []
        page, failures = await self._read_page("", 0)
        while page.more:
            last = max([*(kv.key for kv in page.items[-1:]), *(one.key for one in failures)])
            reading = asyncio.create_task(self._read_page(last + "\0", page.revision))
            try:
                # It is under way before this thread has its hands full.
                await asyncio.sleep(0)
                entries += self._projected(page, failures)
                page, failures = await reading
            finally:
                reading.cancel()
        entries += self._projected(page, failures)
        return entries, page.revision

    def _projected(self, page: Page, failures: Sequence[Undecryptable]) -> Iterator[Cached[T]]:
        yield from map(self._unreadable, failures)
        yield from map(self._entry, page.items)

    async def _read_page(self, start: str, revision: int) -> tuple[Page, Sequence[Undecryptable]]:
        try:
            page = await self._store.list(self._prefix, limit=_PAGE, start=start, revision=revision)
        except UndecryptableList as broken:
            return broken.page, broken.failures
        return page, ()

    def _unreadable(self, failure: Undecryptable) -> Cached[T]:
        kv = KeyValue(failure.key, b"", failure.create_revision, failure.mod_revision)
        return self._entry(kv, failure)


def _current(event: Event) -> KeyValue:
    return KeyValue(event.key, event.value, event.create_revision, event.revision)


def _last(event: Event) -> KeyValue:
    return event.previous or KeyValue(event.key, event.value, event.create_revision, 0)
