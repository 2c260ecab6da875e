"""The node in the API: its Node object, its conditions, and the Lease that says it is alive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from strongroom.api import codec
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.times import format_micro_time, format_time
from strongroom.client.backoff import Backoff, Sleep
from strongroom.client.client import Client, Patch
from strongroom.client.errors import ClientFailure
from strongroom.node import machine
from strongroom.node.downward import NodeFacts
from strongroom.resources.lease import LEASES, NODE_LEASE_NAMESPACE, Lease
from strongroom.resources.node import NODES, Node

_log = logging.getLogger("strongroom.node")

LEASE_SECONDS = 40
RENEW_SECONDS = 10.0
REPORT_SECONDS = 300.0
"""Between two reports of a status that did not change; upstream's nodeStatusReportFrequency."""

_HEALTHY = (
    (
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


class Registration:
    """Keeps the Node object and its Lease. ``labels`` are added to the usual ones."""

    def __init__(
        self,
        client: Client,
        node: NodeFacts,
        *,
        capacity: Mapping[str, str],
        port: int,
        labels: Mapping[str, str],
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._client = client
        self._node = node
        self._capacity = dict(capacity)
        self._port = port
        self._labels = dict(labels)
        self._clock = clock
        self._sleep = sleep
        self._uid = ""
        self._changed_at: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def register(self) -> None:
        """Make the Node known and ready, trying until the server takes it; then keep it so."""
        backoff = Backoff(initial=0.2, limit=7.0)
        while True:
            try:
                await self._register_once()
                break
            except (StatusError, ClientFailure) as error:
                _log.warning("cannot register node %s: %s", self._node.name, error)
                await self._sleep(backoff.next())
        self._tasks = [
            asyncio.create_task(self._keep_renewing()),
            asyncio.create_task(self._keep_reporting()),
        ]

    async def close(self) -> None:
        """Stop renewing; others learn of the node's end when the lease runs out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _register_once(self) -> None:
        labels = {
            "kubernetes.io/hostname": self._node.name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": machine.architecture(),
            "beta.kubernetes.io/os": "linux",
            "beta.kubernetes.io/arch": machine.architecture(),
            **self._labels,
        }
        tree = {"metadata": {"name": self._node.name, "labels": labels}}
        try:
            node = await self._client.create(NODES, codec.from_tree(tree, Node))
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
            body = {"metadata": {"labels": labels}}
            node = await self._client.patch(NODES, self._node.name, "", body)
        self._uid = node.metadata.uid
        self._changed_at = {c.type: c.lastTransitionTime for c in node.status.conditions}
        for condition in node.status.conditions:
            # A node that was thought dead becomes ready now, not when it last was.
            if condition.type == "Ready" and condition.status != "True":
                del self._changed_at["Ready"]
        await self._renew()
        await self._report()

    async def _report(self) -> None:
        await self._client.patch(
            NODES,
            self._node.name,
            "",
            {"status": self._status()},
            kind=Patch.STRATEGIC,
            subresource="status",
        )

    def _status(self) -> dict[str, Any]:
        now = format_time(self._clock.now())
        conditions = [
            {
                "type": type_,
                "status": status,
                "reason": reason,
                "message": message,
                "lastHeartbeatTime": now,
                "lastTransitionTime": self._changed_at.setdefault(type_, now),
            }
            for type_, status, reason, message in _HEALTHY
        ]
        addresses = [{"type": "InternalIP", "address": a} for a in self._node.addresses]
        status: dict[str, Any] = {
            "capacity": self._capacity,
            "allocatable": dict(self._node.allocatable),
            "conditions": conditions,
            "addresses": [*addresses, {"type": "Hostname", "address": self._node.name}],
            "nodeInfo": machine.node_info(),
        }
        if self._port:
            status["daemonEndpoints"] = {"kubeletEndpoint": {"Port": self._port}}
        return status

    async def _renew(self) -> None:
        now = format_micro_time(self._clock.now())
        spec = {
            "holderIdentity": self._node.name,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": now,
        }
        owner = {"apiVersion": "v1", "kind": "Node", "name": self._node.name, "uid": self._uid}
        try:
            await self._client.patch(LEASES, self._node.name, NODE_LEASE_NAMESPACE, {"spec": spec})
        except StatusError as error:
            if error.code != 404:
                raise
            tree = {
                "metadata": {
                    "name": self._node.name,
                    "namespace": NODE_LEASE_NAMESPACE,
                    "ownerReferences": [owner],
                },
                "spec": spec,
            }
            await self._client.create(LEASES, codec.from_tree(tree, Lease))

    async def _keep_renewing(self) -> None:
        while True:
            await self._sleep(RENEW_SECONDS)
            try:
                await self._renew()
            except (StatusError, ClientFailure) as error:
                _log.warning("cannot renew the lease of node %s: %s", self._node.name, error)

    async def _keep_reporting(self) -> None:
        while True:
            await self._sleep(REPORT_SECONDS)
            try:
                await self._report()
            except StatusError as error:
                if error.code == 404:
                    await self._register_again()
                else:
                    _log.warning("cannot report node %s: %s", self._node.name, error)
            except ClientFailure as error:
                _log.warning("cannot report node %s: %s", self._node.name, error)

    async def _register_again(self) -> None:
        """Somebody deleted the Node while it lives."""
        try:
            await self._register_once()
        except (StatusError, ClientFailure) as error:
            _log.warning("cannot register node %s again: %s", self._node.name, error)
