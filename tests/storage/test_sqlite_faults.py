"""When the disk is full or fails under the SQLite store."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.storage.errors import Compacted, KeyExists, NoSpace, StoreUnavailable
from strongroom.storage.port import KeyValue
from strongroom.storage.sqlite import SQLiteStore
from strongroom.storage.sqlite_file import DatabaseFile
from tests.storage.watching import take


async def test_a_full_disk_fails_the_write_and_nothing_else(tmp_path: Path) -> None:
    """A real SQLITE_FULL: this file's writer may only use so many pages."""

    class Small(DatabaseFile):
        connection: sqlite3.Connection

        def connect_writer(self) -> sqlite3.Connection:
            self.connection = super().connect_writer()
            self.limit(60)
            return self.connection

        def limit(self, pages: int) -> None:
            self.connection.execute(f"PRAGMA max_page_count = {pages}")

    file = Small(tmp_path / "store.db")
    store = SQLiteStore(file)
    kept = await store.create("/kept", b"v")
    results = await asyncio.gather(
        store.create("/small", b"s"),
        store.create("/huge", b"x" * 1_000_000),
        return_exceptions=True,
    )
    assert all(isinstance(result, NoSpace) for result in results)
    assert "its disk is full" in str(results[0])
    assert await store.revision() == kept
    assert [kv.key for kv in (await store.list("/")).items] == ["/kept"]
    file.limit(10_000)
    with pytest.raises(NoSpace):
        await store.create("/huge", b"x" * 50_000_000)
    watch = store.watch("/", after=kept)
    assert await store.create("/huge", b"x" * 1_000_000) == kept + 1
    assert [event.key for event in await take(watch, 1)] == ["/huge"]
    await store.close()
    store = SQLiteStore.open(file.path)
    assert [kv.key for kv in (await store.list("/")).items] == ["/huge", "/kept"]
    await store.close()


async def test_a_disk_that_is_full_in_the_middle_of_a_write_keeps_no_part_of_it(
    tmp_path: Path,
) -> None:
    class Small(DatabaseFile):
        def connect_writer(self) -> sqlite3.Connection:
            connection = super().connect_writer()
            connection.execute("PRAGMA max_page_count = 60")
            return connection

    store = SQLiteStore(Small(tmp_path / "store.db"))
    made = await store.create("/a", b"one")
    # The first of them has its room, the second has not.
    for beside, value in (
        ([("/h/1", b"s"), ("/h/2", b"x" * 1_000_000)], b"two"),
        ([("/h/1", b"s")], b"x" * 1_000_000),
    ):
        with pytest.raises(StoreUnavailable):
            await store.update("/a", value, expected=made, beside=beside)
        assert [(kv.key, kv.value) for kv in (await store.list("/")).items] == [("/a", b"one")]
        assert await store.revision() == made
    await store.update("/a", b"two", expected=made, beside=[("/h/1", b"s")])
    assert [kv.key for kv in (await store.list("/")).items] == ["/a", "/h/1"]
    await store.close()


class FailingConnection(sqlite3.Connection):
    """A connection whose commits fail as they do when fsync does: before or after the fact."""

    fail_before = 0
    fail_after = 0

    def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
        kind = type(self)
        if sql == "COMMIT" and kind.fail_before:
            kind.fail_before -= 1
            raise sqlite3.OperationalError("disk I/O error")
        cursor = super().execute(sql, parameters)  # type: ignore[arg-type]  # passed on as given
        if sql == "COMMIT" and kind.fail_after:
            kind.fail_after -= 1
            raise sqlite3.OperationalError("disk I/O error")
        return cursor


class FailingFile(DatabaseFile):
    def connect_writer(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, factory=FailingConnection
        )
        connection.execute("PRAGMA journal_mode = WAL")
        return connection


async def test_a_failed_fsync_is_told_and_the_store_goes_on(tmp_path: Path) -> None:
    store = SQLiteStore(FailingFile(tmp_path / "store.db"))
    await store.create("/a", b"")
    FailingConnection.fail_before = 1
    results = await asyncio.gather(
        store.create("/b", b""), store.create("/c", b""), return_exceptions=True
    )
    assert [type(result) for result in results] == [StoreUnavailable, StoreUnavailable]
    assert "disk I/O error" in str(results[0])
    assert await store.get("/b") is None
    assert await store.create("/b", b"") == 3
    await store.close()


async def test_a_commit_that_happened_in_spite_of_its_error_is_published(tmp_path: Path) -> None:
    store = SQLiteStore(FailingFile(tmp_path / "store.db"))
    watch = store.watch("/", after=1)
    FailingConnection.fail_after = 1
    with pytest.raises(StoreUnavailable):
        await store.create("/a", b"one")
    with pytest.raises(KeyExists):
        await store.create("/a", b"two")
    assert await store.create("/b", b"") == 3
    events = await take(watch, 2)
    assert [(event.key, event.value, event.revision) for event in events] == [
        ("/a", b"one", 2),
        ("/b", b"", 3),
    ]
    await store.close()


async def test_a_compaction_that_happened_in_spite_of_its_error(tmp_path: Path) -> None:
    store = SQLiteStore(FailingFile(tmp_path / "store.db"))
    first = await store.create("/a", b"one")
    second = await store.update("/a", b"two", expected=first)
    FailingConnection.fail_after = 1
    with pytest.raises(StoreUnavailable):
        await store.compact(second)
    await store.create("/b", b"")
    with pytest.raises(Compacted):
        await store.get("/a", revision=first)
    with pytest.raises(Compacted):
        await anext(store.watch("/", after=first))
    await store.close()


async def test_a_failed_read_is_told_and_the_next_one_works(tmp_path: Path) -> None:
    class Unreadable(DatabaseFile):
        broken = True

        def connect_reader(self) -> sqlite3.Connection:
            if self.broken:
                raise sqlite3.OperationalError("disk I/O error")
            return super().connect_reader()

    file = Unreadable(tmp_path / "store.db")
    store = SQLiteStore(file)
    made = await store.create("/a", b"")
    with pytest.raises(StoreUnavailable, match="disk I/O error"):
        await store.get("/a")
    file.broken = False
    assert await store.get("/a") == KeyValue("/a", b"", made, made)
    await store.close()


def test_a_full_disk_at_any_write_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """The kernel refuses the write itself (RLIMIT_FSIZE), in a process of its own."""
    program = """
import asyncio, json, resource, signal, sys
from strongroom.storage.errors import StoreUnavailable
from strongroom.storage.sqlite import SQLiteStore

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = SQLiteStore.open(sys.argv[1])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
    acknowledged, refused = [], 0
    for number in range(200):
        key = f"/k/{number:03}"
        try:
            await store.create(key, b"v" * 5000)
            acknowledged.append(key)
        except StoreUnavailable:
            refused += 1
    print(json.dumps([acknowledged, refused, store.current_revision]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    await store.create("/again", b"")
    await store.close()

asyncio.run(main())
"""
    path = tmp_path / "store.db"
    run = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    acknowledged, refused, revision = json.loads(run.stdout)
    assert len(acknowledged) > 10
    assert refused > 10
    assert revision == len(acknowledged) + 1
    assert asyncio.run(keys_of(path)) == ["/again", *acknowledged]


async def keys_of(path: Path) -> list[str]:
    store = SQLiteStore.open(path)
    keys = [kv.key for kv in (await store.list("/")).items]
    await store.close()
    return keys
