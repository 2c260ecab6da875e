"""Controllers in this process against a real API server of each test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from strongroom.api import codec
from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.events import EventRecorder
from strongroom.controllers.controller import Controller, work
from strongroom.resources.event import EVENTS
from strongroom.resources.namespace import NAMESPACES, Namespace
from strongroom.resources.node import NODES, Node
from strongroom.resources.pod import PODS, Pod
from strongroom.testing.clock import ManualClock
from tests.server.conftest import running
from tests.waiting import until

T = TypeVar("T")

READY = {"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:00:00Z"}


@dataclass(slots=True)
class World:
    """A server, a client as its admin, and short ways to say what tests say often."""

    client: Client
    events: EventRecorder
    clock: ManualClock

    async def namespace(self, name: str, **spec: Any) -> Namespace:
        tree = {"metadata": {"name": name}, "spec": spec}
        return await self.client.create(NAMESPACES, codec.from_tree(tree, Namespace))

    async def node(self, name: str, *, pods: int = 110, **spec: Any) -> Node:
        """A node that says it is ready; no agent stands behind it."""
        tree = {"metadata": {"name": name}, "spec": spec}
        await self.client.create(NODES, codec.from_tree(tree, Node))
        status = {"conditions": [READY], "allocatable": {"pods": str(pods)}}
        return await self.node_status(name, status)

    async def node_status(self, name: str, status: dict[str, Any]) -> Node:
        """Report as the node's agent does."""
        body = {"status": status}
        return await self.client.patch(NODES, name, "", body, subresource="status")

    async def pod(self, name: str, namespace: str = "default", **spec: Any) -> Pod:
        containers = [{"name": "main", "image": "none"}]
        tree = {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}
        return await self.client.create(PODS, codec.from_tree(tree, Pod), namespace)

    async def until_pod(self, name: str, holds: Callable[[Pod], object]) -> Pod:
        """The pod of the default namespace once ``holds`` of it."""
        return await until(lambda: self.client.get(PODS, name, "default"), holds)

    async def until_node(self, name: str, holds: Callable[[Node], object]) -> Node:
        """The node once ``holds`` of it."""
        return await until(lambda: self.client.get(NODES, name), holds)

    async def told(self, name: str) -> list[tuple[str, str, str]]:
        """Type, reason and message of the events about the object of this name, once some are."""
        selector = f"involvedObject.name={name}"
        found = await until(
            lambda: self.client.list(EVENTS, field_selector=selector), lambda page: page.items
        )
        return [(event.type, event.reason, event.message) for event in found.items]


@asynccontextmanager
async def at_work(controller: Controller) -> AsyncIterator[None]:
    """Run a controller as `strongroom controllers` does."""
    await controller.start()
    working = asyncio.create_task(work(controller))
    try:
        yield
    finally:
        controller.queue.close()
        await controller.close()
        await asyncio.wait_for(working, 60)


@asynccontextmanager
async def world_of(kubeconfig: Path) -> AsyncIterator[World]:
    """A client and an event recorder as the admin of the server behind this kubeconfig."""
    clock = ManualClock()
    async with Client(load_config(kubeconfig)) as client:
        events = EventRecorder(client, component="test", clock=clock)
        events.start()
        yield World(client, events, clock)
        await events.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A server of the test's own: nodes belong to no namespace that would keep tests apart."""
    async with (
        running(tmp_path),
        world_of(tmp_path / "data" / "admin.kubeconfig") as made,
    ):
        yield made
