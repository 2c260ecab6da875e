"""A room with Secrets, their revisions and namespaces, and a clock that tests move."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.access.user import Attributes, User
from strongroom.api.meta import DeleteOptions, ObjectMeta
from strongroom.registry.context import RequestContext
from strongroom.registry.options import ListOptions
from strongroom.registry.registry import Registry
from strongroom.resources.namespace import NAMESPACES, Namespace
from strongroom.resources.secret import SECRETS, Secret
from strongroom.resources.secretrevision import SECRET_REVISIONS, SecretRevision
from strongroom.server.history import SecretHistory
from strongroom.server.history_pruning import HistoryPruner
from strongroom.server.kinds import Kinds
from strongroom.storage.memory import MemoryStore


@dataclass
class Clock:
    """A clock that tests move."""

    moment: datetime = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


@dataclass
class Room:
    """Registries of Secrets, their revisions and namespaces, with somebody who uses them."""

    store: MemoryStore
    limit: int = 3
    clock: Clock = field(default_factory=Clock)
    kinds: Kinds = field(init=False)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.history = SecretHistory(self.limit)
        self.kinds = Kinds(
            Registry(r, self.store, (), self.clock, companions=self.history.of(r))
            for r in (SECRETS, SECRET_REVISIONS, NAMESPACES)
        )
        self.secrets = self.kinds.registry("", "secrets")
        self.namespaces = self.kinds.registry("", "namespaces")
        self.revisions = self.kinds.registry("strongroom.io", "secretrevisions")

    def ctx(self, verb: str = "update", **changes: Any) -> RequestContext:
        user = User("alice")
        attributes = Attributes(user, verb, "", resource="secrets", namespace="shop")
        return RequestContext(
            user, attributes, self.clock.now(), warn=self.warnings.append, **changes
        )

    async def settle(self) -> None:
        for registry in self.kinds.fixed():
            await registry.catch_up()

    async def namespace(self) -> None:
        obj = Namespace(metadata=ObjectMeta(name="shop"))
        await self.namespaces.create(self.ctx("create"), "", obj)
        await self.settle()

    async def create(self, value: str = "one", *, name: str = "db", **changes: Any) -> None:
        annotations = changes.pop("annotations", {})
        meta = ObjectMeta(name=name, annotations=annotations)
        obj = Secret(metadata=meta, data={"k": value.encode()}, **changes)
        await self.secrets.create(self.ctx("create"), "shop", obj)
        await self.settle()

    async def change(self, value: str | None = None, *, name: str = "db", **meta: Any) -> None:
        obj = (await self.secrets.get(self.ctx("get"), "shop", name)).decode()
        if value is not None:
            obj.data = {"k": value.encode()}
        for attribute, said in meta.items():
            setattr(obj.metadata, attribute, said)
        await self.secrets.update(self.ctx(), "shop", name, obj)
        await self.settle()

    async def annotate_namespace(self, annotations: dict[str, str]) -> None:
        obj = (await self.namespaces.get(self.ctx("get"), "", "shop")).decode()
        obj.metadata.annotations = annotations
        await self.namespaces.update(self.ctx(), "", "shop", obj)
        await self.settle()

    async def delete(self, name: str = "db") -> None:
        await self.secrets.delete(self.ctx("delete"), "shop", name, DeleteOptions())
        await self.settle()

    async def kept(self) -> list[SecretRevision]:
        await self.settle()
        result = await self.revisions.list(self.ctx("list"), "", ListOptions())
        found = [view.obj for view in result.items]
        return sorted(found, key=lambda kept: int(kept.spec.secretResourceVersion))

    async def values(self) -> list[str]:
        return [kept.data["k"].decode() for kept in await self.kept()]

    def pruner(self, days: float = 30) -> HistoryPruner:
        return HistoryPruner(self.kinds, self.history, self.clock, days * 86400)


@contextlib.asynccontextmanager
async def open_room(store: MemoryStore, limit: int = 3) -> AsyncIterator[Room]:
    """A room over a store, with namespace ``shop`` in it."""
    made = Room(store, limit)
    for registry in made.kinds.fixed():
        await registry.start()
    made.history.attach(made.kinds)
    await made.namespace()
    yield made
    for registry in made.kinds.fixed():
        await registry.close()
    await store.close()


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    """A room that keeps three revisions of each Secret."""
    async with open_room(MemoryStore()) as made:
        yield made
