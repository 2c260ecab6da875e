"""A real API server, killed tens of times under concurrent writers and a watcher.

Every acknowledged write is there, revisions never go back, nothing is half there, and the watcher,
which resumes by revision after each kill, has seen exactly what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from strongroom.api.errors import StatusError
from strongroom.api.meta import ObjectMeta
from strongroom.client.client import Client, WatchEvent
from strongroom.client.config import load_config
from strongroom.client.errors import ClientFailure
from strongroom.resources.secret import SECRETS, Secret
from strongroom.resources.secretrevision import SECRET_REVISIONS, revision_name
from strongroom.testing.process import Strongroom
from tests.soak import times

KILLS = times(20)
WRITERS = 4
LONGEST = 0.4
"""Longest life of a server after it was ready, in seconds."""

HOME = "default"

Told = tuple[str, str, int]
"""An event as far as it matters: type, name, revision."""


@dataclass
class Room:
    """A server that is killed and started again on the same port and directory."""

    directory: Path
    server: Strongroom
    over: bool = False
    acknowledged: list[Told] = field(default_factory=list)
    seen: list[Told] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        async with Client(load_config(self.server.kubeconfig), timeout=10) as client:
            yield client

    async def kill_and_start(self) -> None:
        """Let it live for a moment, kill it, start it again."""
        await asyncio.sleep(random.uniform(0, LONGEST))
        await asyncio.to_thread(self.server.kill)
        self.server = await asyncio.to_thread(
            Strongroom.start, self.directory, "apiserver", port=self.server.port
        )


def secret(name: str, text: str) -> Secret:
    """A Secret with two values that only whole writes keep equal."""
    value = text.encode() * 50
    return Secret(metadata=ObjectMeta(name=name), data={"one": value, "two": value})


async def write(room: Room, writer: int) -> None:
    """Create, change and delete Secrets one after another, and note what was acknowledged."""
    async with room.client() as client:
        turn = 0
        while not room.over:
            turn += 1
            name = f"w{writer}-{turn}"
            try:
                made = await client.create(SECRETS, secret(name, "first"), HOME)
                note(room, "ADDED", name, made)
                made.data = secret(name, "second").data
                note(room, "MODIFIED", name, await client.update(SECRETS, made))
                if turn % 3 == 0:
                    await client.delete(SECRETS, name, HOME)
                    room.acknowledged.append(("DELETED", name, 0))
            except (ClientFailure, StatusError):
                # The server is dead: this write may or may not have happened.
                await asyncio.sleep(0.05)


def note(room: Room, kind: str, name: str, obj: Secret) -> None:
    room.acknowledged.append((kind, name, int(obj.metadata.resourceVersion)))


async def watch(room: Room, start: str) -> None:
    """Watch without end, each time from the revision of the last event."""
    revision = start
    async with room.client() as client:
        while True:
            try:
                events = client.watch(SECRETS, HOME, resource_version=revision)
                async with aclosing(events):
                    async for event in events:
                        revision = event.revision
                        if event.type != "BOOKMARK":
                            room.seen.append(told(event))
            except ClientFailure:
                await asyncio.sleep(0.05)


def told(event: WatchEvent[Secret]) -> Told:
    """The gist of an event, whose object must be whole."""
    assert event.obj is not None
    data = event.obj.data
    assert data["one"] == data["two"]
    return event.type, event.obj.metadata.name, int(event.revision)


async def everything_since(room: Room, start: str) -> list[Told]:
    """All events from a revision to now, as one watch of an undisturbed server gives them."""
    found = []
    async with room.client() as client:
        now = int((await client.list(SECRETS, HOME)).revision)
        marker = await client.create(SECRETS, secret("marker", "x"), HOME)
        last = int(marker.metadata.resourceVersion)
        events = client.watch(SECRETS, HOME, resource_version=start)
        async with aclosing(events):
            async for event in events:
                if int(event.revision) >= last:
                    break
                if event.type != "BOOKMARK":
                    found.append(told(event))
        assert found[-1][2] <= now
    return found


@pytest.mark.timeout(times(240))
async def test_killed_at_any_moment(tmp_path: Path) -> None:
    server = await asyncio.to_thread(Strongroom.start, tmp_path, "apiserver")
    room = Room(tmp_path, server)
    try:
        async with room.client() as client:
            start = (await client.list(SECRETS, HOME)).revision
        writers = [asyncio.create_task(write(room, n)) for n in range(WRITERS)]
        watcher = asyncio.create_task(watch(room, start))
        for _ in range(KILLS):
            await room.kill_and_start()
        room.over = True
        await asyncio.gather(*writers)
        events = await everything_since(room, start)
        await caught_up(room, watcher, events[-1])
        await check(room, events)
    finally:
        room.server.stop()


async def caught_up(room: Room, watcher: asyncio.Task[None], last: Told) -> None:
    """Wait until the watcher has seen the last event, then end it."""
    while last not in room.seen:
        assert not watcher.done(), watcher.exception()
        await asyncio.sleep(0.05)
    watcher.cancel()
    await asyncio.gather(watcher, return_exceptions=True)


async def check(room: Room, events: list[Told]) -> None:
    """Hold what was acknowledged and what was watched against what happened."""
    assert len(room.acknowledged) > KILLS
    revisions = [revision for _, _, revision in events]
    assert revisions == sorted(set(revisions))
    happened = set(events) | {(kind, name, 0) for kind, name, _ in events if kind == "DELETED"}
    assert set(room.acknowledged) <= happened, "an acknowledged write is lost"
    assert [event for event in room.seen if event[1] != "marker"] == events, "the watch has a gap"
    left: set[str] = set()
    for kind, name, _ in events:
        (left.discard if kind == "DELETED" else left.add)(name)
    async with room.client() as client:
        stored = {item.metadata.name for item in (await client.list(SECRETS, HOME)).items}
        kept = {item.metadata.name for item in (await client.list(SECRET_REVISIONS, HOME)).items}
    assert stored == left | {"marker"}
    assert kept == ended(events), "a state ended and was not kept, or was kept and did not end"


def ended(events: list[Told]) -> set[str]:
    """Names of the states that ended: with the next event of the same Secret."""
    last: dict[str, int] = {}
    found = set()
    for kind, name, revision in events:
        if kind != "ADDED":
            found.add(revision_name(name, last[name]))
        last[name] = revision
    return found
