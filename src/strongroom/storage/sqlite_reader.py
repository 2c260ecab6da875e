"""Reading the SQLite store: queries on a connection, and the threads that run them."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from strongroom.storage.errors import Compacted, FutureRevision, StoreUnavailable
from strongroom.storage.port import Event, Events, EventType, KeyValue, Page, prefix_end
from strongroom.storage.sqlite_file import DatabaseFile

T = TypeVar("T")

_EVENT_BATCH = 512
_PAGES_KNOWN = 64

# Walks a key's chain back to the row that was in force at a revision; a row that compaction
# took ends the chain, and means that the key did not exist.
_IN_FORCE = """
    WITH RECURSIVE chain(revision, previous) AS (
        SELECT revision, previous FROM log WHERE revision = ?
        UNION ALL
        SELECT log.revision, log.previous FROM chain
        JOIN log ON log.revision = chain.previous WHERE chain.revision > ?
    )
    SELECT log.key, log.value, log.create_revision, log.revision, log.deleted
    FROM chain JOIN log ON log.revision = chain.revision WHERE chain.revision <= ?
"""
_LIST = """
    SELECT n.key, l.value, l.create_revision, n.revision
    FROM newest n JOIN log l ON l.revision = n.revision
    WHERE n.key >= ? AND n.key < ? AND (n.revision > ? OR NOT n.deleted) ORDER BY n.key
"""
_COUNT = """
    SELECT count(*) FROM newest
    WHERE key > ? AND key >= ? AND key < ? AND revision <= ? AND NOT deleted
"""
_CHANGED_SINCE = "SELECT revision FROM newest WHERE key > ? AND key < ? AND revision > ?"
_EVENTS = """
    SELECT l.revision, l.key, l.create_revision, l.deleted, l.value,
           p.value, p.create_revision, p.revision
    FROM log l LEFT JOIN log p ON p.revision = l.previous AND NOT p.deleted
    WHERE l.revision > ? AND l.revision <= ? AND l.key >= ? AND l.key < ?
    ORDER BY l.revision LIMIT ?
"""


def newest_revision(connection: sqlite3.Connection) -> int:
    """The store's revision: compaction never takes the last row of the log."""
    found: int | None = connection.execute("SELECT max(revision) FROM log").fetchone()[0]
    return 1 if found is None else found


def compacted_revision(connection: sqlite3.Connection) -> int:
    """The oldest readable revision, 0 before any compaction."""
    found: int = connection.execute("SELECT value FROM meta WHERE name = 'compacted'").fetchone()[0]
    return found


def read_key(connection: sqlite3.Connection, key: str, revision: int) -> KeyValue | None:
    """One key as of a revision (0: now)."""
    with _snapshot(connection):
        at = _readable(connection, revision)
        row = connection.execute("SELECT revision FROM newest WHERE key = ?", (key,)).fetchone()
        return _in_force(connection, row[0], at) if row else None


class Remaining:
    """How many keys followed the pages that were read last.

    Who reads everything page by page, as of one revision, would have all that follows counted for
    each page: that takes longer than reading it. The past does not change, so what the next page
    has is what followed the last one.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, str], int] = {}

    def take(self, prefix: str, revision: int, start: str) -> int | None:
        """How many keys there are from ``start`` on, if a page ended just before it."""
        return self._known.pop((prefix, revision, start), None)

    def keep(self, prefix: str, revision: int, last: str, count: int) -> None:
        """Remember how many keys follow the last one of a page."""
        # Threads share this: each step is one operation of the dictionary.
        if len(self._known) >= _PAGES_KNOWN:
            self._known.clear()
        self._known[prefix, revision, f"{last}\0"] = count


def read_page(
    connection: sqlite3.Connection,
    prefix: str,
    limit: int,
    start: str,
    revision: int,
    known: Remaining,
) -> Page:
    """Keys of a prefix as of a revision (0: now)."""
    with _snapshot(connection):
        at = _readable(connection, revision)
        items: list[KeyValue] = []
        rows = connection.execute(_LIST, (max(prefix, start), _bound(prefix), at))
        for key, value, create_revision, mod_revision in rows:
            if mod_revision <= at:
                items.append(KeyValue(key, value, create_revision, mod_revision))
            elif (past := _in_force(connection, mod_revision, at)) is not None:
                items.append(past)
            if limit and len(items) == limit:
                last, there = items[-1].key, known.take(prefix, at, start)
                if there is None:
                    remaining = _count_after(connection, prefix, last, at)
                else:
                    remaining = there - limit
                known.keep(prefix, at, last, remaining)
                return Page(items, at, remaining > 0, remaining)
        return Page(items, at, more=False, remaining=0)


def read_events(
    connection: sqlite3.Connection, prefix: str, after: int, upto: int
) -> tuple[Events, int]:
    """A batch of events of a prefix with after < revision <= upto, and how far it reaches.

    Raises: `Compacted`.
    """
    with _snapshot(connection):
        compacted = compacted_revision(connection)
        if after < compacted:
            raise Compacted(after, compacted)
        rows = connection.execute(
            _EVENTS, (after, upto, prefix, _bound(prefix), _EVENT_BATCH)
        ).fetchall()
    events = [_event(row) for row in rows]
    return events, (events[-1].revision if len(events) == _EVENT_BATCH else upto)


def _event(row: tuple[int, str, int, int, bytes, bytes | None, int, int]) -> Event:
    revision, key, create_revision, deleted, value, old, old_create, old_revision = row
    previous = None if old is None else KeyValue(key, old, old_create, old_revision)
    if deleted:
        last = b"" if old is None else old
        return Event(EventType.DELETE, key, last, previous, create_revision, revision)
    return Event(EventType.PUT, key, value, previous, create_revision, revision)


def _in_force(connection: sqlite3.Connection, newest: int, at: int) -> KeyValue | None:
    row = connection.execute(_IN_FORCE, (newest, at, at)).fetchone()
    return None if row is None or row[4] else KeyValue(*row[:4])


def _count_after(connection: sqlite3.Connection, prefix: str, key: str, at: int) -> int:
    end = _bound(prefix)
    count: int = connection.execute(_COUNT, (key, prefix, end, at)).fetchone()[0]
    for (newest,) in connection.execute(_CHANGED_SINCE, (key, end, at)):
        count += _in_force(connection, newest, at) is not None
    return count


def _bound(prefix: str) -> str | bytes:
    """The end of a prefix's range; SQLite orders any blob after every text."""
    end = prefix_end(prefix)
    return b"" if end is None else end


def _readable(connection: sqlite3.Connection, revision: int) -> int:
    current = newest_revision(connection)
    if not revision:
        return current
    if revision > current:
        raise FutureRevision(revision, current)
    compacted = compacted_revision(connection)
    if revision < compacted:
        raise Compacted(revision, compacted)
    return revision


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """All queries inside see one state of the database."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


class Readers:
    """Threads with a read connection each, so that a slow read never stops the event loop."""

    def __init__(self, file: DatabaseFile, threads: int = 2) -> None:
        self._file = file
        self._executor = ThreadPoolExecutor(threads, "strongroom-sqlite-read")
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()

    async def run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """The result of a query in one of the threads; `StoreUnavailable` when SQLite fails."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._run, query)

    def _run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        try:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                connection = self._file.connect_reader()
            try:
                return query(connection)
            finally:
                self._idle.put(connection)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"reading {self._file.path} failed: {error}") from error

    def close(self) -> None:
        """Wait for running queries and close the connections."""
        self._executor.shutdown()
        while not self._idle.empty():
            self._idle.get_nowait().close()
