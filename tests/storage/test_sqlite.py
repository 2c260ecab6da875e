"""What is particular to the SQLite store: its file, its lock, its log."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from strongroom.storage.errors import (
    Compacted,
    StoreLocked,
    StoreUnavailable,
    UnknownFormat,
)
from strongroom.storage.port import KeyValue, Store
from strongroom.storage.sqlite import SQLiteStore
from strongroom.storage.sqlite_file import APPLICATION_ID, FORMAT_VERSION, DatabaseFile
from tests.storage.watching import take


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def pragma(path: Path, statement: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute(f"PRAGMA {statement}").fetchone()
        return row[0] if row else None


async def fill(store: Store, count: int, size: int = 10) -> None:
    await asyncio.gather(*(store.create(f"/k/{n:05}", b"v" * size) for n in range(count)))


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = SQLiteStore.open(path)
    first = await store.create("/a", b"one")
    second = await store.update("/a", b"two", expected=first)
    gone = await store.create("/b", b"")
    last = await store.delete("/b", expected=gone)
    await store.compact(first)
    await store.close()
    store = SQLiteStore.open(path)
    assert store.current_revision == last
    assert await store.get("/a") == KeyValue("/a", b"two", first, second)
    assert await store.get("/a", revision=first) == KeyValue("/a", b"one", first, first)
    with pytest.raises(Compacted):
        await anext(store.watch("/", after=first - 1))
    assert [event.revision for event in await take(store.watch("/", after=first), 3)] == [3, 4, 5]
    assert await store.create("/c", b"") == last + 1
    await store.close()


async def test_the_files_are_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = SQLiteStore.open(tmp_path / "upper" / "lower" / "store.db")
        await store.create("/a", b"")
    finally:
        os.umask(old)
    assert mode(tmp_path / "upper") == mode(tmp_path / "upper" / "lower") == 0o700
    files = {path.name: mode(path) for path in (tmp_path / "upper" / "lower").iterdir()}
    assert set(files) == {"store.db", "store.db-wal", "store.db-shm", "store.db.lock"}
    assert set(files.values()) == {0o600}
    await store.close()


async def test_commits_are_durable_and_deletions_zeroed(tmp_path: Path) -> None:
    file = DatabaseFile(tmp_path / "store.db")
    with closing(file.connect_writer()) as connection:
        settings = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "secure_delete")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


async def test_compacted_values_are_gone_from_the_file(tmp_path: Path) -> None:
    store = SQLiteStore.open(tmp_path / "store.db")
    first = await store.create("/a", b"canary-one")
    second = await store.update("/a", b"canary-two", expected=first)
    await store.compact(second)
    await store.close()
    content = (tmp_path / "store.db").read_bytes()
    assert b"canary-one" not in content
    assert b"canary-two" in content


async def test_compaction_leaves_only_what_is_current(tmp_path: Path) -> None:
    """Whatever the steps, the file ends up with one row for each key, and the last revision."""
    store = SQLiteStore.open(tmp_path / "store.db")
    for turn in range(30):
        for key in ("/kept", "/gone"):
            made = await store.create(key, b"1")
            made = await store.update(key, b"2", expected=made)
            last = await store.delete(key, expected=made)
        if turn % 4 == 0:
            await store.compact(store.current_revision - turn % 3)
    kept = await store.create("/kept", b"3")
    last = await store.create("/last", b"")
    last = await store.delete("/last", expected=last)
    await store.compact(last)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        log = connection.execute("SELECT key, revision FROM log ORDER BY revision").fetchall()
        newest = connection.execute("SELECT key, revision FROM newest ORDER BY key").fetchall()
    assert log == [("/kept", kept), ("/last", last)]
    assert newest == log


async def test_a_long_history_is_compacted_while_writers_write(tmp_path: Path) -> None:
    store = SQLiteStore.open(tmp_path / "store.db")
    await fill(store, 5_000)
    compacting = asyncio.create_task(store.compact(store.current_revision))
    await asyncio.gather(*(store.create(f"/during/{n}", b"") for n in range(100)))
    await compacting
    assert len((await store.list("/k/")).items) == 5_000
    with pytest.raises(Compacted):
        await store.get("/k/00000", revision=5_000)
    await store.close()


async def test_a_second_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = SQLiteStore.open(path)
    with pytest.raises(StoreLocked, match="in use"):
        SQLiteStore.open(path)
    program = (
        "import sys; from strongroom.storage.sqlite import SQLiteStore as S; S.open(sys.argv[1])"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, path, stderr=asyncio.subprocess.PIPE
    )
    _, said = await other.communicate()
    assert other.returncode == 1
    assert b"StoreLocked" in said
    await store.close()
    await SQLiteStore.open(path).close()


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"my diary " * 1000)
    with pytest.raises(UnknownFormat, match="not a strongroom store"):
        SQLiteStore.open(path)
    assert path.read_bytes() == b"my diary " * 1000


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE diary (line TEXT)")
    with pytest.raises(UnknownFormat, match="not a strongroom store"):
        SQLiteStore.open(path)
    assert pragma(path, "application_id") == 0


async def test_another_format_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await SQLiteStore.open(path).close()
    assert pragma(path, "application_id") == APPLICATION_ID
    assert pragma(path, "user_version") == FORMAT_VERSION
    pragma(path, f"user_version = {FORMAT_VERSION + 1}")
    with pytest.raises(UnknownFormat, match=f"version {FORMAT_VERSION + 1}"):
        SQLiteStore.open(path)


def test_a_place_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot open"):
        SQLiteStore.open(tmp_path / "file" / "store.db")


async def test_a_watch_far_behind_reads_the_log_and_then_follows(tmp_path: Path) -> None:
    """More events than the feed keeps, so that the log has to serve, while writes go on."""
    store = SQLiteStore.open(tmp_path / "store.db")
    await fill(store, 10_000)
    watch = store.watch("/k/", after=1)
    writing = asyncio.gather(*(store.create(f"/k/later/{n}", b"") for n in range(2_000)))
    events = await take(watch, 12_000)
    await writing
    assert [event.revision for event in events] == list(range(2, 12_002))
    await watch.close()
    await store.close()


async def test_large_events_leave_the_feed_and_come_from_the_log(tmp_path: Path) -> None:
    store = SQLiteStore.open(tmp_path / "store.db")
    watch = store.watch("/k/", after=1)
    await fill(store, 40, size=1_000_000)
    events = await take(watch, 40)
    assert [(event.revision, len(event.value)) for event in events] == [
        (revision, 1_000_000) for revision in range(2, 42)
    ]
    await store.close()


async def keys_of(path: Path) -> list[str]:
    store = SQLiteStore.open(path)
    keys = [kv.key for kv in (await store.list("/")).items]
    await store.close()
    return keys


async def test_a_key_that_is_no_text_fails_its_own_caller_only(tmp_path: Path) -> None:
    store = SQLiteStore.open(tmp_path / "store.db")
    good = asyncio.create_task(store.create("/a", b""))
    with pytest.raises(UnicodeEncodeError):
        await store.create("/\ud800", b"")
    assert await good == 2
    await store.close()


async def test_a_cancelled_caller_disturbs_nobody(tmp_path: Path) -> None:
    store = SQLiteStore.open(tmp_path / "store.db")
    doomed = asyncio.create_task(store.create("/a", b""))
    other = asyncio.create_task(store.create("/b", b""))
    await asyncio.sleep(0)
    doomed.cancel()
    assert await other in {2, 3}
    with pytest.raises(asyncio.CancelledError):
        await doomed
    await store.close()


async def test_closing_finishes_what_was_begun(tmp_path: Path) -> None:
    store = SQLiteStore.open(tmp_path / "store.db")
    writes = [asyncio.create_task(store.create(f"/{n}", b"")) for n in range(50)]
    await asyncio.sleep(0)
    await store.close()
    assert sorted(await asyncio.gather(*writes)) == list(range(2, 52))
    assert len(await keys_of(tmp_path / "store.db")) == 50


async def test_how_many_follow_a_page_is_known_from_the_page_before(tmp_path: Path) -> None:
    store = SQLiteStore.open(tmp_path / "store.db")
    for number in range(10):
        await store.create(f"/a/{number}", b"value")
    page = await store.list("/a/", limit=3)
    at, left = page.revision, [page.remaining]
    while page.more:
        # Neither what is new nor what is gone changes the past.
        await store.create(f"/a/{page.items[-1].key[-1]}.5", b"value")
        last = await store.get("/a/9")
        if last is not None:
            await store.delete("/a/9", expected=last.mod_revision)
        start = page.items[-1].key + "\0"
        page = await store.list("/a/", limit=3, start=start, revision=at)
        again = await store.list("/a/", limit=3, start=start, revision=at)
        assert again == page
        left.append(page.remaining)
    assert left == [7, 4, 1, 0]
    assert (await store.list("/a/", limit=3)).remaining == 9
    await store.close()
