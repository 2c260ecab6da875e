"""Writes of damaged objects and patches to a registry of each kind.

Defaults, validation, patches, server-side apply, Tables and all that a kind declares, on objects
that are nearly right: done, or refused with a 4xx that tells no value. What was stored reads back.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from random import Random
from typing import Any

import pytest

from strongroom.access.user import User
from strongroom.api.clock import SystemClock
from strongroom.api.codec import decode, to_tree
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions
from strongroom.api.patch import PatchType
from strongroom.registry.registry import Registry
from strongroom.resources.catalog import CATALOG
from strongroom.resources.resource import Resource
from strongroom.server.certificate_kinds import judged
from strongroom.storage.memory import MemoryStore
from tests.e2e.marked import MARK, MARK64
from tests.fuzz.bases import base
from tests.fuzz.mutations import as_json, damaged_tree, junk, tells
from tests.fuzz.sizes import seeds
from tests.registry.conftest import NOW, context

RESOURCES = tuple(judged(r, SystemClock()) for r in CATALOG.all() if not r.answered)
IDS = [f"{r.plural}.{r.group}" for r in RESOURCES]
ANN = User("ann", groups=("system:authenticated",))
each = pytest.mark.parametrize("resource", RESOURCES, ids=IDS)

_UNMERGEABLE = "failed to merge config: associative list"
"""What upstream answers with a 500, too: the object as it is has items without their keys."""


class Writer:
    """Does random things to one object of a kind."""

    def __init__(self, registry: Registry[Any]) -> None:
        self.registry = registry
        self.resource = registry.resource
        self.base = base(registry.resource)
        self.name = self.base["metadata"]["name"]
        self.namespace = "n" if registry.resource.namespaced else ""
        self.done = 0

    async def attempt(self, random: Random, write: Awaitable[Any]) -> None:
        """Await a write that may be refused."""
        try:
            view = await write
        except StatusError as error:
            refusal = error
        else:
            self.done += 1
            self.look_at(view)
            return
        if _UNMERGEABLE in refusal.message:
            return
        assert 400 <= refusal.code < 500, (random, refusal)
        if self.resource.kind in ("Secret", "SecretRevision"):
            assert not tells(refusal.message), random

    def look_at(self, view: Any) -> None:
        """What is stored can be read, and shown in a Table."""
        obj = decode(view.wire, type(view.obj), kind=self.resource.kind).obj
        cells = list(self.resource.columns_of(obj, NOW)) if type(obj) is self.resource.type else []
        assert to_tree(obj) is not None
        assert as_json([str(cell) for cell in cells])

    async def act(self, random: Random) -> None:
        """One random write."""
        ctx = context(ANN, field_manager=random.choice("mn"))
        where = (ctx, self.namespace, self.name)
        tree = damaged_tree(random, self.base)
        # Of labels and names a message may tell.
        tree["metadata"] = unmarked(tree.get("metadata"))
        match random.randrange(6):
            case 0:
                await self.attempt(random, self.written(random, tree, update=True))
            case 1:
                kind = random.choice((PatchType.MERGE, PatchType.STRATEGIC))
                await self.attempt(random, self.registry.patch(*where, kind, as_json(tree)))
            case 2:
                body = as_json(json_patch(random, self.base))
                await self.attempt(random, self.registry.patch(*where, PatchType.JSON, body))
            case 3:
                force = random.random() < 0.5
                applied = self.registry.apply_configuration(*where, as_json(tree), force=force)
                await self.attempt(random, applied)
            case 4 if self.resource.subresources:
                part = random.choice(self.resource.subresources)
                if "patch" in part.verbs:
                    body = as_json({"status": junk(random), "spec": junk(random)})
                    patched = self.registry.patch(
                        *where, PatchType.MERGE, body, subresource=part.name
                    )
                    await self.attempt(random, patched)
            case _:
                await self.attempt(random, self.written(random, tree, update=False))

    async def deleted(self) -> Any:
        """Delete the object, and give its last state."""
        options = DeleteOptions(gracePeriodSeconds=0)
        return (await self.registry.delete(context(), self.namespace, self.name, options))[0]

    async def written(self, random: Random, tree: Any, *, update: bool) -> Any:
        obj = decode(as_json(tree), self.resource.type, kind=self.resource.kind).obj
        ctx = context(ANN)
        if update:
            return await self.registry.update(ctx, self.namespace, self.name, obj)
        return await self.registry.create(ctx, self.namespace, obj)


def json_patch(random: Random, tree: Any) -> list[Any]:
    """Operations on members that are there, and on others."""
    paths = [
        "/metadata/labels/x",
        "/metadata/labels/~1",
        "/none/0",
        "",
        "/metadata/name",
        *_paths(tree),
    ]
    patch = [
        {
            "op": random.choice(("add", "remove", "replace", "copy", "move", "test")),
            "path": random.choice(paths) + random.choice(("", "", "/-", "/0")),
            "from": random.choice(paths),
            "value": junk(random),
        }
        for _ in range(random.randint(1, 3))
    ]
    return [unmarked(one) if "/metadata" in one["path"] + one["from"] else one for one in patch]


def unmarked(tree: Any) -> Any:
    """A copy without the marker."""
    text = json.dumps(tree).replace(MARK, "m").replace(MARK64, "m")
    return json.loads(text)


def _paths(tree: Any, at: str = "") -> list[str]:
    found = [at] if at else []
    if isinstance(tree, dict):
        for name, value in tree.items():
            found += _paths(value, f"{at}/{name}")
    elif isinstance(tree, list):
        for i, value in enumerate(tree):
            found += _paths(value, f"{at}/{i}")
    return found


@each
async def test_damaged_writes(resource: Resource[Any]) -> None:
    store = MemoryStore()
    registry: Registry[Any] = Registry(resource, store, (), SystemClock())
    await registry.start()
    writer = Writer(registry)
    try:
        for random in seeds(12):
            await writer.attempt(random, writer.written(random, writer.base, update=False))
            await writer.act(random)
            if random.random() < 0.2:
                await writer.attempt(random, writer.deleted())
        assert writer.done > 0
    finally:
        await registry.close()
        await store.close()
