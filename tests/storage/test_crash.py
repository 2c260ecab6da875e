"""Killed at random moments, the store keeps every acknowledged write and no half of any.

Children write concurrently through SQLite and encryption and tell of what they do on a pipe; the
parent kills them without warning, looks at what is on disk, and has the checker of histories
(`tests/faults`) judge all that any of them was told.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from strongroom.storage.port import Event, EventType
from tests.faults.checker import check, check_watch
from tests.faults.history import Change, Outcome, Watched
from tests.faults.told import heard
from tests.soak import times
from tests.storage.crash_child import (
    MARK,
    PREFIX,
    beside_of,
    change_of,
    is_whole,
    open_store,
    text_of,
)

KILLS = times(200)
# Longest life of a child after the moment chosen for it, in seconds.
LONGEST = 0.012


class Children:
    """The server of children, and the pipe on which they tell."""

    def __init__(self, directory: Path) -> None:
        self._pipe, theirs = os.pipe()
        os.set_blocking(self._pipe, False)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.storage.crash_child", str(directory), str(theirs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(theirs,),
            text=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.communicate()
        os.close(self._pipe)

    def run_and_kill(self, compact_to: int) -> list[bytes]:
        """Start a child, kill it at a random moment, and return what it told before."""
        stdin, stdout = self._server.stdin, self._server.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{compact_to}\n")
        stdin.flush()
        process = int(stdout.readline())
        told = b""
        if random.random() < 0.8:
            # Until a write is acknowledged: that one was begun is told before.
            while b'"done"' not in told and select.select([self._pipe], [], [], 20)[0]:
                told += self._read()
        time.sleep(random.uniform(0, LONGEST))
        os.kill(process, signal.SIGKILL)
        assert stdout.readline() == "dead\n"
        return (told + self._read()).splitlines()

    def _read(self) -> bytes:
        told = b""
        while True:
            try:
                part = os.read(self._pipe, 1 << 16)
            except BlockingIOError:
                return told
            if not part:
                return told
            told += part


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    with Children(tmp_path) as served:
        yield served


async def events_after(directory: Path, revision: int) -> list[Event]:
    """Every event after a revision, as a watcher that resumes there gets them."""
    store = open_store(directory)
    try:
        current = await store.revision()
        assert current >= revision, "the revision went back"
        watch = store.watch(PREFIX, after=revision)
        events: list[Event] = []
        while watch.progress < current:
            events += await anext(watch)
        return events
    finally:
        await store.close()


def check_whole(events: list[Event], revision: int) -> None:
    """What is on disk after a kill: every revision, and each value all of it."""
    assert [event.revision for event in events] == list(
        range(revision + 1, revision + 1 + len(events))
    ), "a resumed watch has a gap or repeats"
    for event in events:
        assert event.error is None
        assert is_whole(event.key, event.value), "half a write"


def check_companions(events: list[Event]) -> None:
    """Whatever is written together is there together: each write's keys follow one another."""
    together: Event | None = None
    for event in events:
        if event.key.startswith(PREFIX + "beside/"):
            assert together is None, "a write beside another without that other"
            together = event
            continue
        updated = event.type is EventType.PUT and not event.created
        assert together is not None or not updated, "a write without what is beside it"
        if together is not None:
            assert together.key == beside_of(event.key)
            assert together.type is event.type
            assert event.type is EventType.DELETE or (
                text_of(together.value) == text_of(event.value)
            )
        together = None
    assert together is None, "a write beside another without that other"


def seen_by(lines: list[bytes], after: int) -> Watched:
    """What a child's watcher told of."""
    told = [json.loads(line) for line in lines]
    return Watched(PREFIX, after, [Change(*line[:3]) for line in told if line[-1] == "seen"])


@pytest.mark.timeout(times(240))
def test_killed_at_any_moment(children: Children, tmp_path: Path) -> None:
    revision = 1
    state: dict[str, bytes] = {}
    changes: list[Change] = []
    told: list[bytes] = []
    for kill in range(KILLS):
        lines = children.run_and_kill(compact_to=revision)
        if kill % 20 == 0:
            values_are_nowhere_in(tmp_path)
        events = asyncio.run(events_after(tmp_path, revision))
        check_whole(events, revision)
        check_companions(events)
        check_watch(seen_by(lines, revision), list(map(change_of, events)))
        changes += map(change_of, events)
        told += (line for line in lines if not line.endswith(b'"seen"]'))
        for event in events:
            if event.type is EventType.PUT:
                state[event.key] = event.value
            else:
                del state[event.key]
        revision += len(events)
    assert asyncio.run(listed(tmp_path)) == state
    history = heard((None, line) for line in told)
    beside = PREFIX + "beside/"
    check(history, [change for change in changes if not change.key.startswith(beside)])
    assert history.count(Outcome.DONE) > KILLS
    values_are_nowhere_in(tmp_path)


async def listed(directory: Path) -> dict[str, bytes]:
    store = open_store(directory)
    try:
        return {kv.key: kv.value for kv in (await store.list(PREFIX)).items}
    finally:
        await store.close()


def values_are_nowhere_in(directory: Path) -> None:
    for path in directory.rglob("*"):
        assert path.is_dir() or MARK not in path.read_bytes(), f"a value stands in {path.name}"


def files_of(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


async def test_values_stand_in_no_file_while_open(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    first = await store.create(PREFIX + "a/b", MARK * 1000)
    await store.update(PREFIX + "a/b", MARK * 2000, expected=first)
    assert files_of(tmp_path) >= {"store.db", "store.db-wal"}
    values_are_nowhere_in(tmp_path)
    await store.close()
    values_are_nowhere_in(tmp_path)
