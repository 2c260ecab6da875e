"""Watch: where it starts, transitions, bookmarks, expiry, order, and agreement with list."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.api.clock import SystemClock
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions
from strongroom.api.selectors import FieldSelector, LabelSelector
from strongroom.registry.context import RequestContext
from strongroom.registry.events import WatchEvent
from strongroom.registry.options import ListOptions, WatchOptions
from strongroom.registry.registry import Registry
from strongroom.resources.secret import SECRETS
from strongroom.storage.memory import MemoryStore
from tests.registry.conftest import Open, config_map, context, secret

Seen = list[tuple[str, str, int]]


def told(event: WatchEvent[Any]) -> tuple[str, str, int]:
    return event.type, event.view.name if event.view else "", event.revision


async def take(watch: AsyncIterator[list[WatchEvent[Any]]], count: int) -> list[WatchEvent[Any]]:
    """The first events of a watch, which is then closed."""
    seen: list[WatchEvent[Any]] = []
    async with contextlib.aclosing(watch):  # type: ignore[type-var] # an asynchronous generator
        async for batch in watch:
            seen += batch
            if len(seen) >= count:
                break
    assert len(seen) == count
    return seen


async def all_of(watch: AsyncIterator[list[WatchEvent[Any]]]) -> list[WatchEvent[Any]]:
    return [event async for batch in watch for event in batch]


async def test_from_a_revision_on(secrets: Registry[Any], ctx: RequestContext) -> None:
    for name in ("a", "b", "c"):
        await secrets.create(ctx, "prod", secret(name))
    seen = await take(secrets.watch(ctx, "", WatchOptions(resource_version="2")), 2)
    assert [told(event) for event in seen] == [("ADDED", "b", 3), ("ADDED", "c", 4)]


@pytest.mark.parametrize("version", ["", "0"])
async def test_from_nowhere_in_particular_the_present_comes_first(
    secrets: Registry[Any], ctx: RequestContext, version: str
) -> None:
    for name in ("b", "a"):
        await secrets.create(ctx, "prod", secret(name))
    await secrets.list(ctx, "", ListOptions())
    watch = secrets.watch(ctx, "", WatchOptions(resource_version=version, allow_bookmarks=True))
    seen = await take(watch, 3)
    assert [told(event) for event in seen] == [
        ("ADDED", "a", 3),
        ("ADDED", "b", 2),
        ("BOOKMARK", "", 3),
    ]
    assert seen[2].initial_end


async def test_initial_events_without_bookmarks_end_silently(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    await secrets.create(ctx, "prod", secret("a"))
    watch = secrets.watch(ctx, "", WatchOptions(timeout_seconds=0))
    assert [told(event) for event in await all_of(watch)] == [("ADDED", "a", 2)]


async def test_no_initial_events_from_now_on(secrets: Registry[Any], ctx: RequestContext) -> None:
    await secrets.create(ctx, "prod", secret("a"))
    options = WatchOptions(send_initial_events=False, resource_version_match="NotOlderThan")
    watch = secrets.watch(ctx, "", options)
    task = asyncio.create_task(take(watch, 1))
    await asyncio.sleep(0)
    await secrets.create(ctx, "prod", secret("b"))
    assert [told(event) for event in await task] == [("ADDED", "b", 3)]


async def test_transitions_of_a_selector(secrets: Registry[Any], ctx: RequestContext) -> None:
    await secrets.create(ctx, "prod", secret("a", labels={"x": "no"}))
    for value in ("yes", "yes", "no", "yes"):
        obj = secret("a", labels={"x": value}, annotations={"n": str(len(value))})
        if value == "yes":
            obj.data["again"] = str((await secrets.get(ctx, "prod", "a")).revision).encode()
        await secrets.update(ctx, "prod", "a", obj)
    await secrets.delete(ctx, "prod", "a", DeleteOptions())
    options = WatchOptions(resource_version="1", label_selector=LabelSelector.parse("x=yes"))
    seen = await take(secrets.watch(ctx, "prod", options), 5)
    assert [told(event) for event in seen] == [
        ("ADDED", "a", 3),
        ("MODIFIED", "a", 4),
        ("DELETED", "a", 5),
        ("ADDED", "a", 6),
        ("DELETED", "a", 7),
    ]
    lost = seen[2].view
    assert lost is not None
    assert lost.labels == {"x": "yes"}
    assert lost.obj.metadata.resourceVersion == "5"


async def test_one_name(secrets: Registry[Any], ctx: RequestContext) -> None:
    for name in ("a", "b", "a2"):
        await secrets.create(ctx, "prod", secret(name))
    await secrets.list(ctx, "", ListOptions())
    options = WatchOptions(
        resource_version="1",
        field_selector=FieldSelector.parse("metadata.name=b"),
        timeout_seconds=0,
    )
    seen = await all_of(secrets.watch(ctx, "prod", options))
    assert [told(event) for event in seen] == [("ADDED", "b", 3)]


async def test_bookmarks_tell_how_far_the_server_is(
    open_registry: Open, ctx: RequestContext
) -> None:
    secrets = await open_registry(SECRETS, bookmark_seconds=0.01)
    other = await open_registry(kind_of_no_interest())
    await other.create(ctx, "prod", config_map("x"))
    options = WatchOptions(resource_version="1", allow_bookmarks=True)
    seen = await take(secrets.watch(ctx, "", options), 2)
    assert [told(event) for event in seen] == [("BOOKMARK", "", 2)] * 2
    assert not seen[0].initial_end


def kind_of_no_interest() -> Any:
    from strongroom.resources.configmap import CONFIG_MAPS

    return CONFIG_MAPS


class Moved(SystemClock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


async def test_the_last_bookmark_comes_just_before_the_end(
    store: MemoryStore, ctx: RequestContext
) -> None:
    clock = Moved()
    registry = Registry(SECRETS, store, (), clock)
    await registry.start()
    options = WatchOptions(resource_version="1", allow_bookmarks=True, timeout_seconds=30)
    watch = registry.watch(ctx, "", options)
    task = asyncio.create_task(all_of(watch))
    await asyncio.sleep(0)
    clock.seconds = 28.0
    await registry.create(ctx, "prod", secret("a"))
    await registry.get(ctx, "prod", "a")
    clock.seconds = 30.0
    await registry.create(ctx, "prod", secret("b"))
    seen = [told(event) for event in await task]
    assert seen[0] == ("ADDED", "a", 2)
    assert ("BOOKMARK", "", 2) in seen
    await registry.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            WatchOptions(send_initial_events=True),
            (
                "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
                "resourceVersionMatch to NotOlderThan"
            ),
        ),
        (
            WatchOptions(resource_version="1", resource_version_match="NotOlderThan"),
            (
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch "
                "unless sendInitialEvents is provided"
            ),
        ),
    ],
)
async def test_options_that_contradict_each_other(
    secrets: Registry[Any], ctx: RequestContext, options: WatchOptions, message: str
) -> None:
    with pytest.raises(StatusError) as caught:
        secrets.watch(ctx, "", options)
    assert caught.value.message == f'ListOptions.meta.k8s.io "" is invalid: {message}'


async def test_a_revision_that_is_no_number(secrets: Registry[Any], ctx: RequestContext) -> None:
    with pytest.raises(StatusError) as caught:
        secrets.watch(ctx, "", WatchOptions(resource_version="x"))
    assert (caught.value.code, caught.value.message) == (
        422,
        (
            'secrets "" is invalid: resourceVersion: Invalid value: "x": '
            'strconv.ParseUint: parsing "x": invalid syntax'
        ),
    )


async def test_history_that_is_gone_ends_the_watch_with_an_error(
    open_registry: Open, ctx: RequestContext, store: MemoryStore
) -> None:
    first = await open_registry(SECRETS)
    for name in ("a", "b", "c"):
        await first.create(ctx, "prod", secret(name))
    await store.compact(4)
    restarted = await open_registry(SECRETS)
    watch = restarted.watch(ctx, "", WatchOptions(resource_version="2"))
    with pytest.raises(StatusError) as caught:
        await anext(watch)
    assert (caught.value.code, caught.value.reason) == (410, "Expired")
    assert caught.value.message == "too old resource version: 2 (4)"


async def test_a_restart_costs_no_watcher_a_list(open_registry: Open, ctx: RequestContext) -> None:
    """What the new cache has never seen comes from the store, then the cache takes over."""
    first = await open_registry(SECRETS)
    await first.create(ctx, "prod", secret("a", labels={"x": "y"}))
    await first.update(ctx, "prod", "a", secret("a"))
    await first.create(ctx, "prod", secret("b"))
    restarted = await open_registry(SECRETS)
    options = WatchOptions(resource_version="1", label_selector=LabelSelector.parse("x=y"))
    watch = restarted.watch(ctx, "", options)
    task = asyncio.create_task(take(watch, 4))
    await asyncio.sleep(0)
    await restarted.create(ctx, "prod", secret("c", labels={"x": "y"}))
    await restarted.list(ctx, "", ListOptions())
    await restarted.delete(ctx, "prod", "c", DeleteOptions())
    assert [told(event) for event in await task] == [
        ("ADDED", "a", 2),
        ("DELETED", "a", 3),
        ("ADDED", "c", 5),
        ("DELETED", "c", 6),
    ]


async def test_a_slow_watcher_is_let_go(
    secrets: Registry[Any], ctx: RequestContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.registry.following._MAX_PENDING", 2)
    watch = secrets.watch(ctx, "", WatchOptions(resource_version="1"))
    await secrets.create(ctx, "prod", secret("a"))
    assert len(await anext(watch)) == 1
    for i in range(5):
        await secrets.create(ctx, "prod", secret(f"s{i}"))
        await secrets.list(ctx, "", ListOptions())
    assert await all_of(watch) == []


async def test_a_value_that_becomes_unreadable_is_deleted_from_the_watchers_world(
    secrets: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    await secrets.create(ctx, "prod", secret("a"))
    await store.update("/registry/secrets/prod/a", b"garbage", expected=2)
    seen = await take(secrets.watch(ctx, "", WatchOptions(resource_version="1")), 2)
    assert [told(event) for event in seen] == [("ADDED", "a", 2), ("DELETED", "a", 3)]


async def test_a_hundred_watchers_see_one_order(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    async def write(i: int) -> None:
        await secrets.create(ctx, "prod", secret(f"s{i}"))
        await secrets.update(ctx, "prod", f"s{i}", secret(f"s{i}", labels={"x": "y"}))
        await secrets.delete(ctx, "prod", f"s{i}", DeleteOptions())

    options = WatchOptions(resource_version="1")
    watches = [asyncio.create_task(take(secrets.watch(ctx, "", options), 60)) for _ in range(100)]
    await asyncio.gather(*(write(i) for i in range(20)))
    seen = await asyncio.gather(*watches)
    first = [told(event) for event in seen[0]]
    assert [revision for _, _, revision in first] == list(range(2, 62))
    assert all([told(event) for event in events] == first for events in seen)
    assert all(mine is other for mine, other in zip(seen[0], seen[1], strict=True))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "delete"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["x", "y"]),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, cut=st.integers(0, 25), selector=st.sampled_from(["", "v=x", "v!=x"]))
async def test_a_list_and_the_watch_from_it_give_the_next_list(
    steps: list[tuple[str, str, str]], cut: int, selector: str
) -> None:
    ctx, store = context(), MemoryStore()
    registry = Registry(SECRETS, store, (), SystemClock())
    await registry.start()
    labels = LabelSelector.parse(selector)

    async def run(step: tuple[str, str, str]) -> None:
        verb, name, value = step
        with contextlib.suppress(StatusError):
            if verb == "delete":
                await registry.delete(ctx, "prod", name, DeleteOptions())
            elif store_has(await registry.list(ctx, "prod", ListOptions()), name):
                await registry.update(ctx, "prod", name, secret(name, labels={"v": value}))
            else:
                await registry.create(ctx, "prod", secret(name, labels={"v": value}))

    for step in steps[:cut]:
        await run(step)
    before = await registry.list(ctx, "", ListOptions(label_selector=labels))
    for step in steps[cut:]:
        await run(step)
    after = await registry.list(ctx, "", ListOptions(label_selector=labels))
    world = {view.name: view.wire for view in before.items}
    options = WatchOptions(
        resource_version=str(before.revision), label_selector=labels, timeout_seconds=0
    )
    last = before.revision
    for event in await all_of(registry.watch(ctx, "", options)):
        assert event.view is not None
        assert event.revision > last
        last = event.revision
        name = event.view.name
        assert (event.type == "ADDED") == (name not in world)
        if event.type == "DELETED":
            del world[name]
        else:
            world[name] = event.view.wire
    assert world == {view.name: view.wire for view in after.items}
    await registry.close()


def store_has(result: Any, name: str) -> bool:
    return any(view.name == name for view in result.items)
