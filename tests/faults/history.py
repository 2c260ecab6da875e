"""What clients asked of a store, when, and what they were told.

Times are of the monotonic clock, which all processes of a machine share. An operation without an
answer, or with one that leaves it open, has never returned: it may have happened or not, and may
happen yet. Reads without an answer say nothing and are not kept.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from strongroom.storage.errors import KeyExists, RevisionConflict, StoreError, StoreUnavailable
from strongroom.storage.port import Event, Events, EventType, KeyValue, Page

NEVER = math.inf


class Kind(Enum):
    """What a write does. All are conditional."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Outcome(Enum):
    """What a writer was told."""

    UNKNOWN = "unknown"
    DONE = "done"
    REFUSED = "refused"


@dataclass(slots=True)
class Write:
    """A conditional write: ``expected`` is the revision that the key must have, 0 for none.

    ``value`` is that of no other write, "" for a deletion. ``revision`` is what was told of one
    that is done, None if nothing was. ``found`` is which revision a refusal named, 0 for an absent
    key, None if it named none.
    """

    client: str
    kind: Kind
    key: str
    value: str
    expected: int
    invoked: float
    returned: float = NEVER
    outcome: Outcome = Outcome.UNKNOWN
    revision: int | None = None
    found: int | None = None

    def done(self, revision: int | None, at: float) -> None:
        """It was acknowledged."""
        self.outcome, self.revision, self.returned = Outcome.DONE, revision, at

    def refused(self, found: int | None, at: float) -> None:
        """Its condition was said not to hold."""
        self.outcome, self.found, self.returned = Outcome.REFUSED, found, at


@dataclass(slots=True)
class Read:
    """What a consistent read found below ``key``: ``state`` maps keys to revisions and values.

    Of one key alone, unless ``at`` names the revision of a list.
    """

    client: str
    key: str
    state: dict[str, tuple[int, str]]
    invoked: float
    returned: float
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a key at a revision: ``value`` None is its deletion."""

    revision: int
    key: str
    value: str | None


@dataclass(slots=True)
class Watched:
    """What a watch of ``prefix`` from after a revision saw, and how far it said it had come."""

    prefix: str
    after: int
    seen: list[Change] = field(default_factory=list)
    through: int = 0


@dataclass(slots=True)
class History:
    """All that is known of a run."""

    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    watches: list[Watched] = field(default_factory=list)

    def begun(self, write: Write) -> None:
        """A write is about to be asked for."""
        self.writes.append(write)

    def ended(self, write: Write) -> None:
        """A write has been answered."""

    def count(self, outcome: Outcome) -> int:
        """How many writes ended so."""
        return sum(write.outcome is outcome for write in self.writes)


class Loaded(Protocol):
    """The part of the `Store` port that clients of a load use."""

    @property
    def current_revision(self) -> int: ...

    async def create(self, key: str, value: bytes) -> int: ...

    async def update(self, key: str, value: bytes, *, expected: int) -> int: ...

    async def delete(self, key: str, *, expected: int) -> int: ...

    async def get(self, key: str) -> KeyValue | None: ...

    async def list(self, prefix: str) -> Page: ...

    def watch(self, prefix: str, *, after: int) -> Told: ...


class Told(Protocol):
    """The part of a watch that they use."""

    @property
    def progress(self) -> int: ...

    def __aiter__(self) -> AsyncIterator[Events]: ...

    async def __anext__(self) -> Events: ...

    async def close(self) -> None: ...


def now() -> float:
    """The time, for a history."""
    return time.monotonic()


def change_of(event: Event) -> Change:
    """An event of a store, whose values are text."""
    value = event.value.decode() if event.type is EventType.PUT else None
    return Change(event.revision, event.key, value)


class Untold(RevisionConflict):
    """The key is not at the expected revision; at which it is was not said."""

    def __init__(self, key: str) -> None:
        super().__init__(key, None)


class Recorded:
    """A client of a store, all of whose operations are kept.

    A write returns the revision that the key has afterwards as far as the client knows, 0 if it is
    absent, None if nothing is known; a failing store raises as it does.
    """

    def __init__(self, store: Loaded, history: History, client: str) -> None:
        self._store, self._history, self.name = store, history, client
        self.acknowledged = 0

    async def create(self, key: str, value: str) -> int | None:
        write = self._begin(Kind.CREATE, key, value, 0)
        return await self._end(write, self._store.create(key, value.encode()))

    async def update(self, key: str, value: str, expected: int) -> int | None:
        write = self._begin(Kind.UPDATE, key, value, expected)
        return await self._end(write, self._store.update(key, value.encode(), expected=expected))

    async def delete(self, key: str, expected: int) -> int | None:
        write = self._begin(Kind.DELETE, key, "", expected)
        await self._end(write, self._store.delete(key, expected=expected))
        return 0 if write.outcome is Outcome.DONE else write.found

    async def get(self, key: str) -> int:
        """The revision of the key, 0 if it is absent."""
        begun = now()
        found = await self._store.get(key)
        state = {} if found is None else {key: (found.mod_revision, found.value.decode())}
        self._history.reads.append(Read(self.name, key, state, begun, now()))
        return 0 if found is None else found.mod_revision

    async def list(self, prefix: str) -> int:
        """The revision of the list."""
        begun = now()
        page = await self._store.list(prefix)
        state = {kv.key: (kv.mod_revision, kv.value.decode()) for kv in page.items}
        read = Read(self.name, prefix, state, begun, now(), page.revision)
        self._history.reads.append(read)
        return page.revision

    def _begin(self, kind: Kind, key: str, value: str, expected: int) -> Write:
        write = Write(self.name, kind, key, value, expected, now())
        self._history.begun(write)
        return write

    async def _end(self, write: Write, answer: Awaitable[int]) -> int | None:
        try:
            # A server tells no revision of a deletion.
            write.done(await answer or None, now())
        except KeyExists:
            write.refused(None, now())
        except Untold:
            write.refused(None, now())
        except RevisionConflict as refused:
            found = refused.current
            write.refused(0 if found is None else found.mod_revision, now())
        except StoreUnavailable:
            raise
        except StoreError as error:
            raise AssertionError(f"no store answers a write so: {error!r}") from error
        self._history.ended(write)
        if write.outcome is Outcome.REFUSED:
            return write.found
        self.acknowledged += 1
        return write.revision
