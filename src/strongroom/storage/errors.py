"""Everything that can go wrong with stored data, in one tree.

    StoreError
    ├── KeyExists            create: the key has a value
    ├── RevisionConflict     update, delete: the key is not at the expected revision
    ├── Compacted            the history asked for is gone
    ├── FutureRevision       the revision asked for has not happened yet
    ├── TooLargeRevision     the cache did not reach a revision in time
    ├── SubscriberTooSlow    a subscriber fell behind by more than its bound
    ├── TooLarge             the engine takes no write of such a size
    ├── Undecryptable        one stored value cannot be read back
    ├── UndecryptableList    … and some of a list
    └── StoreUnavailable     the engine failed; says nothing about the data
        ├── StoreClosed      this end closed it
        ├── StoreLocked      another process has it open
        ├── NoSpace          the engine takes no writes until somebody makes room
        └── UnknownFormat    the file is not ours, or of another version

Messages carry keys and revisions, never values. Errors of an engine (sqlite3, the operating
system) are translated once, in its driver, with the cause chained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.storage.port import KeyValue, Page


class StoreError(Exception):
    """Anything the storage layer raises on purpose."""

    holds_no_payload: ClassVar = True


class KeyExists(StoreError):
    """The key to create has a value already."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key {key!r} exists")
        self.key = key


class RevisionConflict(StoreError):
    """The key is not at the expected revision; `current` is what it holds, None when absent."""

    def __init__(self, key: str, current: KeyValue | None) -> None:
        at = "absent" if current is None else f"at revision {current.mod_revision}"
        super().__init__(f"key {key!r} is {at}, not at the expected revision")
        self.key = key
        self.current = current


class Compacted(StoreError):
    """The history from `requested` on is incomplete: `compacted` is the oldest usable revision."""

    def __init__(self, requested: int, compacted: int) -> None:
        super().__init__(f"revision {requested} has been compacted: the oldest is {compacted}")
        self.requested = requested
        self.compacted = compacted


class FutureRevision(StoreError):
    """The store is at `current` and has not reached `requested`."""

    def __init__(self, requested: int, current: int) -> None:
        super().__init__(f"revision {requested} is in the future: the current one is {current}")
        self.requested = requested
        self.current = current


class TooLargeRevision(StoreError):
    """The cache waited and is still at `current`, before `requested`."""

    def __init__(self, requested: int, current: int) -> None:
        super().__init__(
            f"the cache did not reach revision {requested} in time: it is at {current}"
        )
        self.requested = requested
        self.current = current


class SubscriberTooSlow(StoreError):
    """A subscriber let more than `bound` changes pile up and was cut off at `revision`."""

    def __init__(self, bound: int, revision: int) -> None:
        super().__init__(f"more than {bound} changes waited since revision {revision}")
        self.bound = bound
        self.revision = revision


class TooLarge(StoreError):
    """The write of `key`, with what is written beside it, is larger than the engine allows."""

    def __init__(self, key: str, limit: str) -> None:
        super().__init__(f"key {key!r} cannot be written: {limit}")
        self.key = key
        self.limit = limit


class Undecryptable(StoreError):
    """The value of `key` cannot be read back; `reason` never holds a part of it."""

    def __init__(
        self, key: str, reason: str, *, create_revision: int = 0, mod_revision: int = 0
    ) -> None:
        super().__init__(f"the value of key {key!r} cannot be decrypted: {reason}")
        self.key = key
        self.reason = reason
        self.create_revision = create_revision
        self.mod_revision = mod_revision


class UndecryptableList(StoreError):
    """Some of a list cannot be read back: `failures`. `page` holds the rest, as listed."""

    def __init__(self, failures: Sequence[Undecryptable], page: Page) -> None:
        names = ", ".join(repr(failure.key) for failure in failures)
        super().__init__(f"values of {len(failures)} keys cannot be decrypted: {names}")
        self.failures = tuple(failures)
        self.page = page


class StoreUnavailable(StoreError):
    """The engine failed. A write that raised this may still have happened if the machine died."""


class StoreClosed(StoreUnavailable):
    """The store was closed by its own process."""


class NoSpace(StoreUnavailable):
    """The engine is full: nothing was written, and nothing can be until somebody makes room."""


class StoreLocked(StoreUnavailable):
    """Another process, or another store object, has the same file open."""


class UnknownFormat(StoreUnavailable):
    """The file is not a strongroom store, or one of a version this program does not know."""
