"""A store in memory: for tests, ours and those of users (strongroom.testing).

Keeps full history until compaction, so it behaves like the durable drivers in everything but
durability.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from operator import itemgetter

from strongroom.storage.errors import (
    Compacted,
    FutureRevision,
    KeyExists,
    RevisionConflict,
    StoreClosed,
)
from strongroom.storage.feed import Feed, FeedWatch
from strongroom.storage.port import (
    Beside,
    Event,
    Events,
    EventType,
    KeyValue,
    Page,
    Watch,
    Wiped,
    check_distinct,
    prefix_end,
)

# A version of a key: the revision that made it, None for a deletion.
_Version = tuple[int, KeyValue | None]
_revision_of = itemgetter(0)


class MemoryStore:
    """A `Store` that forgets everything with the process."""

    def __init__(self) -> None:
        self._feed = Feed(1)
        self._versions: dict[str, list[_Version]] = {}
        self._keys: list[str] = []

    @property
    def current_revision(self) -> int:
        return self._feed.revision

    @property
    def alone(self) -> bool:
        return True

    @property
    def compacted(self) -> int:
        """The revision up to which history is gone."""
        return self._feed.compacted

    async def revision(self) -> int:
        self._check_open()
        return self._feed.revision

    async def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        return self._at(key, self._readable(revision))

    async def list(
        self, prefix: str, *, limit: int = 0, start: str = "", revision: int = 0
    ) -> Page:
        at = self._readable(revision)
        low = bisect_left(self._keys, max(prefix, start))
        end = prefix_end(prefix)
        high = len(self._keys) if end is None else bisect_left(self._keys, end)
        found = [kv for key in self._keys[low:high] if (kv := self._at(key, at)) is not None]
        items = found[:limit] if limit else found
        remaining = len(found) - len(items)
        return Page(items, at, remaining > 0, remaining)

    async def create(self, key: str, value: bytes, *, beside: Beside = ()) -> int:
        self._check_open()
        if self._newest(key) is not None:
            raise KeyExists(key)
        return self._write(key, value, beside)

    async def update(self, key: str, value: bytes, *, expected: int, beside: Beside = ()) -> int:
        self._expect(key, expected)
        return self._write(key, value, beside)

    async def delete(self, key: str, *, expected: int, beside: Beside = ()) -> int:
        self._expect(key, expected)
        return self._write(key, None, beside)

    def watch(self, prefix: str, *, after: int) -> Watch:
        return FeedWatch(self._feed, prefix, after)

    async def history(self, prefix: str, after: int, upto: int) -> tuple[Events, int]:
        """Events of a prefix with after < revision <= upto, and how far they reach.

        Raises: `Compacted`.
        """
        self._check_open()
        if after < self._feed.compacted:
            raise Compacted(after, self._feed.compacted)
        events = self._feed.after(after, upto - after)
        return [event for event in events if event.key.startswith(prefix)], upto

    async def compact(self, revision: int) -> None:
        self._check_open()
        if revision > self._feed.revision:
            raise FutureRevision(revision, self._feed.revision)
        if revision <= self._feed.compacted:
            return
        for key in tuple(self._keys):
            self._compact_key(key, revision)
        self._feed.compact(revision)

    async def wipe(self) -> Sequence[Wiped]:
        """There is no file."""
        await self.compact(self._feed.revision)
        return []

    async def close(self) -> None:
        self._feed.close()

    def _compact_key(self, key: str, revision: int) -> None:
        """Keep the version in force at `revision` and all later ones."""
        versions = self._versions[key]
        first = max(bisect_right(versions, revision, key=_revision_of) - 1, 0)
        if versions[first][1] is None and versions[first][0] <= revision:
            first += 1
        del versions[:first]
        if not versions:
            del self._versions[key]
            del self._keys[bisect_left(self._keys, key)]

    def _write(self, key: str, value: bytes | None, beside: Beside) -> int:
        """Set keys, or remove those without a value; the revision of the last, which is `key`."""
        check_distinct(key, beside)
        events: Events = []
        for changed, held in (*beside, (key, value)):
            previous = self._newest(changed)
            if held is not None or previous is not None:
                revision = self._feed.revision + len(events) + 1
                events.append(self._set(changed, held, previous, revision))
        self._feed.publish(events)
        return self._feed.revision

    def _set(
        self, key: str, value: bytes | None, previous: KeyValue | None, revision: int
    ) -> Event:
        created = revision if previous is None else previous.create_revision
        if key not in self._versions:
            self._versions[key] = []
            insort(self._keys, key)
        if value is None:
            self._versions[key].append((revision, None))
            last = b"" if previous is None else previous.value
            return Event(EventType.DELETE, key, last, previous, created, revision)
        kv = KeyValue(key, bytes(value), created, revision)
        self._versions[key].append((revision, kv))
        return Event(EventType.PUT, key, kv.value, previous, created, revision)

    def _newest(self, key: str) -> KeyValue | None:
        versions = self._versions.get(key)
        return versions[-1][1] if versions else None

    def _at(self, key: str, revision: int) -> KeyValue | None:
        versions = self._versions.get(key, [])
        index = bisect_right(versions, revision, key=_revision_of)
        return versions[index - 1][1] if index else None

    def _expect(self, key: str, expected: int) -> None:
        self._check_open()
        current = self._newest(key)
        if current is None or current.mod_revision != expected:
            raise RevisionConflict(key, current)

    def _readable(self, revision: int) -> int:
        """The revision to read at, checked against the kept history."""
        self._check_open()
        if not revision:
            return self._feed.revision
        if revision > self._feed.revision:
            raise FutureRevision(revision, self._feed.revision)
        if revision < self._feed.compacted:
            raise Compacted(revision, self._feed.compacted)
        return revision

    def _check_open(self) -> None:
        if self._feed.closed:
            raise StoreClosed("the store was closed")
