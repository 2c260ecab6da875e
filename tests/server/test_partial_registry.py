"""Parts of many Secrets: in pieces, kept for the next who ask, and not for ever."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from strongroom.access.authz.partial import KeysRight
from strongroom.access.user import Attributes, User
from strongroom.api.clock import SystemClock
from strongroom.registry.options import ListOptions, WatchOptions
from strongroom.registry.registry import Registry
from strongroom.resources.secret import SECRETS, Secret
from strongroom.server.partial_registry import MOST, MOST_BYTES, PartialRegistry, Projections
from strongroom.storage.memory import MemoryStore
from tests.registry.conftest import context, secret

MANY = 250
WATCH = WatchOptions(resource_version="0", allow_bookmarks=True)


@pytest.fixture
async def secrets() -> AsyncIterator[Registry[Secret]]:
    """Many Secrets with one value each."""
    store = MemoryStore()
    registry: Registry[Secret] = Registry(SECRETS, store, (), SystemClock())
    await registry.start()
    for i in range(MANY):
        await registry.create(context(), "ns", secret(f"s{i:03}"))
    yield registry
    await registry.close()
    await store.close()


def metadata(registry: Registry[Secret], projections: Projections) -> PartialRegistry:
    return PartialRegistry(registry, projections, None, lambda key, value: None)


def one(registry: Registry[Secret], projections: Projections, told: dict[str, str]) -> Any:
    """A registry in which one Secret has one key."""
    asked = Attributes(
        User("u"), "watch", "/", resource="secrets", namespace="ns", name="s000"
    )  # fmt: skip - as a call
    right = KeysRight(asked, allowed={"key"})
    return PartialRegistry(registry, projections, right, told.__setitem__)


async def test_long_lists_and_watches_are_whole(secrets: Registry[Secret]) -> None:
    part = metadata(secrets, Projections(secrets.form))
    listed = await part.list(context(), "ns", ListOptions())
    assert [view.name for view in listed.items] == [f"s{i:03}" for i in range(MANY)]
    assert all(view.obj.data == {"key": b""} for view in listed.items)
    batches = cast("AsyncGenerator[list[Any], None]", part.watch(context(), "ns", WATCH))
    seen: list[Any] = []
    async with aclosing(batches):
        async for batch in batches:
            assert len(batch) <= 100
            seen += batch
            if seen[-1].type == "BOOKMARK":
                break
    assert [event.type for event in seen] == ["ADDED"] * MANY + ["BOOKMARK"]
    assert all(event.view.obj.data == {"key": b""} for event in seen[:-1])


async def test_watchers_of_the_same_part_share_its_events(secrets: Registry[Secret]) -> None:
    told: dict[str, str] = {}
    projections = Projections(secrets.form)
    options = WatchOptions(resource_version=str(secrets.cache.revision))
    watches = [
        cast("AsyncGenerator[list[Any], None]", part.watch(context(), "ns", options))
        for part in [one(secrets, projections, told) for _ in range(2)]
        + [metadata(secrets, projections)]
    ]
    starts = [anext(watch) for watch in watches]
    changed = (await secrets.get(context(), "ns", "s000")).decode()
    changed.data = {"key": b"new", "other": b"hidden"}
    await secrets.update(context(), "ns", "s000", changed)
    (first,), (second,), (third,) = [await start for start in starts]
    assert first is second
    assert first.view.obj.data == {"key": b"new"}
    assert third.view.obj.data == {"key": b"", "other": b""}
    assert told == {"secrets.strongroom.io/keys": "key"}
    for watch in watches:
        await watch.aclose()


async def test_what_is_kept_is_bounded(secrets: Registry[Secret]) -> None:
    projections, form = Projections(secrets.form), secrets.form
    made = secret("s", namespace="ns")
    for revision in range(1, MOST + 10):
        projections.of(form.unstored(made, "ns", "s", revision), None)
    assert len(projections) == MOST
    large = Secret(metadata=made.metadata, data={"key": bytes(MOST_BYTES // 4)})
    for revision in range(1, 10):
        cut = projections.of(form.unstored(large, "ns", "s", revision), frozenset({"key"}))
        assert cut.view.obj.data == large.data
    assert len(projections) < 4
