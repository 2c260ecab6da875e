"""What nobody owns goes, as propagation policies say; the first seven are upstream's by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from strongroom.controllers.garbage import GarbageCollector
from strongroom.controllers.monitors import Monitors
from tests.controllers.conftest import World, at_work, until
from tests.controllers.objects import (
    CONFIG_MAPS,
    CONTROLLER,
    CONTROLLERS,
    DEPLOYMENTS,
    PODS,
    SETS,
    TEMPLATE,
    WORKLOAD,
    Objects,
    owner,
)


@asynccontextmanager
async def collecting(world: World) -> AsyncIterator[GarbageCollector]:
    """A collector at work that has seen everything there is."""
    monitors = Monitors(world.client)
    collector = GarbageCollector(world.client, monitors, world.events)
    async with at_work(collector):
        await monitors.wait_synced()
        yield collector


@pytest.fixture
async def objects(world: World) -> AsyncIterator[Objects]:
    async with collecting(world):
        yield Objects(world.client)


async def test_should_delete_rs_created_by_deployment_when_not_orphaning(objects: Objects) -> None:
    deployment = await objects.make(DEPLOYMENTS, "d", spec=WORKLOAD)
    await objects.make(SETS, "s", owner(deployment), spec=WORKLOAD)
    await objects.delete(DEPLOYMENTS, "d", "Background")
    await objects.gone(SETS, "s")


async def test_should_orphan_rs_created_by_deployment_when_policy_is_orphan(
    objects: Objects,
) -> None:
    deployment = await objects.make(DEPLOYMENTS, "d", spec=WORKLOAD)
    await objects.make(SETS, "s", owner(deployment), spec=WORKLOAD)
    await objects.delete(DEPLOYMENTS, "d", "Orphan")
    await objects.gone(DEPLOYMENTS, "d")
    assert await objects.owners(SETS, "s") == []


async def test_should_delete_pods_created_by_rc_when_not_orphaning(objects: Objects) -> None:
    controller = await objects.make(CONTROLLERS, "rc", spec=CONTROLLER)
    await objects.pods(2, owner(controller))
    await objects.delete(CONTROLLERS, "rc", "Background")
    await until(lambda: objects.names(PODS), lambda names: not names)


@pytest.mark.parametrize("policy", ["Orphan", ""])
async def test_should_orphan_pods_created_by_rc_if_delete_options_say_so(
    objects: Objects, policy: str
) -> None:
    """They say so for a ReplicationController when they say nothing."""
    controller = await objects.make(CONTROLLERS, "rc", spec=CONTROLLER)
    await objects.pods(20, owner(controller))
    await objects.delete(CONTROLLERS, "rc", policy)
    await objects.gone(CONTROLLERS, "rc")
    for name in await objects.names(PODS):
        assert await objects.owners(PODS, name) == []
    assert len(await objects.names(PODS)) == 20


async def test_should_keep_the_rc_around_until_all_its_pods_are_deleted(objects: Objects) -> None:
    controller = await objects.make(CONTROLLERS, "rc", spec=CONTROLLER)
    held = {"finalizers": ["example.com/hold"]}
    reference = owner(controller)
    await objects.pods(2, reference)
    await objects.make(PODS, "held", reference, metadata=held, spec=TEMPLATE["spec"])
    await objects.delete(CONTROLLERS, "rc", "Foreground")
    await until(lambda: objects.names(PODS), lambda names: names == ["held"])
    kept = await objects.get(CONTROLLERS, "rc")
    assert kept["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert kept["metadata"]["deletionTimestamp"]
    patch = {"metadata": {"finalizers": None}}
    merge = "application/merge-patch+json"
    await objects.ask("PATCH", f"{PODS}/held", patch, content_type=merge)
    await objects.gone(CONTROLLERS, "rc")
    assert await objects.names(PODS) == []


async def test_should_not_delete_dependents_that_have_both_valid_owner_and_owner_thats_waiting(
    objects: Objects,
) -> None:
    doomed = await objects.make(CONTROLLERS, "doomed", spec=CONTROLLER)
    stays = await objects.make(CONTROLLERS, "stays", spec=CONTROLLER)
    await objects.make(CONFIG_MAPS, "both", owner(doomed), owner(stays))
    await objects.make(CONFIG_MAPS, "one", owner(doomed))
    await objects.delete(CONTROLLERS, "doomed", "Foreground")
    await objects.gone(CONTROLLERS, "doomed")
    assert await objects.names(CONFIG_MAPS) == ["both"]
    assert await objects.owners(CONFIG_MAPS, "both") == ["stays"]


async def test_should_not_be_blocked_by_dependency_circle(objects: Objects) -> None:
    made = [await objects.make(CONFIG_MAPS, f"c{i}") for i in range(3)]
    merge = "application/merge-patch+json"
    for i, tree in enumerate(made):
        body = {"metadata": {"ownerReferences": [owner(made[i - 1])]}}
        name = tree["metadata"]["name"]
        await objects.ask("PATCH", f"{CONFIG_MAPS}/{name}", body, content_type=merge)
    await objects.delete(CONFIG_MAPS, "c0", "Foreground")
    for i in range(3):
        await objects.gone(CONFIG_MAPS, f"c{i}")
