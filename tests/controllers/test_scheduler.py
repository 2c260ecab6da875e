"""Pods find nodes: the first choice, the wait for one, and races that others win."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest

from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.controllers.scheduler import Scheduler
from strongroom.resources.node import NODES
from strongroom.resources.pod import PODS, Pod
from tests.controllers.conftest import World, at_work


def scheduler(world: World) -> Scheduler:
    return Scheduler(world.client, world.events, world.clock)


def unscheduled(pod: Pod) -> str:
    """Why the pod's condition says that it has no node; empty when it does not say so."""
    return next(
        (c.message for c in pod.status.conditions if c.reason == "Unschedulable"),
        "",
    )


async def bind(client: Client, name: str, node: str) -> None:
    target = {"metadata": {"name": name}, "target": {"kind": "Node", "name": node}}
    path = f"/api/v1/namespaces/default/pods/{name}/binding"
    await client.request("POST", path, body=msgspec.json.encode(target))


async def test_a_pod_is_bound_to_a_ready_node_and_told_so(world: World) -> None:
    await world.node("n1")
    await world.pod("before")
    async with at_work(scheduler(world)):
        await world.pod("after")
        for name in ("before", "after"):
            pod = await world.until_pod(name, lambda pod: pod.spec.nodeName)
            assert pod.spec.nodeName == "n1"
            assert ("PodScheduled", "True") in [(c.type, c.status) for c in pod.status.conditions]
            text = f"Successfully assigned default/{name} to n1"
            assert await world.told(name) == [("Normal", "Scheduled", text)]


async def test_pods_go_where_the_fewest_are(world: World) -> None:
    for name in ("n1", "n2", "n3"):
        await world.node(name)
    await world.pod("there", nodeName="n1")
    async with at_work(scheduler(world)):
        # At once: each choice must count the bindings that are still on their way.
        names = [f"p{number}" for number in range(8)]
        await asyncio.gather(*(world.pod(name) for name in names))
        for name in names:
            await world.until_pod(name, lambda pod: pod.spec.nodeName)
    pods = await world.client.list(PODS, "default")
    assert Counter(pod.spec.nodeName for pod in pods.items) == {"n1": 3, "n2": 3, "n3": 3}


async def test_a_pod_waits_aloud_until_a_node_appears(world: World) -> None:
    async with at_work(scheduler(world)):
        await world.pod("p")
        pod = await world.until_pod("p", unscheduled)
        assert unscheduled(pod) == "no nodes available to schedule pods"
        [event] = await world.told("p")
        assert event == ("Warning", "FailedScheduling", "no nodes available to schedule pods")
        await world.node("n1")
        pod = await world.until_pod("p", lambda pod: pod.spec.nodeName)
        assert not unscheduled(pod)


async def test_every_reason_is_counted_and_a_new_reason_keeps_the_time_of_the_change(
    world: World,
) -> None:
    await world.node("n1", unschedulable=True)
    await world.node("n2", unschedulable=True)
    await world.node("n3", pods=0)
    async with at_work(scheduler(world)):
        await world.pod("p")
        pod = await world.until_pod("p", unscheduled)
        text = "0/3 nodes are available: 1 Too many pods, 2 node(s) were unschedulable."
        assert unscheduled(pod) == text
        since = pod.status.conditions[0].lastTransitionTime
        world.clock.advance(3600)
        await world.client.delete(NODES, "n3")
        text = "0/2 nodes are available: 2 node(s) were unschedulable."
        pod = await world.until_pod("p", lambda pod: unscheduled(pod) == text)
        assert pod.status.conditions[0].lastTransitionTime == since


async def test_a_pod_that_leaves_makes_room(world: World) -> None:
    await world.node("n1", pods=1)
    await world.pod("first", nodeName="n1")
    await world.pod("second", nodeName="n1")
    async with at_work(scheduler(world)):
        await world.pod("third")
        await world.until_pod("third", unscheduled)
        await world.client.delete(PODS, "first", "default", grace_seconds=0)
        done = {"status": {"phase": "Succeeded"}}
        await world.client.patch(PODS, "second", "default", done, subresource="status")
        await world.until_pod("third", lambda pod: pod.spec.nodeName == "n1")


async def test_pods_of_other_schedulers_and_gated_pods_are_left_alone(world: World) -> None:
    await world.node("n1")
    await world.pod("theirs", schedulerName="another")
    await world.pod("gated", schedulingGates=[{"name": "example.com/gate"}])
    async with at_work(scheduler(world)):
        await world.pod("ours")
        await world.until_pod("ours", lambda pod: pod.spec.nodeName)
        for name in ("theirs", "gated"):
            assert (await world.client.get(PODS, name, "default")).spec.nodeName == ""
        await world.client.patch(PODS, "gated", "default", {"spec": {"schedulingGates": None}})
        await world.until_pod("gated", lambda pod: pod.spec.nodeName == "n1")


async def test_races_that_others_win_end_quietly(world: World) -> None:
    """The scheduler acts on what it saw; the pod may be gone, another, or bound since then."""
    await world.node("n1")
    for name in ("deleted", "replaced", "bound"):
        await world.pod(name)
    late = scheduler(world)
    await late.start()
    # From here on it sees nothing, as one whose watch lags behind.
    await late.close()
    for name in ("deleted", "replaced"):
        await world.client.delete(PODS, name, "default", grace_seconds=0)
    replacement = await world.pod("replaced")
    await bind(world.client, "bound", "elsewhere")
    for name in ("deleted", "replaced", "bound"):
        await late.reconcile(("default", name))
    found = {pod.metadata.name: pod for pod in (await world.client.list(PODS, "default")).items}
    assert set(found) == {"replaced", "bound"}
    assert found["replaced"].metadata.uid == replacement.metadata.uid
    assert found["replaced"].spec.nodeName == ""
    assert found["bound"].spec.nodeName == "elsewhere"


async def test_a_pod_that_is_gone_or_another_is_not_told_why_it_waits(world: World) -> None:
    for name in ("deleted", "replaced"):
        await world.pod(name)
    late = scheduler(world)
    await late.start()
    await late.close()
    for name in ("deleted", "replaced"):
        await world.client.delete(PODS, name, "default", grace_seconds=0)
    await world.pod("replaced")
    await late.reconcile(("default", "deleted"))
    with pytest.raises(StatusError, match=r"metadata\.uid"):
        await late.reconcile(("default", "replaced"))
    replacement = await world.client.get(PODS, "replaced", "default")
    assert replacement.status.conditions == []
