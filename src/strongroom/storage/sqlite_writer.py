"""The one thread that writes to the SQLite store: group commit.

Writers hand in lists of jobs; the thread takes everything that waits and commits it in one
transaction, so that concurrent writers share one fsync. Each condition is checked inside the
transaction, in the order of arrival, against what the jobs before it wrote; a failed condition
fails its own job and changes nothing.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable

from strongroom.storage.errors import NoSpace, StoreUnavailable
from strongroom.storage.sqlite_batch import Batch, Job, Operation, Report
from strongroom.storage.sqlite_file import DatabaseFile
from strongroom.storage.sqlite_reader import compacted_revision, newest_revision, read_events
from strongroom.storage.sqlite_wiping import wipe

# One transaction takes up to this many jobs: bounds the memory of a commit and its delay.
_MAX_BATCH = 1024


class Writer:
    """Owns the write connection and its thread.

    `deliver` is called in the writer's thread once for each batch, after its commit; it hands
    the report to the event loop.
    """

    def __init__(self, file: DatabaseFile, deliver: Callable[[Report], None]) -> None:
        self._file = file
        self._deliver = deliver
        self._inbox: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._connection: sqlite3.Connection | None = file.connect_writer()
        self.revision = newest_revision(self._connection)
        self.compacted = compacted_revision(self._connection)
        # Whether a write or a sync has failed, so that what the files hold may not be on disk.
        self._doubtful = False
        self._thread = threading.Thread(target=self._run, name="strongroom-sqlite-write")
        # A program that ends without `close` must end; what was acknowledged is on disk.
        self._thread.daemon = True

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, jobs: list[Job]) -> None:
        """Hand jobs to the thread, in order."""
        self._inbox.put(jobs)

    def close(self) -> None:
        """Finish everything submitted and end the thread; blocks."""
        self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        ending = False
        while not ending:
            jobs, ending = self._take()
            wipes = [job for job in jobs if job.operation is Operation.WIPE]
            writes = [job for job in jobs if job.operation is not Operation.WIPE]
            for start in range(0, len(writes), _MAX_BATCH):
                self._deliver(self._commit(writes[start : start + _MAX_BATCH]))
            if wipes:
                self._deliver(self._wipe(wipes))
        self._disconnect()

    def _take(self) -> tuple[list[Job], bool]:
        """All jobs that wait, at least one list; and whether the end was among them."""
        jobs: list[Job] = []
        more = self._inbox.get()
        while more is not None:
            jobs += more
            try:
                more = self._inbox.get_nowait()
            except queue.Empty:
                return jobs, False
        return jobs, True

    def _commit(self, jobs: list[Job]) -> Report:
        """Do the jobs in one transaction; on any failure of SQLite none of them."""
        try:
            connection = self._connect()
            batch = Batch(connection, self.revision, self.compacted)
            connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                batch.apply(job)
            connection.execute("COMMIT")
        except (sqlite3.Error, MemoryError, OSError) as error:
            return self._failed(jobs, error)
        self.revision, self.compacted = batch.revision, batch.compacted
        return batch.report

    def _wipe(self, jobs: list[Job]) -> Report:
        """Write the file anew, of what is current, and empty the log of writes."""
        try:
            size = wipe(self._connect(), self._file.path)
        except (sqlite3.Error, MemoryError, OSError) as error:
            return self._failed(jobs, error)
        return Report(results=[(job, size) for job in jobs])

    def _failed(self, jobs: list[Job], error: Exception) -> Report:
        """Undo what was begun, and say why of every job."""
        if isinstance(error, sqlite3.Error) and _is_full(error) and self._rolled_back():
            # Nothing was synced that would be in doubt. The connection stays: with the last one the
            # shared memory would go, which could not be made again, and no read would be answered.
            path = self._file.path
            failure: StoreUnavailable = NoSpace(
                f"writing to {path} failed: its disk is full. Reads go on, and so do writes as "
                "soon as there is room; see docs/storage.md, No space"
            )
        else:
            self._disconnect()
            self._doubtful = True
            failure = StoreUnavailable(f"writing to {self._file.path} failed: {error}")
        # Without its frames, which hold the batch: its statements would keep the file open for as
        # long as anybody looks at the error.
        failure.__cause__ = error.with_traceback(None)
        return Report(results=[(job, failure) for job in jobs])

    def _rolled_back(self) -> bool:
        try:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            return False
        return self._connection is not None

    def _connect(self) -> sqlite3.Connection:
        """The connection; after a failure a new one, which tells what really was committed."""
        if self._connection is None:
            if self._doubtful:
                self._file.settle()
            connection = self._file.connect_writer()
            committed = newest_revision(connection)
            while self.revision < committed:
                events, self.revision = read_events(connection, "", self.revision, committed)
                self._deliver(Report(events=events))
            self.compacted = compacted_revision(connection)
            self._deliver(Report(compacted=self.compacted))
            self._connection, self._doubtful = connection, False
        return self._connection

    def _disconnect(self) -> None:
        """Close the connection, which rolls an open transaction back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error:
                # The handle is unusable; the next batch opens another and asks the file.
                return


def _is_full(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
