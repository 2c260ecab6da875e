"""Notices nodes whose agent has gone silent, and removes pods of nodes that no longer exist.

A node is heard when its lease or its status changes, at the moment when this controller sees the
change: what the node's own clock says is only compared with what it said before, so that a clock
that goes wrong over there does not make a living node dead.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.times import format_time
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client, Patch
from strongroom.client.errors import ClientFailure
from strongroom.client.events import EventRecorder, reference
from strongroom.client.informer import Change, Informer
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Key
from strongroom.resources.lease import LEASES, NODE_LEASE_NAMESPACE
from strongroom.resources.node import NODES, Node
from strongroom.resources.pod import PODS, Pod

GRACE = 50.0
"""Seconds that a node may be silent (upstream's ``--node-monitor-grace-period`` since 1.32)."""
PERIOD = 5.0
"""Seconds between looks at a node's lease (upstream's ``--node-monitor-period``)."""
QUARANTINE = 40.0
"""Seconds from noticing that a pod's node does not exist to removing the pod (upstream's pod
garbage collector): a node may be about to register, or to come back."""
SILENT = "Kubelet stopped posting node status."


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest signs of life of a node, as it dated them, and when they were first seen."""

    signs: tuple[str, ...]
    at: float
    """On the monotonic clock of this process, in seconds."""


class NodeLifecycle:
    """Keys are nodes; each is looked at on every change of it and every few seconds."""

    name = "node-lifecycle"
    workers = 4

    def __init__(
        self, client: Client, events: EventRecorder, clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.5, limit=10.0)
        self._client = client
        self._events = events
        self._clock = clock
        self._sleep = sleep
        self._nodes = Informer(client, NODES)
        self._pods = Informer(client, PODS)
        self._pods.add_index("node", lambda pod: (pod.spec.nodeName,))
        self._ticker: asyncio.Task[None] | None = None
        self._heard: dict[str, Heard] = {}
        self._missed: dict[str, float] = {}
        """Nodes that pods name and that are not there: since when, on the monotonic clock."""

    async def start(self) -> None:
        self._pods.start()
        await self._pods.wait_synced()
        self._nodes.add_handler(self._on_node)
        self._nodes.start()
        await self._nodes.wait_synced()
        self._pods.add_handler(self._on_pod)
        self._ticker = asyncio.create_task(self._tick())

    async def close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        await self._nodes.close()
        await self._pods.close()

    def _on_node(self, change: Change[Node]) -> None:
        self.queue.add(("", change.obj.metadata.name))

    def _on_pod(self, change: Change[Pod]) -> None:
        node = change.obj.spec.nodeName
        if node and change.type != "deleted" and self._nodes.get("", node) is None:
            self.queue.add(("", node))

    async def _tick(self) -> None:
        while True:
            await self._sleep(PERIOD)
            for name in [*self._missed, *(node.metadata.name for node in self._nodes.items())]:
                self.queue.add(("", name))

    async def reconcile(self, key: Key) -> None:
        name = key[1]
        node = self._nodes.get(*key)
        if node is None:
            self._heard.pop(name, None)
            await self._miss(name)
            return
        self._missed.pop(name, None)
        silent = await self._silence(node) > GRACE
        if silent and _said_ready(node) != "Unknown":
            await self._mark(node)

    async def _silence(self, node: Node) -> float:
        """For how many seconds nothing of the node changed; 0 when it was not known before."""
        name = node.metadata.name
        try:
            signs = await self._signs(node)
        except ClientFailure:
            # Nobody can be heard while the server is away: all get the whole time again.
            self._heard.clear()
            raise
        now = self._clock.monotonic()
        if name not in self._heard or self._heard[name].signs != signs:
            self._heard[name] = Heard(signs, now)
        return now - self._heard[name].at

    async def _signs(self, node: Node) -> tuple[str, ...]:
        beats = tuple(c.lastHeartbeatTime for c in node.status.conditions)
        try:
            lease = await self._client.get(LEASES, node.metadata.name, NODE_LEASE_NAMESPACE)
        except StatusError as error:
            if error.code != 404:
                raise
            return (node.metadata.uid, *beats)
        return (node.metadata.uid, lease.spec.renewTime, *beats)

    async def _mark(self, node: Node) -> None:
        now = format_time(self._clock.now())
        condition = {
            "type": "Ready",
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": SILENT,
            "lastTransitionTime": now,
        }
        # As of the state that was judged: a node that reports in this moment wins with a 409.
        revision = {"resourceVersion": node.metadata.resourceVersion}
        patch = {"metadata": revision, "status": {"conditions": [condition]}}
        name = node.metadata.name
        await self._client.patch(NODES, name, "", patch, kind=Patch.STRATEGIC, subresource="status")
        text = f"Node {name} status is now: NodeNotReady"
        self._events.record(reference(node), "Normal", "NodeNotReady", text)

    async def _miss(self, node: str) -> None:
        if not self._pods.by_index("node", node):
            self._missed.pop(node, None)
            return
        now = self._clock.monotonic()
        if now - self._missed.setdefault(node, now) >= QUARANTINE:
            await self._collect(node)

    async def _collect(self, node: str) -> None:
        """Force-delete the pods of a node that is gone: no agent is left to end them."""
        for pod in self._pods.by_index("node", node):
            meta = pod.metadata
            try:
                await self._client.get(NODES, node)
                return
            except StatusError as error:
                if error.code != 404:
                    raise
            try:
                await self._client.delete(
                    PODS, meta.name, meta.namespace, grace_seconds=0, uid=meta.uid
                )
            except StatusError as error:
                if error.code not in (404, 409):
                    raise


def _said_ready(node: Node) -> str:
    return next((c.status for c in node.status.conditions if c.type == "Ready"), "")
