"""The kinds that are served: the catalogue's always, custom ones come, change and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from strongroom.api.clock import SystemClock
from strongroom.registry.registry import Registry
from strongroom.resources.configmap import CONFIG_MAPS
from strongroom.resources.secret import SECRETS
from strongroom.server.kinds import AnyResource, CustomKind, Kinds
from strongroom.storage.errors import StoreUnavailable
from strongroom.storage.memory import MemoryStore

NOTES: AnyResource = replace(CONFIG_MAPS, group="x.example", version="v1", plural="notes")


class Opened:
    """Makes registries and counts them."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.registries: list[Registry[Any]] = []

    def __call__(self, resource: AnyResource) -> Registry[Any]:
        self.registries.append(Registry(resource, self.store, (), SystemClock()))
        return self.registries[-1]

    def kind(self, resource: AnyResource = NOTES, fingerprint: str = "1") -> CustomKind:
        return CustomKind(resource, fingerprint, lambda: resource, self)


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    store = MemoryStore()
    yield Opened(store)
    await store.close()


async def test_kinds_of_the_catalogue_are_found(opened: Opened) -> None:
    secrets = opened(SECRETS)
    kinds = Kinds([secrets])
    assert kinds.registry("", "secrets") is secrets
    assert await kinds.find("", "v1", "secrets") is secrets
    assert await kinds.find("", "v2", "secrets") is None
    assert kinds.is_fixed("", "v1")
    assert not kinds.is_fixed("x.example", "v1")


async def test_a_custom_kind_is_opened_when_first_asked_for_and_once(opened: Opened) -> None:
    kinds = Kinds()
    seen: list[int] = []
    kinds.changed.append(lambda: seen.append(kinds.generation))
    kinds.replace("x.example", "notes", [opened.kind()])
    assert seen == [1]
    assert kinds.resources() == (NOTES,)
    assert opened.registries == []
    found = await asyncio.gather(*(kinds.find("x.example", "v1", "notes") for _ in range(5)))
    assert opened.registries == [found[0]]
    assert set(found) == {found[0]}
    assert await kinds.all() == [found[0]]
    await kinds.close()


async def test_a_replaced_kind_is_given_back_to_be_closed(opened: Opened) -> None:
    kinds = Kinds()
    v1, v2 = opened.kind(), opened.kind(replace(NOTES, version="v2"))
    kinds.replace("x.example", "notes", [v1, v2])
    await kinds.find("x.example", "v1", "notes")
    assert kinds.replace("x.example", "notes", [v2]) == [v1]
    assert await kinds.find("x.example", "v1", "notes") is None
    await v1.close()
    assert await v1.registry() is None
    assert kinds.replace("x.example", "notes", []) == [v2]
    assert kinds.resources() == ()


async def test_a_finder_waits_for_definitions_that_were_acknowledged(opened: Opened) -> None:
    kinds = Kinds()

    async def refresh() -> None:
        kinds.replace("x.example", "notes", [opened.kind()])

    kinds.refresh = refresh
    assert await kinds.find("x.example", "v1", "notes") is not None
    await kinds.close()


async def test_a_registry_that_could_not_start_is_tried_again(opened: Opened) -> None:
    kind = opened.kind()
    whole, failing = opened.store, MemoryStore()
    await failing.close()
    opened.store = failing
    with pytest.raises(StoreUnavailable):
        await kind.registry()
    opened.store = whole
    assert await kind.registry() is not None
    await kind.close()


async def test_one_who_gives_up_waiting_disturbs_nobody(opened: Opened) -> None:
    kind = opened.kind()
    impatient = asyncio.create_task(kind.registry())
    patient = asyncio.create_task(kind.registry())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient is not None
    await kind.close()
