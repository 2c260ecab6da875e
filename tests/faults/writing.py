"""A process that writes to a SQLite store and tells of it; run below strace by tests of disks.

``python -m tests.faults.writing DIRECTORY NAME ROUNDS``: in each round the store is opened, written
to and closed, except after the last, where the process ends as if killed. 0 ROUNDS are one in which
that happens as soon as a write has failed. Otherwise, in every other round nothing is read.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

from strongroom.storage.sqlite import SQLiteStore
from strongroom.storage.sqlite_file import DatabaseFile
from tests.faults.load import Load, until
from tests.faults.told import Telling

DATABASE, TOLD = "store.db", "told"
WRITES = 6


class Small(DatabaseFile):
    """A database that empties its log of writes after so many pages."""

    pages = 40

    def connect_writer(self) -> sqlite3.Connection:
        connection = super().connect_writer()
        connection.execute(f"PRAGMA wal_autocheckpoint = {self.pages}")
        return connection


async def write(store: SQLiteStore, history: Telling, *, reading: bool, failing: bool) -> None:
    """One round."""
    load = Load([store], history, writers=4, pause=0.0005, size=1500, reading=reading)
    if failing:
        await until(lambda: load.failures > 0, "a write has failed")
        os.kill(os.getpid(), signal.SIGKILL)
    await load.progress(WRITES)
    await load.stop()


async def main(directory: Path, name: str, rounds: int) -> None:
    """See the module."""
    descriptor = os.open(directory / TOLD, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    history = Telling(descriptor, name)
    for turn in range(rounds or 1):
        file = Small(directory / DATABASE)
        file.pages = 40 if turn % 2 else 6
        store = SQLiteStore(file)
        await write(store, history, reading=turn % 2 == 1 or not rounds, failing=not rounds)
        if turn + 1 >= rounds:
            os.kill(os.getpid(), signal.SIGKILL)
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
