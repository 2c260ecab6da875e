"""Killed at random moments, the store keeps every acknowledged write and no half of any.

Children write concurrently through SQLite and encryption and tell of each acknowledgement on a
pipe; the parent kills them without warning and looks at what is on disk.
"""

from __future__ import annotations

import asyncio
import hashlib
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
from tests.soak import times
from tests.storage.crash_child import (
    MARK,
    PREFIX,
    beside_of,
    is_whole,
    open_store,
    text_of,
)

KILLS = times(300)
# Longest life of a child after the moment chosen for it, in seconds.
LONGEST = 0.012

Told = tuple[str, str, str, int, str]


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

    def run_and_kill(self, compact_to: int) -> list[Told]:
        """Start a child, kill it at a random moment, and return what it told before."""
        stdin, stdout = self._server.stdin, self._server.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{compact_to}\n")
        stdin.flush()
        process = int(stdout.readline())
        if random.random() < 0.8:
            select.select([self._pipe], [], [], 20)
        time.sleep(random.uniform(0, LONGEST))
        os.kill(process, signal.SIGKILL)
        assert stdout.readline() == "dead\n"
        return [tuple(json.loads(line)) for line in self._read().splitlines()]

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


def described(event: Event) -> tuple[str, str, int, str]:
    value = event.value if event.type is EventType.PUT else b""
    digest = hashlib.sha256(value).hexdigest()
    return (event.type.value, event.key, event.revision, digest)


def check(events: list[Event], told: list[Told], revision: int) -> None:
    """What is on disk after a kill against what the child told before."""
    assert [event.revision for event in events] == list(
        range(revision + 1, revision + 1 + len(events))
    ), "a resumed watch has a gap or repeats"
    by_revision = {event.revision: described(event) for event in events}
    for _, kind, key, at, digest in told:
        assert by_revision.get(at) == (kind, key, at, digest), "an acknowledged write is lost"
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


def watcher_missed_nothing(events: list[Event], told: list[Told]) -> bool:
    """Whether what the child's watcher saw and what follows it on disk is everything."""
    seen = [at for what, _, _, at, _ in told if what == "saw"]
    first = events[0].revision if events else 0
    return seen == list(range(first, first + len(seen)))


@pytest.mark.timeout(240)
def test_killed_at_any_moment(children: Children, tmp_path: Path) -> None:
    revision, acknowledged = 1, 0
    state: dict[str, bytes] = {}
    for kill in range(KILLS):
        told = children.run_and_kill(compact_to=revision)
        if kill % 20 == 0:
            values_are_nowhere_in(tmp_path)
        events = asyncio.run(events_after(tmp_path, revision))
        check(events, told, revision)
        check_companions(events)
        assert watcher_missed_nothing(events, told)
        acknowledged += sum(what == "ack" for what, *_ in told)
        for event in events:
            if event.type is EventType.PUT:
                state[event.key] = event.value
            else:
                del state[event.key]
        revision += len(events)
    assert asyncio.run(listed(tmp_path)) == state
    assert acknowledged > KILLS
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
