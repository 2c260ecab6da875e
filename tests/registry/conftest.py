"""A registry of Secrets (and of other kinds) over a memory store, with a clock that stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api.clock import SystemClock
from strongroom.api.meta import Object, ObjectMeta
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.resources.configmap import CONFIG_MAPS, ConfigMap
from strongroom.resources.resource import Resource
from strongroom.resources.secret import SECRETS, Secret
from strongroom.storage.memory import MemoryStore

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

Open = Callable[..., Awaitable[Registry[Any]]]


def context(user: Any = None, **changes: Any) -> RequestContext:
    return RequestContext(user=user, attributes=None, now=NOW, **changes)


def secret(name: str = "", **meta: Any) -> Secret:
    return Secret(metadata=ObjectMeta(name=name, **meta), data={"key": b"value"})


def config_map(name: str = "", data: dict[str, str] | None = None, **meta: Any) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, **meta), data=data or {})


@pytest.fixture
def ctx() -> RequestContext:
    return context()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def open_registry(store: MemoryStore) -> AsyncIterator[Open]:
    """Opens registries over the store and closes them in the end."""
    opened: list[Registry[Any]] = []

    async def open_one(
        resource: Resource[Any], *plugins: Any, on: Any = None, **options: Any
    ) -> Registry[Any]:
        registry: Registry[Any] = Registry(resource, on or store, plugins, SystemClock(), **options)
        await registry.start()
        opened.append(registry)
        return registry

    yield open_one
    for registry in opened:
        await registry.close()
    await store.close()


@pytest.fixture
async def secrets(open_registry: Open) -> Registry[Secret]:
    return await open_registry(SECRETS)


@pytest.fixture
async def config_maps(open_registry: Open) -> Registry[ConfigMap]:
    return await open_registry(CONFIG_MAPS)


async def refused(outcome: Awaitable[Any]) -> tuple[int, str, str]:
    """Code, reason and message of the StatusError that an operation ends with."""
    from strongroom.api.errors import StatusError

    with pytest.raises(StatusError) as caught:
        await outcome
    return caught.value.code, caught.value.reason, caught.value.message


def names(views: list[Any]) -> list[str]:
    return [view.name for view in views]


__all__ = ["NOW", "Object", "Open", "config_map", "context", "names", "refused", "secret"]
