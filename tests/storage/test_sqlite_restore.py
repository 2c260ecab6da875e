"""Making the file of a SQLite store from the keys of another store."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from strongroom.storage.errors import Compacted, StoreLocked, StoreUnavailable
from strongroom.storage.filling import StoreExists
from strongroom.storage.port import KeyValue
from strongroom.storage.sqlite import SQLiteStore
from strongroom.storage.sqlite_restore import restore_database

ITEMS = [
    KeyValue("/a", b"a at 7", 3, 7),
    KeyValue("/b", b"b at 5", 5, 5),
    KeyValue("/c", b"c at 7 too", 7, 7),
]
LAST = KeyValue("/last", b"", 1000, 1000)


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def copy_database(path: Path, copy: Path) -> None:
    for ending in ("", "-wal"):
        Path(f"{copy}{ending}").write_bytes(Path(f"{path}{ending}").read_bytes())


async def contents(path: Path) -> list[str]:
    store = SQLiteStore.open(path)
    try:
        return [item.key for item in (await store.list("/")).items]
    finally:
        await store.close()


async def test_keys_have_their_values_and_revisions(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.db"
    assert restore_database(path, ITEMS, LAST) is None
    assert path.stat().st_mode & 0o777 == 0o600
    assert names_in(path.parent) == ["store.db", "store.db.lock"]
    store = SQLiteStore.open(path)
    try:
        page = await store.list("/")
        assert [item.key for item in page.items] == ["/a", "/b", "/c", "/last"]
        assert page.items[:2] == ITEMS[:2]
        assert page.items[2].value == b"c at 7 too"
        # A revision that two keys shared, as those of a transaction do in etcd, is one key's here.
        assert len({item.mod_revision for item in page.items}) == 4
        assert page.revision == await store.revision() == 1000
    finally:
        await store.close()


async def test_the_store_goes_on_behind_its_last_revision(tmp_path: Path) -> None:
    restore_database(tmp_path / "store.db", ITEMS, LAST)
    store = SQLiteStore.open(tmp_path / "store.db")
    try:
        assert await store.update("/a", b"new", expected=7) == 1001
        assert await store.delete("/b", expected=5) == 1002
        assert await store.create("/b", b"again") == 1003
        assert [e.revision for e in await anext(store.watch("/", after=1000))] == [1001, 1002, 1003]
        with pytest.raises(Compacted):
            await anext(store.watch("/", after=999))
        with pytest.raises(Compacted):
            await store.list("/", revision=7)
        await store.compact(1003)
        assert [item.key for item in (await store.list("/")).items] == ["/a", "/b", "/c", "/last"]
    finally:
        await store.close()
    store = SQLiteStore.open(tmp_path / "store.db")
    assert await store.revision() == 1003
    await store.close()


async def test_a_store_is_replaced_only_when_told_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    old = SQLiteStore.open(path)
    await old.create("/old", b"old")
    with pytest.raises(StoreLocked):
        restore_database(path, ITEMS, LAST, replace=True)
    await old.close()
    with pytest.raises(StoreExists):
        restore_database(path, ITEMS, LAST)
    first = restore_database(path, ITEMS, LAST, replace=True)
    second = restore_database(path, [], LAST, replace=True)
    assert first is not None
    assert second is not None
    for where, keys in (
        (first, ["/old"]),
        (second, ["/a", "/b", "/c", "/last"]),
        (path, ["/last"]),
    ):
        assert await contents(where) == keys


async def test_what_a_crash_left_in_the_log_is_kept_too(tmp_path: Path) -> None:
    """The old store's newest writes may lie beside its file."""
    path = tmp_path / "store.db"
    copy = tmp_path / "copy" / "store.db"
    copy.parent.mkdir()
    store = SQLiteStore.open(path)
    await store.create("/old", b"old")
    copy_database(path, copy)  # As a kill leaves it: a close would take the log in.
    await store.close()
    aside = restore_database(copy, ITEMS, LAST, replace=True)
    assert aside is not None
    for where, key in ((aside, "/old"), (copy, "/a")):
        assert (await contents(where))[0] == key


def test_what_goes_wrong_on_the_way_changes_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[KeyValue]:
        yield ITEMS[0]
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        restore_database(tmp_path / "store.db", broken(), LAST)
    assert names_in(tmp_path) == ["store.db.lock"]
    with pytest.raises(StoreUnavailable):
        restore_database(tmp_path / "store.db", [ITEMS[0], ITEMS[0]], LAST)
    assert names_in(tmp_path) == ["store.db.lock"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from strongroom.storage.port import KeyValue
from strongroom.storage.sqlite_restore import restore_database

def items():
    for number in range(2000):
        yield KeyValue(f"/{number:05}", b"x" * 5000, number + 1, number + 1)
    os.kill(os.getpid(), signal.SIGKILL)

restore_database(Path(sys.argv[1]), items(), KeyValue("/last", b"", 9999, 9999), replace=True)
"""


def test_a_kill_halfway_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    restore_database(path, [], KeyValue("/old", b"", 5, 5))
    done = subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / ".store.db.restoring-wal").exists()
    assert asyncio.run(contents(path)) == ["/old"]
    # The next one begins from the beginning, and leaves nothing of the first.
    restore_database(path, ITEMS, LAST, replace=True)
    assert not list(tmp_path.glob(".store.db*"))
    assert asyncio.run(contents(path)) == ["/a", "/b", "/c", "/last"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
