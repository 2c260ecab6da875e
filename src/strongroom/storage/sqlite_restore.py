"""Makes the file of a SQLite store from keys that were in another store.

The file is made beside its place, and takes it in one step when it is whole and on disk: a process
that is killed meanwhile leaves what was there before.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from strongroom.storage.errors import StoreUnavailable
from strongroom.storage.filling import StoreExists
from strongroom.storage.port import KeyValue
from strongroom.storage.sqlite_file import DatabaseFile, held, make_directory, sync_directory

GAP = 1_000_000
"""Revisions that are left out after those of the backup.

The old store went on after its backup, and clients may remember a revision from then. All of them
are to be compacted ones here, so that such a client is told to list anew. etcd's own tool does the
same (``--bump-revision``, ``--mark-compacted``).
"""

_APPEND = "INSERT OR IGNORE INTO log VALUES (?, ?, ?, 0, 0, ?)"


def restore_database(
    path: Path,
    items: Iterable[KeyValue],
    last: KeyValue,
    *,
    replace: bool = False,
) -> Path | None:
    """Make a store of these keys, each at its revision, and of ``last``, at that of the store.

    All revisions before that of ``last`` are compacted. A store that is there is kept under another
    name beside the new one, which is returned. Whatever ``items`` raises goes through, with nothing
    changed.

    Raises: `StoreExists` unless ``replace``, `StoreLocked` for a store in use, `StoreUnavailable`.
    """
    scratch = path.with_name(f".{path.name}.restoring")
    try:
        make_directory(path.parent)
        with held(path):
            if path.exists() and not replace:
                raise StoreExists(f"there is a store already: {path}")
            _clear(scratch)
            try:
                _make(scratch, items, last)
                aside = _set_aside(path) if path.exists() else None
                scratch.replace(path)
                sync_directory(path.parent)
            finally:
                _clear(scratch)
            return aside
    except (OSError, sqlite3.Error) as error:
        raise StoreUnavailable(f"cannot make {path}: {error}") from error


def _make(path: Path, items: Iterable[KeyValue], last: KeyValue) -> None:
    file = DatabaseFile(path)
    file.acquire()
    try:
        with closing(file.connect_writer()) as connection:
            # Nobody uses it before it is whole: it is made durable once, at the end.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN IMMEDIATE")
            _fill(connection, items, last)
            connection.execute("COMMIT")
        _settled(path)
    finally:
        file.release()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(connection: sqlite3.Connection, items: Iterable[KeyValue], last: KeyValue) -> None:
    execute = connection.cursor().execute
    spare = last.mod_revision - 1
    for item in items:
        revision = item.mod_revision
        row = (item.key, item.create_revision, item.value)
        if not execute(_APPEND, (revision, *row)).rowcount:
            # In etcd the keys of a transaction share a revision, here none do.
            revision, spare = spare, spare - 1
            execute(_APPEND, (revision, *row))
        execute("INSERT INTO newest VALUES (?, ?, 0)", (item.key, revision))
    execute(_APPEND, (last.mod_revision, last.key, last.create_revision, last.value))
    execute("INSERT INTO newest VALUES (?, ?, 0)", (last.key, last.mod_revision))
    execute("UPDATE meta SET value = ? WHERE name = 'compacted'", (last.mod_revision,))


def _set_aside(path: Path) -> Path:
    """Give the store a second name, with all that belongs to it in one file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _settled(path)
    number = 1
    while (aside := path.with_name(f"{path.name}.before-restore-{number}")).exists():
        number += 1
    os.link(path, aside)
    return aside


def _settled(path: Path) -> None:
    """Raises StoreUnavailable when a part of a closed database lies in another file."""
    wal = Path(f"{path}-wal")
    if wal.exists() and wal.stat().st_size:
        raise StoreUnavailable(f"{wal} could not be taken into {path}")


def _clear(scratch: Path) -> None:
    for ending in ("", "-wal", "-shm", ".lock"):
        Path(f"{scratch}{ending}").unlink(missing_ok=True)
