"""What nobody owns goes, as propagation policies say; the first seven are upstream's by name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from strongroom.controllers.garbage import GarbageCollector
from strongroom.controllers.monitors import Monitors
from tests.controllers.conftest import at_work, until, world_of
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
from tests.server.conftest import running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def collected(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Objects]:
    """A server with a collector at work that has seen everything there is."""
    directory = tmp_path_factory.mktemp("garbage")
    async with running(directory), world_of(directory / "data" / "admin.kubeconfig") as world:
        monitors = Monitors(world.client)
        async with at_work(GarbageCollector(world.client, monitors, world.events)):
            await monitors.wait_synced()
            yield Objects(world.client)


@pytest_asyncio.fixture(loop_scope="module")
async def objects(collected: Objects) -> AsyncIterator[Objects]:
    yield collected
    await collected.clean()


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
    await objects.patch(PODS, "held", {"metadata": {"finalizers": None}})
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
    for i, tree in enumerate(made):
        body = {"metadata": {"ownerReferences": [owner(made[i - 1])]}}
        await objects.patch(CONFIG_MAPS, tree["metadata"]["name"], body)
    await objects.delete(CONFIG_MAPS, "c0", "Foreground")
    for i in range(3):
        await objects.gone(CONFIG_MAPS, f"c{i}")
