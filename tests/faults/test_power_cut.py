"""The power goes under the SQLite store: what was acknowledged is there, and the file opens.

A process writes while strace records what it does to its files. From the record a disk is rebuilt
as it can be at any moment of a power cut: what was synced is there, of everything else any part.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from strongroom.storage.errors import StoreUnavailable
from strongroom.storage.sqlite import SQLiteStore
from tests.faults.checker import Violation, check, check_state
from tests.faults.disk import Disk, Fate
from tests.faults.history import Change, Outcome
from tests.faults.load import account
from tests.faults.told import heard
from tests.faults.traced import Call, calls, replay, run
from tests.faults.writing import DATABASE, TOLD
from tests.soak import times

pytestmark = [pytest.mark.needs("strace"), pytest.mark.timeout(times(300))]

CUTS = times(20)
AFTER_FAILURE = 20
PREFIX = "/registry/secrets/"


def recorded(directory: Path, *rounds: int, inject: str = "") -> list[Call]:
    """What processes did, one after another; the first of them with a fault."""
    done: list[Call] = []
    for number, turns in enumerate(rounds):
        trace = directory.parent / f"trace-{number}"
        faults = (inject,) if inject and not number else ()
        arguments = ["tests.faults.writing", str(directory), f"p{number}", str(turns)]
        assert run(arguments, trace, *faults) == -signal.SIGKILL
        after = done[-1].ended + 1 if done else 0
        done += (moved(call, after) for call in calls(trace, directory))
    return done


def moved(call: Call, after: int) -> Call:
    """A call of a later process."""
    return replace(call, begun=call.begun + after, ended=call.ended + after)


def failed_sync(call: Call) -> bool:
    return not call.ok and "sync" in call.name


async def state_of(directory: Path) -> tuple[list[Change], dict[str, tuple[int, str]]]:
    """What a store tells when it is opened."""
    store = SQLiteStore.open(directory / DATABASE)
    try:
        changes = await account(store, PREFIX, 1, await store.revision())
        items = (await store.list(PREFIX)).items
        return changes, {kv.key: (kv.mod_revision, kv.value.decode()) for kv in items}
    finally:
        await store.close()


def lay_out(scratch: Path, files: dict[str, bytes]) -> None:
    """Make a directory of these files."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for name, content in files.items():
        # SQLite makes its shared memory anew, as it has to when the machine was off.
        if not name.endswith("-shm"):
            (scratch / name).write_bytes(content)


async def judge(scratch: Path, files: dict[str, bytes], told: list[Call]) -> int:
    """Open what the power cut left, and hold it against what was told before; writes acknowledged.

    Raises: `Violation`.
    """
    await asyncio.to_thread(lay_out, scratch, files)
    changes, state = await state_of(scratch)
    history = heard((call.ended, call.data) for call in told)
    check(history, changes)
    check_state(state, changes, PREFIX)
    return history.count(Outcome.DONE)


async def cut_everywhere(done: list[Call], directory: Path, scratch: Path, seed: int) -> None:
    """Cut the power at so many moments: after acknowledgements, anywhere, and after failures."""
    random = Random(seed)
    moments = [number for number, call in enumerate(done) if call.path.name == TOLD]
    chosen = set(random.sample(moments, min(CUTS // 2, len(moments))))
    chosen |= set(random.sample(range(len(done)), min(CUTS // 2, len(done))))
    failed = [number for number, call in enumerate(done) if failed_sync(call)]
    if failed:
        chosen |= set(range(failed[-1], min(failed[-1] + AFTER_FAILURE, len(done))))
    disk, told, most = Disk(), list[Call](), 0
    for number, call in enumerate(done):
        if call.path.name == TOLD:
            if call.name == "write":
                told.append(call)
        else:
            replay(disk, call, directory)
        if number in chosen or number == len(done) - 1:
            for fate in (Fate.LOST, random.choice([Fate.KEPT, Fate.SOME, Fate.TORN])):
                try:
                    files = disk.after_cut(random, fate)
                    most = max(most, await judge(scratch, files, told))
                except Violation as violation:
                    raise AssertionError(f"cut after call {number}, {fate}") from violation
    assert most > 20


@pytest.mark.parametrize(
    ("rounds", "inject"),
    [
        pytest.param((3, 1), "", id="good disk"),
        pytest.param((2, 1), "fdatasync:error=EIO:when=12", id="a sync fails, the process goes on"),
        pytest.param((0, 2), "fdatasync:error=EIO:when=12+", id="a sync fails, the process dies"),
    ],
)
async def test_nothing_acknowledged_is_lost(
    tmp_path: Path, rounds: tuple[int, ...], inject: str
) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    done = recorded(directory, *rounds, inject=inject)
    assert any(failed_sync(call) for call in done) == bool(inject)
    await cut_everywhere(done, directory, tmp_path / "cut", 1)


async def test_the_log_is_on_disk_before_anything_builds_on_it(tmp_path: Path) -> None:
    """After a failed sync pages are read from the cache that are not on disk, and taken for clean.

    A log that is copied into the database before it is written again would leave a database of old
    and new pages after a power cut, and no log to mend it.
    """
    directory = tmp_path / "data"
    directory.mkdir()
    done = recorded(directory, 0, 1, inject="fdatasync:error=EIO:when=12+")
    disk, failed = Disk(), max(number for number, call in enumerate(done) if failed_sync(call))
    for call in done[: failed + 1]:
        replay(disk, call, directory)
    log = disk.files[f"{DATABASE}-wal"]
    assert log.disk != log.cache
    for call in done[failed + 1 :]:
        if (call.name, call.path.name) in (("pwrite64", DATABASE), ("unlink", f"{DATABASE}-wal")):
            break
        replay(disk, call, directory)
    assert disk.files[f"{DATABASE}-wal"] is log
    assert log.disk == log.cache


async def test_a_disk_that_lies_is_found_out(tmp_path: Path) -> None:
    """Where syncs do nothing, the checker says so: it would see it if we asked for too few."""
    directory = tmp_path / "data"
    directory.mkdir()
    done = [call for call in recorded(directory, 1) if "sync" not in call.name]
    with pytest.raises((AssertionError, StoreUnavailable)):
        await cut_everywhere(done, directory, tmp_path / "cut", 1)
