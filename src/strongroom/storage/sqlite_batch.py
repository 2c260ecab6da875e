"""What one transaction of the SQLite store's writer does, job by job."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass, field
from enum import Enum

from strongroom.storage.errors import FutureRevision, KeyExists, RevisionConflict, StoreError
from strongroom.storage.port import Beside, Event, Events, EventType, KeyValue

_FIND = """
    SELECT n.revision, n.deleted, l.value, l.create_revision
    FROM newest n JOIN log l ON l.revision = n.revision WHERE n.key = ?
"""
_APPEND = "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)"
_POINT = """
    INSERT INTO newest VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, deleted = excluded.deleted
"""
# Between two compactions, a row is superseded exactly when a later row names it as `previous`.
# Deletions go too, except the last row of the log: it holds the store's revision. Both
# statements begin at the last compaction's revision, which may have left such a last row.
_DROP_SUPERSEDED = """
    DELETE FROM log WHERE revision IN (
        SELECT previous FROM log WHERE revision >= ? AND revision <= ? AND previous > 0
    )
"""
_DELETED_KEYS = """
    SELECT revision, key FROM log
    WHERE revision >= ? AND revision <= ? AND revision < ? AND deleted
"""
_DROP_KEY = "DELETE FROM newest WHERE key = ? AND revision = ?"
_DROP_ROW = "DELETE FROM log WHERE revision = ?"


class Operation(Enum):
    """What a job does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    COMPACT = "compact"
    WIPE = "wipe"


@dataclass(slots=True, eq=False)
class Job:
    """A conditional write, or a compaction up to `expected`; `done` gets the revision.

    A wipe is alone, outside of every transaction; its `done` gets the size of the file in bytes.

    `beside` is what changes with it: those keys have no conditions of their own.
    """

    operation: Operation
    key: str
    value: bytes = field(repr=False)
    expected: int
    done: asyncio.Future[int]
    beside: Beside = field(default=(), repr=False)


@dataclass(slots=True)
class Report:
    """What became of a batch, for the event loop: `events` are committed, in order."""

    events: Events = field(default_factory=list)
    results: list[tuple[Job, int | StoreError]] = field(default_factory=list)
    compacted: int = 0


class Batch:
    """Applies jobs inside an open transaction.

    A job whose condition fails has changed nothing. A sqlite3 error means that the whole
    transaction has to be rolled back: nothing of the batch's state is to be used then.
    """

    def __init__(self, connection: sqlite3.Connection, revision: int, compacted: int) -> None:
        self.revision = revision
        self.compacted = compacted
        self.report = Report()
        self._begun_at = revision
        # One cursor for all statements: making one costs as much as a small statement.
        self._execute = connection.cursor().execute

    def apply(self, job: Job) -> None:
        """Do one job and note its result."""
        result: int | StoreError
        try:
            if job.operation is Operation.COMPACT:
                result = self._compact(job.expected)
            else:
                result = self._write(job)
        except StoreError as refused:
            result = refused
        self.report.results.append((job, result))

    def _write(self, job: Job) -> int:
        previous, current = self._find(job.key)
        # The condition is checked before anything is changed, and nothing of this job after it can
        # fail but the whole transaction.
        event = _change(job, current, self.revision + 1)
        if job.beside:
            self._write_beside(job.beside)
            event = _change(job, current, self.revision + 1)
        return self._append(event, previous)

    def _find(self, key: str) -> tuple[int, KeyValue | None]:
        """The revision of a key's newest row (0: none), and the version that it holds."""
        row = self._execute(_FIND, (key,)).fetchone()
        if row is None:
            return 0, None
        previous, deleted, value, create_revision = row
        return previous, None if deleted else KeyValue(key, value, create_revision, previous)

    def _append(self, event: Event, previous: int) -> int:
        """Make an event, which is of the next revision, a part of the log."""
        revision, key = event.revision, event.key
        deletion = event.type is EventType.DELETE
        stored = None if deletion else event.value
        self._execute(_APPEND, (revision, key, event.create_revision, previous, deletion, stored))
        self._execute(_POINT, (key, revision, deletion))
        self.revision = revision
        self.report.events.append(event)
        return revision

    def _write_beside(self, beside: Beside) -> None:
        for key, value in beside:
            previous, current = self._find(key)
            if value is None and current is None:
                continue
            revision = self.revision + 1
            created = revision if current is None else current.create_revision
            if value is not None:
                event = Event(EventType.PUT, key, value, current, created, revision)
            else:
                last = b"" if current is None else current.value
                event = Event(EventType.DELETE, key, last, current, created, revision)
            self._append(event, previous)

    def _compact(self, target: int) -> int:
        # Only what is committed already: if the outcome of this transaction should get lost,
        # its own events can still be read from the log.
        if target > self._begun_at:
            raise FutureRevision(target, self._begun_at)
        if target <= self.compacted:
            return self.compacted
        since = self.compacted
        self._execute(_DROP_SUPERSEDED, (since, target))
        gone = self._execute(_DELETED_KEYS, (since, target, self.revision)).fetchall()
        for revision, key in gone:
            self._execute(_DROP_KEY, (key, revision))
            self._execute(_DROP_ROW, (revision,))
        self._execute("UPDATE meta SET value = ? WHERE name = 'compacted'", (target,))
        self.compacted = self.report.compacted = target
        return target


def _change(job: Job, current: KeyValue | None, revision: int) -> Event:
    """The event of a job against the key's current version; raises when its condition fails."""
    if job.operation is Operation.CREATE:
        if current is not None:
            raise KeyExists(job.key)
        return Event(EventType.PUT, job.key, job.value, None, revision, revision)
    if current is None or current.mod_revision != job.expected:
        raise RevisionConflict(job.key, current)
    created = current.create_revision
    if job.operation is Operation.UPDATE:
        return Event(EventType.PUT, job.key, job.value, current, created, revision)
    return Event(EventType.DELETE, job.key, current.value, current, created, revision)
