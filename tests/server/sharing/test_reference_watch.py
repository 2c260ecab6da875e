"""A node's watch of a reference, with the order of what it hears from all sides in our hands."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.access.authz.node_graph import NodeGraph
from strongroom.api.clock import SystemClock
from strongroom.api.meta import DeleteOptions, ObjectMeta
from strongroom.registry.context import RequestContext
from strongroom.registry.events import WatchEvent
from strongroom.registry.registry import Registry
from strongroom.resources.pod import PODS
from strongroom.resources.secret import SECRETS, Secret
from strongroom.resources.secret_reference import FROM, REFERENCE
from strongroom.resources.secretgrant import SECRET_GRANTS
from strongroom.server.kinds import Kinds
from strongroom.server.reference_watch import Batch, ReferenceWatch
from strongroom.server.sharing import Resolved, Sharing
from strongroom.storage.memory import MemoryStore
from tests.access.test_grants import grant, pod

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CTX = RequestContext(user=None, attributes=None, now=NOW)


class Room:
    """Registries over a store, a pod that uses a reference, and what was told of reads."""

    def __init__(self, store: MemoryStore, kinds: Kinds) -> None:
        self.store = store
        self.secrets = kinds.registry("", "secrets")
        self.grants = kinds.registry(SECRET_GRANTS.group, SECRET_GRANTS.plural)
        graph = NodeGraph()
        self.sharing = Sharing(store, graph, SystemClock())
        self.sharing.attach(kinds)
        graph.put("shop", "p", pod())
        self.read: list[Resolved] = []

    async def share(self) -> None:
        secret = Secret(metadata=ObjectMeta(name="db"), data={"a": b"1"})
        await self.secrets.create(CTX, "vault", secret)
        about = ObjectMeta(name="mine", annotations={FROM: "vault/db"})
        await self.secrets.create(CTX, "shop", Secret(metadata=about, type=REFERENCE))
        made = grant()
        made.metadata.name = "g"
        await self.grants.create(CTX, "vault", made)

    async def revoke(self) -> None:
        await self.grants.delete(CTX, "vault", "g", DeleteOptions())

    def watch(self, batches: AsyncGenerator[Batch, None], after: int | None) -> ReferenceWatchRun:
        watch = ReferenceWatch(
            self.secrets,
            self.sharing,
            "n1",
            ("shop", "mine"),
            lambda view: True,
            after,
            self.read.append,
        )
        return watch.run(batches)


ReferenceWatchRun = AsyncGenerator[Batch, None]


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    store = MemoryStore()
    kinds: list[Registry[Any]] = [
        Registry(resource, store, (), SystemClock()) for resource in (SECRETS, SECRET_GRANTS, PODS)
    ]
    for registry in kinds:
        await registry.start()
    made = Room(store, Kinds(kinds))
    await made.share()
    yield made
    for registry in kinds:
        await registry.close()


def bookmark(room: Room) -> WatchEvent[Any]:
    return WatchEvent("BOOKMARK", None, room.store.current_revision, NOW)


async def test_what_ended_before_a_bookmark_is_told_before_it(room: Room) -> None:
    """Who goes on from a bookmark is told of nothing before it: least of all of a revocation."""

    async def batches() -> AsyncGenerator[Batch, None]:
        await room.revoke()
        yield [bookmark(room)]

    told: list[str] = []
    async with aclosing(room.watch(batches(), None)) as watch:
        async for batch in watch:
            told += [event.type for event in batch]
    assert told == ["ADDED", "DELETED", "BOOKMARK"]
    assert [resolved.grants for resolved in room.read] == [("g",)]


async def test_a_watch_that_goes_on_where_nothing_changed_says_nothing(room: Room) -> None:
    async def batches() -> AsyncGenerator[Batch, None]:
        yield [bookmark(room)]

    await room.sharing.fresh()
    async with aclosing(room.watch(batches(), room.store.current_revision)) as watch:
        (batch,) = [batch async for batch in watch]
    assert [event.type for event in batch] == ["BOOKMARK"]


async def test_a_watch_that_goes_on_after_a_change_is_told_what_there_is(room: Room) -> None:
    async def batches() -> AsyncGenerator[Batch, None]:
        yield [bookmark(room)]

    before = room.store.current_revision - 1
    async with aclosing(room.watch(batches(), before)) as watch:
        kinds = [event.type async for batch in watch for event in batch]
    assert kinds == ["MODIFIED", "BOOKMARK"]
    await room.revoke()
    async with aclosing(room.watch(batches(), before)) as watch:
        kinds = [event.type async for batch in watch for event in batch]
    assert kinds == ["DELETED", "BOOKMARK"]
