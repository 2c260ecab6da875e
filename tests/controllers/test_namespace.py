"""Namespaces that are deleted are emptied, pods first, and nothing of another is touched."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from strongroom.api.errors import StatusError
from strongroom.controllers.controller import Again
from strongroom.controllers.monitors import Monitors
from strongroom.controllers.namespace import NamespaceController
from strongroom.resources.namespace import NAMESPACES
from strongroom.resources.pod import PODS
from strongroom.resources.secret import SECRETS, Secret
from tests.controllers.conftest import World, at_work
from tests.waiting import gone, until

CONTENT = {
    "/api/v1/namespaces/doomed/secrets": {},
    "/api/v1/namespaces/doomed/configmaps": {},
    "/api/v1/namespaces/doomed/serviceaccounts": {},
    "/api/v1/namespaces/doomed/events": {
        "involvedObject": {"kind": "Pod", "namespace": "doomed", "name": "p"}
    },
    "/apis/coordination.k8s.io/v1/namespaces/doomed/leases": {},
}


def controller_of(world: World) -> NamespaceController:
    return NamespaceController(world.client, Monitors(world.client), world.clock)


async def create(world: World, path: str, name: str, body: dict[str, Any]) -> None:
    tree = {"metadata": {"name": name}, **body}
    await world.client.request("POST", path, body=msgspec.json.encode(tree))


async def names(world: World, path: str) -> list[str]:
    page = msgspec.json.decode((await world.client.request("GET", path)).body)
    return [item["metadata"]["name"] for item in page["items"]]


async def secret(world: World, namespace: str, *finalizers: str) -> None:
    made = Secret(data={"password": b"x"})
    made.metadata.name = "s"
    made.metadata.finalizers = list(finalizers)
    await world.client.create(SECRETS, made, namespace)


async def test_everything_that_discovery_names_goes_and_then_the_namespace(world: World) -> None:
    await world.namespace("doomed")
    for path, body in CONTENT.items():
        await create(world, path, "x", body)
    await secret(world, "default")
    async with at_work(controller_of(world)):
        await world.client.delete(NAMESPACES, "doomed")
        await gone(lambda: world.client.get(NAMESPACES, "doomed"))
    for path in CONTENT:
        assert await names(world, path) == []
    assert (await world.client.get(SECRETS, "s", "default")).data == {"password": b"x"}


async def test_a_namespace_deleted_before_the_start_goes_too(world: World) -> None:
    await world.namespace("doomed")
    await secret(world, "doomed")
    await world.client.delete(NAMESPACES, "doomed")
    async with at_work(controller_of(world)):
        await gone(lambda: world.client.get(NAMESPACES, "doomed"))


async def test_pods_go_first_and_have_their_grace(world: World) -> None:
    """What a pod uses outlives it; asking again must not cut its time short."""
    await world.namespace("doomed")
    await world.node("n1")
    await secret(world, "doomed")
    await world.pod("p", "doomed", nodeName="n1", terminationGracePeriodSeconds=300)
    controller = controller_of(world)
    await controller.start()
    await world.client.delete(NAMESPACES, "doomed")
    deadlines = set()
    for _ in range(3):
        with pytest.raises(Again):
            await controller.reconcile(("", "doomed"))
        pod = await world.client.get(PODS, "p", "doomed")
        assert pod.metadata.deletionGracePeriodSeconds == 300
        deadlines.add(pod.metadata.deletionTimestamp)
        assert await names(world, "/api/v1/namespaces/doomed/secrets") == ["s"]
    assert len(deadlines) == 1
    # The agent ends the pod.
    await world.client.delete(PODS, "p", "doomed", grace_seconds=0)
    await controller.reconcile(("", "doomed"))
    await gone(lambda: world.client.get(NAMESPACES, "doomed"))
    controller.queue.close()
    await controller.close()


async def test_content_that_somebody_holds_holds_the_namespace(world: World) -> None:
    await world.namespace("doomed")
    await secret(world, "doomed", "example.com/hold")
    async with at_work(controller_of(world)):
        await world.client.delete(NAMESPACES, "doomed")
        held = await until(
            lambda: world.client.get(SECRETS, "s", "doomed"),
            lambda found: found.metadata.deletionTimestamp,
        )
        assert held.metadata.finalizers == ["example.com/hold"]
        assert (await world.client.get(NAMESPACES, "doomed")).status.phase == "Terminating"
        await world.client.patch(SECRETS, "s", "doomed", {"metadata": {"finalizers": None}})
        await gone(lambda: world.client.get(NAMESPACES, "doomed"))


async def test_finalizers_of_others_on_the_namespace_stay(world: World) -> None:
    await world.namespace("doomed", finalizers=["example.com/hold"])
    await secret(world, "doomed")
    async with at_work(controller_of(world)):
        await world.client.delete(NAMESPACES, "doomed")
        left = await until(
            lambda: world.client.get(NAMESPACES, "doomed"),
            lambda namespace: namespace.spec.finalizers == ["example.com/hold"],
        )
        assert left.status.phase == "Terminating"
        assert await names(world, "/api/v1/namespaces/doomed/secrets") == []
        left.spec.finalizers = []
        await world.client.update(NAMESPACES, left, subresource="finalize")
        await gone(lambda: world.client.get(NAMESPACES, "doomed"))


async def test_a_new_namespace_of_the_same_name_is_not_emptied(world: World) -> None:
    """A controller whose watch lags behind still believes in the namespace that is gone."""
    await world.namespace("doomed")
    await world.client.delete(NAMESPACES, "doomed")
    late = controller_of(world)
    await late.start()
    await late.close()
    async with at_work(controller_of(world)):
        await gone(lambda: world.client.get(NAMESPACES, "doomed"))
    await late.reconcile(("", "doomed"))  # gone: nothing to do
    await world.namespace("doomed")
    await secret(world, "doomed")
    await late.reconcile(("", "doomed"))
    assert await names(world, "/api/v1/namespaces/doomed/secrets") == ["s"]


async def test_a_namespace_that_changes_while_it_is_let_go_is_looked_at_again(
    world: World,
) -> None:
    await world.namespace("doomed")
    await world.client.delete(NAMESPACES, "doomed")
    controller = controller_of(world)
    stale = await world.client.get(NAMESPACES, "doomed")
    await world.client.patch(NAMESPACES, "doomed", "", {"metadata": {"labels": {"a": "b"}}})
    with pytest.raises(StatusError) as lost:
        await controller._finalize(stale)
    assert lost.value.reason == "Conflict"
    assert (await world.client.get(NAMESPACES, "doomed")).spec.finalizers == ["kubernetes"]
    await controller.reconcile(("", "doomed"))
    await gone(lambda: world.client.get(NAMESPACES, "doomed"))
