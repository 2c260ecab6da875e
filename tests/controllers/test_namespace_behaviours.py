"""Upstream's ``Namespaces [Serial]``: what must be gone with a namespace, by upstream's names."""

from __future__ import annotations

from strongroom.resources.namespace import NAMESPACES
from tests.controllers.conftest import World, at_work
from tests.controllers.test_namespace import controller_of, create, names
from tests.waiting import gone

PODS = "/api/v1/namespaces/nsdeletetest/pods"
SERVICES = "/api/v1/namespaces/nsdeletetest/services"


async def deleted_and_made_again(world: World) -> None:
    """The namespace goes, and one of its name comes."""
    async with at_work(controller_of(world)):
        await world.client.delete(NAMESPACES, "nsdeletetest")
        await gone(lambda: world.client.get(NAMESPACES, "nsdeletetest"))
    await world.namespace("nsdeletetest")


async def test_should_ensure_that_all_pods_are_removed_when_a_namespace_is_deleted(
    world: World,
) -> None:
    await world.namespace("nsdeletetest")
    await world.pod("test-pod", "nsdeletetest")
    assert await names(world, PODS) == ["test-pod"]
    await deleted_and_made_again(world)
    assert await names(world, PODS) == []


async def test_should_ensure_that_all_services_are_removed_when_a_namespace_is_deleted(
    world: World,
) -> None:
    await world.namespace("nsdeletetest")
    spec = {"ports": [{"port": 80, "targetPort": 80}], "selector": {"foo": "bar"}}
    await create(world, SERVICES, "test-service", {"spec": spec})
    assert await names(world, SERVICES) == ["test-service"]
    await deleted_and_made_again(world)
    assert await names(world, SERVICES) == []
