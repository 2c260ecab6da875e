"""Notices nodes whose agent has gone silent, and removes pods of nodes that no longer exist."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.times import format_time, parse_time
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client, Patch
from strongroom.client.events import EventRecorder, reference
from strongroom.client.informer import Change, Informer
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Key
from strongroom.resources.lease import LEASES
from strongroom.resources.node import NODES, Node
from strongroom.resources.pod import PODS, Pod

GRACE = timedelta(seconds=50)
"""How long a node may be silent (upstream's ``--node-monitor-grace-period`` since 1.32)."""
PERIOD = 5.0
"""Seconds between looks at a node's lease (upstream's ``--node-monitor-period``)."""
LEASE_NAMESPACE = "kube-node-lease"
SILENT = "Kubelet stopped posting node status."


class NodeLifecycle:
    """Keys are nodes; each is looked at on every change of it and every few seconds."""

    name = "node-lifecycle"

    def __init__(
        self, client: Client, events: EventRecorder, clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(limit=10.0)
        self._client = client
        self._events = events
        self._clock = clock
        self._sleep = sleep
        self._nodes = Informer(client, NODES)
        self._pods = Informer(client, PODS)
        self._pods.add_index("node", lambda pod: (pod.spec.nodeName,))
        self._ticker: asyncio.Task[None] | None = None
        self._began = clock.now()

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
            for node in self._nodes.items():
                self.queue.add(("", node.metadata.name))

    async def reconcile(self, key: Key) -> None:
        node = self._nodes.get(*key)
        if node is None:
            await self._collect(key[1])
        elif _said_ready(node) != "Unknown" and await self._silent(node):
            await self._mark(node)

    async def _silent(self, node: Node) -> bool:
        now = self._clock.now()
        if now - self._began < GRACE:
            return False  # we were away ourselves: give every agent the time to show up
        return now - await self._last_heard(node) > GRACE

    async def _last_heard(self, node: Node) -> datetime:
        times = [c.lastHeartbeatTime for c in node.status.conditions if c.lastHeartbeatTime]
        times.append(node.metadata.creationTimestamp)
        try:
            lease = await self._client.get(LEASES, node.metadata.name, LEASE_NAMESPACE)
            times.append(lease.spec.renewTime)
        except StatusError as error:
            if error.code != 404:
                raise
        return max(parse_time(text) for text in times if text)

    async def _mark(self, node: Node) -> None:
        now = format_time(self._clock.now())
        condition = {
            "type": "Ready",
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": SILENT,
            "lastTransitionTime": now,
        }
        patch = {"status": {"conditions": [condition]}}
        name = node.metadata.name
        await self._client.patch(NODES, name, "", patch, kind=Patch.STRATEGIC, subresource="status")
        text = f"Node {name} status is now: NodeNotReady"
        self._events.record(reference(node), "Normal", "NodeNotReady", text)

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
