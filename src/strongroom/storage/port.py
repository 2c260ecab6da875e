"""The port of the storage layer: what every driver offers and the suite in tests/storage checks.

One global revision counts every successful change of any key by one; an empty store is at
revision 1, as in etcd. Keys are text in the byte order of their UTF-8 form (which is the order
of Python's strings), values are opaque bytes. All methods belong to one running event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, Self


class EventType(Enum):
    """What happened to a key."""

    PUT = "PUT"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One version of one key: created at `create_revision`, written at `mod_revision`."""

    key: str
    value: bytes = field(repr=False)
    create_revision: int
    mod_revision: int


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, as of `revision`.

    `more` says that keys follow, `remaining` how many.
    """

    items: list[KeyValue]
    revision: int
    more: bool
    remaining: int


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one key, at `revision`.

    A PUT whose `create_revision` equals `revision` is a creation. `previous` is the version that
    a PUT or DELETE replaced, None where there was none or it cannot be read. For DELETE `value`
    is the last value before the deletion, b"" if unknown. `error` is set instead of `value` when
    the value cannot be decrypted: the event still says what happened to which key.
    """

    type: EventType
    key: str
    value: bytes = field(repr=False)
    previous: KeyValue | None
    create_revision: int
    revision: int
    error: Exception | None = None

    @property
    def created(self) -> bool:
        """Whether the key did not exist just before."""
        return self.type is EventType.PUT and self.create_revision == self.revision


Events = list[Event]


@dataclass(frozen=True, slots=True)
class Wiped:
    """A file of an engine, or a member's: its size in bytes before and after it was wiped."""

    where: str
    before: int
    after: int


Beside = Sequence[tuple[str, bytes | None]]
"""Further keys that one write changes: a value is put, whether the key exists or not; None removes
the key, if it exists."""


class Watch(Protocol):
    """Batches of events in revision order: each event after the start exactly once.

    Iteration raises `Compacted` when the events to deliver next are gone (at the start too) and
    `StoreClosed` when the store closes; it ends after `close`.
    """

    @property
    def progress(self) -> int:
        """The revision up to which every matching event has been handed out."""
        ...

    def await_progress(self, waiter: asyncio.Future[None]) -> None:
        """Complete a future at the next change of any key: `progress` may grow by it."""
        ...

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> Events: ...

    async def close(self) -> None:
        """End the watch; a waiting iteration stops. Closing twice is allowed."""
        ...


class Store(Protocol):
    """A revisioned map with history.

    A method that raises changed nothing, except that a write that raises `StoreUnavailable` has
    an unknown outcome if the machine goes down before the next acknowledged write. A write whose
    caller is cancelled may still happen. All methods raise `StoreUnavailable` when the engine
    fails and `StoreClosed` after `close`.

    What a write changes `beside` its own key happens with it, in the same transaction, or not at
    all. Each key has its own event, and that of the write's own key is the last: the revision that
    is returned is that event's, so whoever sees it sees them all. Whether the others share it or
    have their own is the driver's affair; in etcd the keys of a transaction share it. All keys of
    a write differ (ValueError), and they are a few dozen at most.
    """

    @property
    def current_revision(self) -> int:
        """The newest revision this process knows, without waiting."""
        ...

    async def revision(self) -> int:
        """The current revision of the store."""
        ...

    async def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        """The key as of `revision` (0: now), None where it did not exist.

        Raises: `Compacted` and `FutureRevision` for a revision outside the kept history.
        """
        ...

    async def list(
        self, prefix: str, *, limit: int = 0, start: str = "", revision: int = 0
    ) -> Page:
        """Keys that begin with `prefix`, in byte order, from `start` (inclusive) on.

        `limit` 0 means all; `revision` as for `get`.

        Raises: `Compacted` and `FutureRevision` for a revision outside the kept history.
        """
        ...

    async def create(self, key: str, value: bytes, *, beside: Beside = ()) -> int:
        """Write a key that must not exist; the new revision.

        Raises: `KeyExists`.
        """
        ...

    async def update(self, key: str, value: bytes, *, expected: int, beside: Beside = ()) -> int:
        """Replace the value of a key whose `mod_revision` is `expected`; the new revision.

        Raises: `RevisionConflict`, also for a key that does not exist.
        """
        ...

    async def delete(self, key: str, *, expected: int, beside: Beside = ()) -> int:
        """Remove a key whose `mod_revision` is `expected`; the revision of the removal itself.

        Raises: `RevisionConflict`, also for a key that does not exist.
        """
        ...

    def watch(self, prefix: str, *, after: int) -> Watch:
        """Every event on keys with `prefix` whose revision is greater than `after`.

        `after` may be a revision that has not happened yet. Nothing is raised here: the first
        step of the iteration raises `Compacted` when `after` is older than the kept history.
        """
        ...

    async def compact(self, revision: int) -> None:
        """Drop what only revisions before `revision` need; the newest versions always stay.

        `get`, `list` and `watch` work from `revision` on. Repeating an earlier compaction does
        nothing.

        Raises: `FutureRevision`.
        """
        ...

    async def wipe(self) -> Sequence[Wiped]:
        """Compact up to now, and take the bytes of what that dropped out of the engine's files.

        Writes, or a member of a cluster, wait while a file is written anew.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun, end watches, release everything. Closing twice is allowed."""
        ...


def check_distinct(key: str, beside: Beside) -> None:
    """Raises: ValueError when two keys of one write are the same."""
    if len({key, *(other for other, _ in beside)}) <= len(beside):
        raise ValueError(f"a write of key {key!r} names a key twice")


def prefix_end(prefix: str) -> str | None:
    """The smallest text greater than every text with the prefix; None when there is no bound."""
    while prefix:
        last = ord(prefix[-1])
        if last < 0x10FFFF:
            # Surrogates cannot be encoded: what follows U+D7FF in UTF-8 is U+E000.
            following = 0xE000 if last == 0xD7FF else last + 1
            return prefix[:-1] + chr(following)
        prefix = prefix[:-1]
    return None
