"""The embedded store: SQLite in WAL mode, durable before it acknowledges.

    write   event loop ── list of jobs ──▶ writer thread: one transaction, one fsync
                       ◀── one report ───  (sqlite_writer, sqlite_batch)
    read    event loop ── query ──▶ reader threads (sqlite_reader)
    watch   a cursor over the feed of committed events; older ones come from the log

The file's layout and lock are in sqlite_file. Other modules of this package belong to the
driver and are not to be used from elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Self

from strongroom.storage.errors import StoreClosed
from strongroom.storage.feed import Feed, FeedWatch
from strongroom.storage.port import Beside, Events, KeyValue, Page, Watch, Wiped, check_distinct
from strongroom.storage.sqlite_batch import Job, Operation, Report
from strongroom.storage.sqlite_file import DatabaseFile, not_opened
from strongroom.storage.sqlite_reader import (
    Readers,
    Remaining,
    read_events,
    read_key,
    read_page,
)
from strongroom.storage.sqlite_wiping import size
from strongroom.storage.sqlite_writer import Writer

# What the feed keeps for watches that are a little behind: the rest they read from the log.
_FEED_EVENTS = 8192
_FEED_BYTES = 16 * 1024 * 1024
# Revisions compacted in one transaction, so that writers wait for milliseconds only.
_COMPACTION_STEP = 2000


class SQLiteStore:
    """A durable `Store` in one file, of which this object is the only user.

    All methods are called on one event loop: the one that runs at the first write.
    """

    def __init__(self, file: DatabaseFile) -> None:
        """Take the file over; see `open`, which is what callers use."""
        file.acquire()
        try:
            self._writer = Writer(file, self._deliver)
        except sqlite3.Error as error:
            file.release()
            raise not_opened(file.path, error) from error
        except BaseException:
            file.release()
            raise
        self._file = file
        self._readers = Readers(file)
        self._remaining = Remaining()
        self._feed = Feed(
            self._writer.revision,
            compacted=self._writer.compacted,
            history=self.history,
            max_events=_FEED_EVENTS,
            max_bytes=_FEED_BYTES,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: list[Job] = []
        self._writer.start()

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """The store in a file, which is created (0600, a missing directory 0700) if needed.

        Blocks for a few milliseconds; needs no running event loop.

        Raises: `StoreLocked` when it is open elsewhere, `UnknownFormat` when it is not ours or
        of another version, `NoSpace` when its disk is full, `StoreUnavailable` when it cannot
        be opened.
        """
        return cls(DatabaseFile(Path(path)))

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
        self._check_open()
        return await self._readers.run(partial(read_key, key=key, revision=revision))

    async def list(
        self, prefix: str, *, limit: int = 0, start: str = "", revision: int = 0
    ) -> Page:
        self._check_open()
        return await self._readers.run(
            partial(
                read_page,
                prefix=prefix,
                limit=limit,
                start=start,
                revision=revision,
                known=self._remaining,
            )
        )

    async def create(self, key: str, value: bytes, *, beside: Beside = ()) -> int:
        return await self._submit(Operation.CREATE, key, value, 0, beside)

    async def update(self, key: str, value: bytes, *, expected: int, beside: Beside = ()) -> int:
        return await self._submit(Operation.UPDATE, key, value, expected, beside)

    async def delete(self, key: str, *, expected: int, beside: Beside = ()) -> int:
        return await self._submit(Operation.DELETE, key, b"", expected, beside)

    def watch(self, prefix: str, *, after: int) -> Watch:
        return FeedWatch(self._feed, prefix, after)

    async def compact(self, revision: int) -> None:
        done = self._feed.compacted
        while done < revision:
            target = min(revision, done + _COMPACTION_STEP)
            done = await self._submit(Operation.COMPACT, "", b"", target)

    async def wipe(self) -> Sequence[Wiped]:
        """As `Store`; writers wait for as long as the file takes, a second for some 40 MB."""
        before = await asyncio.to_thread(size, self._file.path)
        await self.compact(self._feed.revision)
        after = await self._submit(Operation.WIPE, "", b"", 0)
        return [Wiped(str(self._file.path), before, after)]

    async def close(self) -> None:
        if self._feed.closed:
            return
        self._flush()
        self._feed.close()
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        self._writer.close()
        self._readers.close()
        self._file.release()

    def _submit(
        self, operation: Operation, key: str, value: bytes, expected: int, beside: Beside = ()
    ) -> asyncio.Future[int]:
        """Queue a job. Jobs of one turn of the event loop reach the writer as one list."""
        self._check_open()
        # What SQLite cannot store is refused here, where it fails only its own caller.
        key.encode()
        if beside:
            check_distinct(key, beside)
            for other, _ in beside:
                other.encode()
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        if not self._pending:
            self._loop.call_soon(self._flush)
        done: asyncio.Future[int] = self._loop.create_future()
        self._pending.append(Job(operation, key, value, expected, done, beside))
        return done

    def _flush(self) -> None:
        if self._pending:
            self._writer.submit(self._pending)
            self._pending = []

    def _deliver(self, report: Report) -> None:
        """Called in the writer's thread: one hop to the loop for a whole batch."""
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._settle, report)
            except RuntimeError:
                # The loop was closed under us: nobody is left to hear it.
                return

    def _settle(self, report: Report) -> None:
        """Publish first, then answer: whoever has written finds the event in the feed."""
        self._feed.publish(report.events)
        if report.compacted:
            self._feed.compact(report.compacted)
        for job, result in report.results:
            if job.done.done():
                continue
            if isinstance(result, int):
                job.done.set_result(result)
            else:
                job.done.set_exception(result)

    async def history(self, prefix: str, after: int, upto: int) -> tuple[Events, int]:
        """Events of a prefix with after < revision <= upto, and how far they reach.

        Raises: `Compacted`.
        """
        self._check_open()
        return await self._readers.run(partial(read_events, prefix=prefix, after=after, upto=upto))

    def _check_open(self) -> None:
        if self._feed.closed:
            raise StoreClosed("the store was closed")
