"""The database file of the SQLite store: its place, its lock, its format, its connections.

Layout (format 1):

    log     one row for each revision: what the key held from then on. `previous` is the revision
            of the same key's row before it (0: none), so that a key's history is a chain and
            no second index has to be written. A deletion is a row without value.
    newest  for each key the newest row of `log`, deletions included until compaction.
    meta    'compacted': the oldest revision that can still be read.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from strongroom.storage.errors import NoSpace, StoreLocked, StoreUnavailable, UnknownFormat

APPLICATION_ID = 0x5374726D
FORMAT_VERSION = 1

_BLOCK = 1 << 20

_SCHEMA = (
    """CREATE TABLE log (
        revision INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        create_revision INTEGER NOT NULL,
        previous INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        value BLOB
    )""",
    """CREATE TABLE newest (
        key TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        deleted INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO meta VALUES ('compacted', 0)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FORMAT_VERSION}",
)


class DatabaseFile:
    """A database file that this object alone has open, from `acquire` to `release`.

    Connections may be used from any thread, by one at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = -1

    def acquire(self) -> None:
        """Create the file if needed (0600, in a directory 0700), lock it and check its format.

        Raises: `StoreLocked`, `UnknownFormat`, `NoSpace`, `StoreUnavailable`.
        """
        try:
            make_directory(self.path.parent)
            self._take_lock()
            try:
                self._create_private()
                self.settle()
                with closing(self.connect_writer()) as connection:
                    self._check_format(connection)
            except BaseException:
                self.release()
                raise
        except (OSError, sqlite3.Error) as error:
            raise not_opened(self.path, error) from error

    def connect_writer(self) -> sqlite3.Connection:
        """A connection for the one writer: each commit is durable, what it deletes is zeroed."""
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA cache_size = -8192")
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
            connection.execute("PRAGMA journal_size_limit = 67108864")
        except sqlite3.DatabaseError as error:
            connection.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise UnknownFormat(f"{self.path} is not a strongroom store") from error
            raise
        return connection

    def connect_reader(self) -> sqlite3.Connection:
        """A connection that cannot write."""
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def settle(self) -> None:
        """Write what stands in the log of writes once more, and wait until it is on disk.

        Needed before SQLite builds on a log that it did not see reach the disk, as after a sync
        that failed or the death of a process: the kernel tells of a failed sync once and takes the
        pages for clean from then on. They can be read as if nothing had happened, a later sync
        says that all is well, and after a power cut they are not there. Written again, they are
        synced or fail again.

        Raises: OSError.
        """
        with contextlib.suppress(FileNotFoundError):
            _write_again(Path(f"{self.path}-wal"))

    def release(self) -> None:
        """Give the lock up; all connections are closed by then."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _take_lock(self) -> None:
        self._lock = _lock(self.path)

    def _create_private(self) -> None:
        # Before SQLite sees the path: the WAL and its index take over the database's mode.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        sync_directory(self.path.parent)

    def _check_format(self, connection: sqlite3.Connection) -> None:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if not (application or version or tables):
            connection.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute("COMMIT")
        elif application != APPLICATION_ID:
            raise UnknownFormat(f"{self.path} is not a strongroom store")
        elif version != FORMAT_VERSION:
            raise UnknownFormat(
                f"{self.path} has format version {version}; this program knows {FORMAT_VERSION}"
            )


def not_opened(path: Path, error: OSError | sqlite3.Error) -> StoreUnavailable:
    """What is said of a database that cannot be opened."""
    told = getattr(error, "sqlite_errorcode", None), getattr(error, "errno", None)
    # The last is how SQLite tells that there is no room for the index of its log of writes.
    if told[1] == errno.ENOSPC or told[0] in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE):
        return NoSpace(
            f"cannot open {path}: its disk is full. Nothing in it is lost: make room, and start "
            "again; see docs/storage.md, No space"
        )
    return StoreUnavailable(f"cannot open {path}: {error}")


def _write_again(path: Path) -> None:
    # Locks of SQLite are on the database and the shared memory: this descriptor drops none.
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        offset = 0
        while block := os.pread(descriptor, _BLOCK, offset):
            offset += os.pwrite(descriptor, block, offset)
        if offset:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep everybody from opening the database of a path, whether it is there or not.

    Raises: `StoreLocked`, OSError.
    """
    lock = _lock(path)
    try:
        yield
    finally:
        os.close(lock)


def _lock(path: Path) -> int:
    """A descriptor that holds the lock of a database until it is closed."""
    # A lock of its own file: SQLite's locks come and go with each transaction, and closing
    # any descriptor of the database would drop POSIX locks on it.
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            raise StoreLocked(
                f"{path} is in use: another strongroom process has it open"
            ) from error
        raise
    return lock


def make_directory(directory: Path) -> None:
    """Create missing directories, each 0700: `Path.mkdir` would give the upper ones the umask's."""
    if not directory.is_dir():
        make_directory(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)
        sync_directory(directory.parent)


def sync_directory(directory: Path) -> None:
    """Make a new name in the directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
