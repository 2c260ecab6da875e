"""Nodes that fall silent, come back, or vanish under their pods; time moves by the test's hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from strongroom.api import codec
from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.errors import Unreachable
from strongroom.controllers.node_lifecycle import (
    GRACE,
    QUARANTINE,
    SILENT,
    NodeLifecycle,
)
from strongroom.resources.lease import LEASES, NODE_LEASE_NAMESPACE, Lease
from strongroom.resources.node import NODES, Node
from strongroom.resources.pod import PODS
from tests.controllers.conftest import READY, World, at_work
from tests.waiting import gone, until


class Ticks:
    """A sleep that ends when the test lets it."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self._next.wait()
        self._next.clear()

    def tick(self) -> None:
        self._next.set()


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
async def lifecycle(world: World, ticks: Ticks) -> AsyncIterator[NodeLifecycle]:
    """The controller, following the server but asked to reconcile only by the test."""
    made = NodeLifecycle(world.client, world.events, world.clock, ticks.sleep)
    await made.start()
    yield made
    made.queue.close()
    await made.close()


async def renew(world: World, stamp: str) -> None:
    spec = {"renewTime": stamp}
    try:
        await world.client.patch(LEASES, "n1", NODE_LEASE_NAMESPACE, {"spec": spec})
    except StatusError:
        tree = {"metadata": {"name": "n1", "namespace": NODE_LEASE_NAMESPACE}, "spec": spec}
        await world.client.create(LEASES, codec.from_tree(tree, Lease))


def ready(node: Node) -> tuple[str, str, str]:
    [condition] = node.status.conditions
    return condition.status, condition.reason, condition.message


async def look(lifecycle: NodeLifecycle, world: World) -> Node:
    """Let the controller catch up with the server and look at the node; the node after it."""
    newest = await world.client.get(NODES, "n1")

    async def seen() -> bool:
        found = lifecycle._nodes.get("", "n1")
        return found is not None and (
            found.metadata.resourceVersion == newest.metadata.resourceVersion
        )

    await until(seen, bool)
    await lifecycle.reconcile(("", "n1"))
    return await world.client.get(NODES, "n1")


async def test_a_silent_node_is_marked_unknown_and_told_of(
    world: World, lifecycle: NodeLifecycle
) -> None:
    await world.node("n1")
    await renew(world, "2026-01-01T00:00:00.000000Z")
    await look(lifecycle, world)
    world.clock.advance(GRACE)
    assert ready(await look(lifecycle, world))[0] == "True"
    world.clock.advance(1)
    node = await look(lifecycle, world)
    assert ready(node) == ("Unknown", "NodeStatusUnknown", SILENT)
    [condition] = node.status.conditions
    assert condition.lastTransitionTime == "2026-01-01T00:00:51Z"
    # What the agent said last stays readable.
    assert condition.lastHeartbeatTime == READY["lastHeartbeatTime"]
    text = "Node n1 status is now: NodeNotReady"
    assert await world.told("n1") == [("Normal", "NodeNotReady", text)]
    revision = node.metadata.resourceVersion
    assert (await look(lifecycle, world)).metadata.resourceVersion == revision


@pytest.mark.parametrize("sign", ["lease", "status"])
async def test_each_sign_of_life_gives_the_whole_time_again(
    world: World, lifecycle: NodeLifecycle, sign: str
) -> None:
    await world.node("n1")
    for minute in range(5):
        # The node's own clock stands years behind: what counts is that it moves.
        stamp = f"2020-01-01T00:0{minute}:00"
        if sign == "lease":
            await renew(world, f"{stamp}.000000Z")
        else:
            said = {"conditions": [{**READY, "lastHeartbeatTime": f"{stamp}Z"}]}
            await world.node_status("n1", said)
        assert ready(await look(lifecycle, world))[0] == "True"
        world.clock.advance(GRACE - 1)
    assert ready(await look(lifecycle, world))[0] == "True"


async def test_a_node_that_reports_again_is_believed_again(
    world: World, lifecycle: NodeLifecycle
) -> None:
    await world.node("n1")
    await look(lifecycle, world)
    world.clock.advance(GRACE + 1)
    assert ready(await look(lifecycle, world))[0] == "Unknown"
    await world.node_status("n1", {"conditions": [{**READY, "lastHeartbeatTime": None}]})
    assert ready(await look(lifecycle, world))[0] == "True"
    world.clock.advance(GRACE)
    assert ready(await look(lifecycle, world))[0] == "True"


async def test_a_node_that_reports_while_it_is_judged_wins(
    world: World, lifecycle: NodeLifecycle
) -> None:
    await world.node("n1")
    silent = await look(lifecycle, world)
    await world.node_status("n1", {"conditions": [{**READY, "message": "here I am"}]})
    with pytest.raises(StatusError) as refused:
        await lifecycle._mark(silent)
    assert refused.value.reason == "Conflict"
    assert ready(await world.client.get(NODES, "n1"))[0] == "True"


async def test_the_ticker_finds_the_silence_that_no_event_tells_of(
    world: World, ticks: Ticks
) -> None:
    await world.node("n1")
    controller = NodeLifecycle(world.client, world.events, world.clock, ticks.sleep)
    async with at_work(controller):

        async def heard() -> bool:
            return "n1" in controller._heard

        await until(heard, bool)
        world.clock.advance(GRACE + 1)
        ticks.tick()
        await world.until_node("n1", lambda node: ready(node)[0] == "Unknown")


async def test_pods_of_a_vanished_node_are_removed_after_a_while(
    world: World, lifecycle: NodeLifecycle
) -> None:
    await world.node("n1")
    await world.node("n2")
    await world.pod("lost", nodeName="n1", terminationGracePeriodSeconds=300)
    await world.pod("kept", nodeName="n2")
    await world.pod("waiting")
    await world.client.delete(NODES, "n1")

    async def noticed() -> bool:
        await lifecycle.reconcile(("", "n1"))
        return "n1" in lifecycle._missed

    await until(noticed, bool)
    world.clock.advance(QUARANTINE - 1)
    await lifecycle.reconcile(("", "n1"))
    await world.client.get(PODS, "lost", "default")
    world.clock.advance(1)
    await lifecycle.reconcile(("", "n1"))
    left = await world.client.list(PODS, "default")
    assert {pod.metadata.name for pod in left.items} == {"kept", "waiting"}


async def test_pods_that_came_before_their_node_are_left_in_peace(
    world: World, lifecycle: NodeLifecycle
) -> None:
    await world.pod("early", nodeName="n1")

    async def noticed() -> bool:
        await lifecycle.reconcile(("", "n1"))
        return "n1" in lifecycle._missed

    await until(noticed, bool)
    await world.node("n1")
    await look(lifecycle, world)
    await world.client.delete(NODES, "n1")
    world.clock.advance(QUARANTINE)
    # It is missed anew, from now on.
    await until(noticed, bool)
    await world.client.get(PODS, "early", "default")


async def test_the_ticker_ends_the_quarantine(world: World, ticks: Ticks) -> None:
    await world.pod("orphan", nodeName="never-there")
    controller = NodeLifecycle(world.client, world.events, world.clock, ticks.sleep)
    async with at_work(controller):

        async def missed() -> bool:
            return "never-there" in controller._missed

        await until(missed, bool)
        world.clock.advance(QUARANTINE)
        ticks.tick()
        await gone(lambda: world.client.get(PODS, "orphan", "default"))
        ticks.tick()
        await until(missed, lambda found: not found)


async def test_a_node_that_only_the_watch_has_not_seen_yet_keeps_its_pods(
    world: World, lifecycle: NodeLifecycle
) -> None:
    await world.pod("p", nodeName="n1")

    async def noticed() -> bool:
        await lifecycle.reconcile(("", "n1"))
        return "n1" in lifecycle._missed

    await until(noticed, bool)
    await lifecycle._nodes.close()
    await world.node("n1")
    world.clock.advance(QUARANTINE)
    await lifecycle.reconcile(("", "n1"))
    await world.client.get(PODS, "p", "default")


async def test_silence_while_the_server_is_away_is_not_the_nodes(
    world: World, lifecycle: NodeLifecycle
) -> None:
    await world.node("n1")
    await renew(world, "2026-01-01T00:00:00.000000Z")
    await look(lifecycle, world)
    world.clock.advance(GRACE + 1)
    nowhere = replace(world.client.config, server="https://127.0.0.1:1")
    async with Client(nowhere) as lifecycle._client:
        with pytest.raises(Unreachable):
            await lifecycle.reconcile(("", "n1"))
    lifecycle._client = world.client
    assert ready(await look(lifecycle, world))[0] == "True"
    world.clock.advance(GRACE + 1)
    assert ready(await look(lifecycle, world))[0] == "Unknown"
