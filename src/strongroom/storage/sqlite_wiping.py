"""Takes what was deleted out of the files of a SQLite store, so that not even ciphertext is left.

``secure_delete`` zeroes what is deleted, but the engine moves rows between pages and leaves the old
place as it is, and its log of writes (WAL) holds every page as it was. So the whole file is written
anew. SQLite does that as one transaction: a process that is killed meanwhile leaves the old file.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path


class Busy(OSError):
    """Somebody reads for so long that the log of writes could not be emptied."""


def wipe(connection: sqlite3.Connection, path: Path) -> int:
    """Write the file anew over the old one, empty its log; the size in bytes afterwards.

    Raises: sqlite3.Error, `Busy`.
    """
    # The new file is put together in memory: elsewhere on a disk it would leave traces of its own.
    connection.execute("PRAGMA temp_store = MEMORY")
    # With its log at the beginning, what is written now goes over what was in it.
    connection.execute("PRAGMA wal_checkpoint(RESTART)")
    connection.execute("VACUUM")
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise Busy("somebody reads, so the log of writes is not empty yet; repeat it")
    return size(path)


def size(path: Path) -> int:
    """Bytes of the database and its log."""
    return sum(file.stat().st_size for file in (path, Path(f"{path}-wal")) if file.exists())
