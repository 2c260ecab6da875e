"""A disk that is full under the SQLite store: a small file system of its own.

Nothing acknowledged is lost, reads go on, whoever writes is told what to do, and writes go on as
soon as there is room, without a restart.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.files import write_private
from strongroom.storage.errors import NoSpace
from strongroom.storage.sqlite import SQLiteStore
from strongroom.testing.process import StartFailed, Strongroom
from tests.e2e.kubectl import Kubectl
from tests.faults.load import Load, account
from tests.parts import require_part
from tests.soak import times

pytestmark = [pytest.mark.needs("mkfs.ext4"), pytest.mark.timeout(times(300))]

ROUNDS = times(2)
SIZE = 16 << 20
PREFIX = "strongroom-disk-"


@pytest.fixture
def small() -> Iterator[Path]:
    """A directory on a file system of 16 MiB."""
    if os.geteuid() != 0:
        pytest.skip("file systems can be mounted by root only")
    clear_what_was_left()
    # Not below pytest's own directories, which it could not clear of what is still mounted.
    place = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    image, directory = place / "image", place / "disk"
    image.touch()
    os.truncate(image, SIZE)
    directory.mkdir()
    # No blocks are kept back for root, whom the disk would be full for later than for others.
    subprocess.run([require_part("mkfs.ext4"), "-q", "-m", "0", image], check=True)
    mounted = subprocess.run(["mount", "-o", "loop", image, directory], capture_output=True)
    try:
        if mounted.returncode:
            pytest.skip(f"this machine mounts no file systems: {mounted.stderr.decode().strip()}")
        yield directory
    finally:
        remove(place)


def clear_what_was_left() -> None:
    """Remove the disks of tests that were killed."""
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = place.name.removeprefix(PREFIX).partition("-")[0]
        if not Path("/proc", owner).exists():
            remove(place)


def remove(place: Path) -> None:
    """Also a disk that somebody still uses; its loop device goes with the last of them."""
    subprocess.run(["umount", "--lazy", place / "disk"], capture_output=True)
    shutil.rmtree(place, ignore_errors=True)


def fill(disk: Path) -> Path:
    """Take all the room that there is, to the last block; the file that has it."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        for block in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while file.write(bytes(block)):
                    pass
        os.fsync(file.fileno())
    return filler


async def test_a_full_disk_costs_nothing_that_was_told(small: Path) -> None:
    store = SQLiteStore.open(small / "store.db")
    load = Load([store], writers=4, size=6000)
    for _ in range(ROUNDS):
        await load.progress()
        filler = fill(small)
        await load.fail()
        with pytest.raises(NoSpace, match="its disk is full"):
            await store.create("/registry/secrets/large", bytes(SIZE))
        assert (await store.list(load.prefix)).revision == store.current_revision
        filler.unlink()
        await load.progress()
    await load.stop()
    changes = await load.judge(store)
    await store.close()
    check_nothing_begins_without_room(small)
    again = SQLiteStore.open(small / "store.db")
    assert await account(again, load.prefix, 1, await again.revision()) == changes
    await again.close()


def check_nothing_begins_without_room(small: Path) -> None:
    """What is there stays as it is, and what is new is not there in part."""
    filler = fill(small)
    for name in ("store.db", "new.db"):
        with pytest.raises(NoSpace, match=f"cannot open .*/{name}: its disk is full"):
            SQLiteStore.open(small / name)
    with pytest.raises(OSError, match="No space left") as refused:
        write_private(small / "key", bytes(SIZE))
    assert refused.value.filename == str(small / "key")
    assert not list(small.glob("*key*"))
    filler.unlink()


def test_a_server_on_a_full_disk_says_what_to_do(small: Path, tmp_path: Path) -> None:
    with Strongroom.start(small, "apiserver") as server:
        kubectl = Kubectl(server.kubeconfig, "default", tmp_path)
        kubectl("create", "secret", "generic", "before", "--from-literal=a=b")
        filler = fill(small)
        value = tmp_path / "value"
        value.write_bytes(os.urandom(700_000))
        refused = kubectl.fails("create", "secret", "generic", "big", f"--from-file=a={value}")
        assert "its disk is full" in refused
        assert kubectl("get", "secret", "before", "-o", "name") == "secret/before\n"
        filler.unlink()
        kubectl("create", "secret", "generic", "big", f"--from-file=a={value}")
    # What it says goes to another disk.
    server.log.unlink()
    (tmp_path / "log").touch()
    server.log.symlink_to(tmp_path / "log")
    fill(small)
    with pytest.raises(StartFailed, match=r"make room.*and start again"):
        Strongroom.start(small, "apiserver")
