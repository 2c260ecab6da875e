"""Followers over the durable store: across a restart, and cancelled while they wait."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from strongroom.api.meta import DeleteOptions
from strongroom.registry.context import RequestContext
from strongroom.registry.following import Follower
from strongroom.registry.options import ListOptions, WatchOptions
from strongroom.registry.registry import Registry
from strongroom.resources.secret import SECRETS
from strongroom.storage.sqlite import SQLiteStore
from tests.registry.conftest import Open, names, secret
from tests.registry.test_watching import take, told

Told = list[tuple[str, str, int]]


async def test_a_watch_goes_on_after_a_restart(
    tmp_path: Path, open_registry: Open, ctx: RequestContext
) -> None:
    first = SQLiteStore.open(tmp_path / "store.db")
    before = await open_registry(SECRETS, on=first)
    for name in ("a", "b", "c"):
        await before.create(ctx, "prod", secret(name))
    await before.delete(ctx, "prod", "b", DeleteOptions())
    await before.close()
    await first.close()

    second = SQLiteStore.open(tmp_path / "store.db")
    after = await open_registry(SECRETS, on=second)
    listed = await after.list(ctx, "", ListOptions())
    assert (names(listed.items), listed.revision) == (["a", "c"], 5)
    task = asyncio.create_task(take(after.watch(ctx, "", WatchOptions(resource_version="2")), 4))
    await after.create(ctx, "prod", secret("d"))
    assert [told(event) for event in await task] == [
        ("ADDED", "b", 3),
        ("ADDED", "c", 4),
        ("DELETED", "b", 5),
        ("ADDED", "d", 6),
    ]
    await after.close()
    await second.close()


async def collect(follower: Follower[Any], count: int) -> list[int]:
    """Revisions of the next changes, with every wait cut short many times."""
    seen: list[int] = []
    while len(seen) < count:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                seen += [change.revision for change in await anext(follower)]
    return seen


async def test_a_wait_that_is_cut_short_loses_and_repeats_nothing(
    tmp_path: Path, open_registry: Open, ctx: RequestContext
) -> None:
    store = SQLiteStore.open(tmp_path / "store.db")
    first = await open_registry(SECRETS, on=store)
    for i in range(5):
        await first.create(ctx, "prod", secret(f"s{i}"))
    await first.close()
    registry: Registry[Any] = await open_registry(SECRETS, on=store)
    followers = [
        Follower(registry.form, store, registry.cache, SECRETS.prefix(), after) for after in (1, 6)
    ]
    tasks = [asyncio.create_task(collect(f, 9 - i * 5)) for i, f in enumerate(followers)]
    for i in range(4):
        await registry.create(ctx, "prod", secret(f"t{i}"))
        await asyncio.sleep(0.003)
    assert await asyncio.gather(*tasks) == [list(range(2, 11)), [7, 8, 9, 10]]
    assert [follower.progress for follower in followers] == [10, 10]
    for follower in followers:
        await follower.close()
    await registry.close()
    await store.close()


async def test_a_follower_of_the_future_skips_the_present(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    watch = secrets.watch(ctx, "", WatchOptions(resource_version="3"))
    task = asyncio.create_task(take(watch, 1))
    for name in ("a", "b", "c"):
        await asyncio.sleep(0)
        await secrets.create(ctx, "prod", secret(name))
    assert [told(event) for event in await task] == [("ADDED", "c", 4)]
