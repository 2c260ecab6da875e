"""What was deleted is gone from the files, as ciphertext too, also where a wipe was killed."""

from __future__ import annotations

import asyncio
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.errors import Compacted
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.sqlite import SQLiteStore
from tests.etcd import Etcd
from tests.storage.drivers import local_kms
from tests.storage.sharing import SharedStore

_WINDOW = 32
_SIZES = (60, 300, 900, 2500, 5000)

CHILD = """
import asyncio, sys
from strongroom.storage.sqlite import SQLiteStore

async def main():
    store = SQLiteStore.open(sys.argv[1])
    print("open", flush=True)
    while True:
        await store.wipe()

asyncio.run(main())
"""


def windows(values: Iterable[bytes]) -> set[bytes]:
    """All pieces of these values of the length that is looked for."""
    return {value[at : at + _WINDOW] for value in values for at in range(len(value) - _WINDOW + 1)}


def traces(directory: Path, wanted: set[bytes]) -> int:
    """How many of these pieces stand in the directory's files, at any place."""
    found = set()
    for path in directory.iterdir():
        content = path.read_bytes()
        for at in range(len(content) - _WINDOW + 1):
            piece = content[at : at + _WINDOW]
            if piece in wanted:
                found.add(piece)
    return len(found)


async def churn(store: EncryptedStore, rounds: int) -> tuple[set[bytes], list[bytes]]:
    """Make, change and delete Secrets; pieces of what is gone, and what is stored."""
    some = random.Random(6)
    gone: list[bytes] = []
    keys = [f"/registry/secrets/a/s{number:03}" for number in range(rounds)]
    await asyncio.gather(*(store.create(key, some.randbytes(some.choice(_SIZES))) for key in keys))
    for number, key in enumerate(keys):
        stored = await store.stored.get(key)
        assert stored is not None
        if number % 3:
            gone.append(stored.value)
        if number % 3 == 1:
            await store.update(key, some.randbytes(700), expected=stored.mod_revision)
        elif number % 3 == 2:
            await store.delete(key, expected=stored.mod_revision)
    kept = [item.value for item in (await store.stored.list("")).items]
    # All begin alike: with the name of the provider and the wrapped key.
    return windows(gone) - windows(kept), kept


def killed_while_wiping(path: Path, after: float) -> None:
    """Kill a process so many seconds after it has begun to do nothing but wipe."""
    command = [sys.executable, "-c", CHILD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        time.sleep(after)
        child.kill()


async def test_what_was_compacted_is_in_no_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = EncryptedStore(SQLiteStore.open(path), local_kms())
    gone, kept = await churn(store, 60)
    assert traces(tmp_path, gone), "without wiping there are traces"
    writing = asyncio.create_task(store.create("/registry/secrets/a/meanwhile", b"x"))
    (wiped,) = await store.wipe()
    await writing
    assert wiped.where == str(path)
    assert wiped.after < wiped.before
    late = await store.stored.get("/registry/secrets/a/meanwhile")
    assert late is not None
    assert traces(tmp_path, gone - windows([late.value])) == 0
    # What is there is found by the same search, but for pieces that two pages share.
    assert traces(tmp_path, windows(kept[:5])) > 0.9 * len(windows(kept[:5]))
    read = await store.list("/registry/secrets/")
    assert len(read.items) == len(kept) + 1
    await store.close()


async def test_a_wipe_that_is_killed_loses_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = EncryptedStore(SQLiteStore.open(path), local_kms())
    gone, kept = await churn(store, 60)
    await store.close()
    for turn in range(3):
        await asyncio.to_thread(killed_while_wiping, path, 0.01 * turn)
    opened = SQLiteStore.open(path)
    await opened.wipe()
    assert [item.value for item in (await opened.list("")).items] == kept
    assert traces(tmp_path, gone) == 0
    await opened.close()


async def test_a_reader_is_served_while_the_file_is_written_anew(tmp_path: Path) -> None:
    store = EncryptedStore(SQLiteStore.open(tmp_path / "store.db"), local_kms())
    _, kept = await churn(store, 60)
    revision = await store.revision()
    reading = asyncio.gather(*(store.list("", revision=revision) for _ in range(20)))
    await store.wipe()
    assert {len(page.items) for page in await reading} == {len(kept)}
    await store.close()


async def test_a_worker_has_it_done_by_the_process_that_has_the_store(tmp_path: Path) -> None:
    shared = await SharedStore.over(SQLiteStore.open(tmp_path / "store.db"))
    revision = await shared.create("/registry/secrets/a/b", b"only here " * 20)
    revision = await shared.delete("/registry/secrets/a/b", expected=revision)
    (wiped,) = await shared.wipe()
    assert wiped.where == str(tmp_path / "store.db")
    assert traces(tmp_path, windows([b"only here " * 20])) == 0
    with pytest.raises(Compacted):
        await shared.get("/registry/secrets/a/b", revision=revision - 1)
    await shared.close()


@pytest.mark.needs("etcd")
async def test_a_member_of_etcd_writes_its_file_anew(tmp_path: Path) -> None:
    etcd = Etcd(tmp_path / "etcd", "--unsafe-no-fsync")
    etcd.start()
    try:
        store = await EtcdStore.open([etcd.url], within=30)
        marked = secrets.token_bytes(2000)
        revision = await store.create("/registry/secrets/a/b", marked)
        await store.delete("/registry/secrets/a/b", expected=revision)
        (file,) = (tmp_path / "etcd").rglob("db")
        (wiped,) = await store.wipe()
        assert wiped.where == etcd.url
        assert traces(file.parent, windows([marked])) == 0
        with pytest.raises(Compacted):
            await store.get("/registry/secrets/a/b", revision=revision)
        await store.close()
    finally:
        etcd.kill()
