"""Upstream's ``Watchers``: what a watch shows, from where, and in which order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from tests.conformance.wire import MERGE, Api, Watch

LABEL = "watch-this-configmap"
CHANGES = 25


def config_map(name: str, label: str = "", **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {LABEL: label}}, "data": data}


async def silent_until(watch: Watch, api: Api, path: str) -> None:
    """Nothing has come to this watch before what is done to it next.

    Upstream waits ten seconds for nothing; here a change that the watch must see comes first.
    """
    await api.create(path, config_map("marker", "A"))
    obj = await watch.expect("ADDED")
    assert obj["metadata"]["name"] == "marker"


async def test_should_observe_add_update_and_delete_watch_notifications_on_configmaps(
    api: Api, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    async with AsyncExitStack() as stack:
        a, b, both = [
            await stack.enter_async_context(api.watch(path, f"labelSelector={LABEL}+{selector}"))
            for selector in ("in+(A)", "in+(B)", "in+(A,B)")
        ]
        await api.create(path, config_map("a", "A"))
        for watch in (a, both):
            await watch.expect("ADDED")
        for count in ("1", "2"):
            await api.patch(f"{path}/a", {"data": {"mutation": count}})
            for watch in (a, both):
                await watch.expect("MODIFIED", mutation=count)
        await api.delete(f"{path}/a")
        for watch in (a, both):
            await watch.expect("DELETED", mutation="2")
        await api.create(path, config_map("b", "B"))
        for watch in (b, both):
            await watch.expect("ADDED")
        await api.delete(f"{path}/b")
        for watch in (b, both):
            await watch.expect("DELETED")
        await silent_until(a, api, path)


async def test_should_be_able_to_start_watching_from_a_specific_resource_version(
    api: Api, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    await api.create(path, config_map("c"))
    first = await api.patch(f"{path}/c", {"data": {"mutation": "1"}})
    await api.patch(f"{path}/c", {"data": {"mutation": "2"}})
    await api.delete(f"{path}/c")
    version = first["metadata"]["resourceVersion"]
    async with api.watch(path, f"resourceVersion={version}") as watch:
        await watch.expect("MODIFIED", mutation="2")
        await watch.expect("DELETED", mutation="2")


async def test_should_be_able_to_restart_watching_from_the_last_resource_version_observed(
    api: Api, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    version = (await api.get(path))["metadata"]["resourceVersion"]
    async with api.watch(path, f"resourceVersion={version}") as watch:
        await api.create(path, config_map("c"))
        await api.patch(f"{path}/c", {"data": {"mutation": "1"}})
        await watch.expect("ADDED")
        seen = await watch.expect("MODIFIED", mutation="1")
    await api.patch(f"{path}/c", {"data": {"mutation": "2"}})
    await api.delete(f"{path}/c")
    version = seen["metadata"]["resourceVersion"]
    async with api.watch(path, f"resourceVersion={version}") as watch:
        await watch.expect("MODIFIED", mutation="2")
        await watch.expect("DELETED", mutation="2")


async def test_should_observe_an_object_deletion_if_it_stops_meeting_the_requirements(
    api: Api, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    async with api.watch(path, f"labelSelector={LABEL}%3DA") as watch:
        await api.create(path, config_map("c", "A"))
        await watch.expect("ADDED")
        await api.patch(f"{path}/c", {"data": {"mutation": "1"}})
        await watch.expect("MODIFIED", mutation="1")
        await api.patch(f"{path}/c", {"metadata": {"labels": {LABEL: "other"}}})
        await watch.expect("DELETED", mutation="1")
        await api.patch(f"{path}/c", {"data": {"mutation": "2"}})
        await silent_until(watch, api, path)
        await api.patch(f"{path}/c", {"metadata": {"labels": {LABEL: "A"}}})
        await watch.expect("ADDED", mutation="2")
        await api.patch(f"{path}/c", {"data": {"mutation": "3"}})
        await watch.expect("MODIFIED", mutation="3")
        await api.delete(f"{path}/c")
        await watch.expect("DELETED", mutation="3")


async def test_should_receive_events_on_concurrent_watches_in_same_order(
    api: Api, namespace: str
) -> None:
    """A hundred watches, each begun at a revision of its own while objects are written."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    start = (await api.get(path))["metadata"]["resourceVersion"]
    written = asyncio.create_task(write(api, path))
    async with AsyncExitStack() as stack:
        watches, versions = [], [start]
        for _ in range(100):
            watch = await stack.enter_async_context(
                api.watch(path, f"resourceVersion={versions[-1]}")
            )
            watches.append((watch, int(versions[-1])))
            versions.append((await api.get(path))["metadata"]["resourceVersion"])
        last = await api.create(path, config_map("last"))
        order = [*await written, int(last["metadata"]["resourceVersion"])]
        seen = await asyncio.gather(*(collect(watch, order[-1]) for watch, _ in watches))
    for (_, since), revisions in zip(watches, seen, strict=True):
        assert revisions == [each for each in order if each > since]


async def write(api: Api, path: str) -> list[int]:
    """Create, update without a version, and delete; the revisions of all that in order."""
    order = []
    for i in range(CHANGES):
        made = await api.create(path, config_map(f"c{i}"))
        changed = await api.put(f"{path}/c{i}", config_map(f"c{i}", "A", mutation="1"))
        order += [int(each["metadata"]["resourceVersion"]) for each in (made, changed)]
        if i % 2:
            patched = await api.ask("PATCH", f"{path}/c{i}", {"data": {"last": "1"}}, MERGE)
            order.append(int(patched.ok()["metadata"]["resourceVersion"]))
    return order


async def collect(watch: Watch, last: int) -> list[int]:
    """The revisions that a watch shows, up to the last."""
    seen: list[int] = []
    while not seen or seen[-1] < last:
        _, obj = await watch.next()
        seen.append(int(obj["metadata"]["resourceVersion"]))
    return seen
