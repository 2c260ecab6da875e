"""Binds pods that have no node yet to a node that may run them."""

from __future__ import annotations

from collections import Counter

import msgspec

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.times import format_time
from strongroom.client.client import Client, Patch
from strongroom.client.events import EventRecorder, reference
from strongroom.client.informer import Change, Informer
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Key
from strongroom.controllers.placement import refusal
from strongroom.resources.node import NODES, Node
from strongroom.resources.pod import FINISHED, PODS, Pod

SCHEDULER = "default-scheduler"
BY_NODE = "node"


class Scheduler:
    """Watches all pods and nodes.

    A pod that fits nowhere is tried again when a node changes or a pod leaves room on one.
    """

    name = "scheduler"
    workers = 4

    def __init__(self, client: Client, events: EventRecorder, clock: Clock) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.1, limit=10.0)
        self._client = client
        self._events = events
        self._clock = clock
        self._pods = Informer(client, PODS)
        self._nodes = Informer(client, NODES)
        self._assumed: dict[str, str] = {}
        self._pods.add_index(BY_NODE, lambda pod: (pod.spec.nodeName,))

    async def start(self) -> None:
        self._nodes.start()
        await self._nodes.wait_synced()
        self._pods.add_handler(self._on_pod)
        self._pods.start()
        await self._pods.wait_synced()
        self._nodes.add_handler(self._on_node)

    async def close(self) -> None:
        await self._pods.close()
        await self._nodes.close()

    def _on_pod(self, change: Change[Pod]) -> None:
        pod = change.obj
        if change.type == "deleted" or pod.spec.nodeName:
            self._assumed.pop(pod.metadata.uid, None)
            if change.type == "deleted" or pod.status.phase in FINISHED:
                self._try_all()
        elif _waits(pod):
            self.queue.add((pod.metadata.namespace, pod.metadata.name))

    def _on_node(self, change: Change[Node]) -> None:
        self._try_all()

    def _try_all(self) -> None:
        for pod in self._pods.by_index(BY_NODE, ""):
            if _waits(pod):
                self.queue.add((pod.metadata.namespace, pod.metadata.name))

    async def reconcile(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or not _waits(pod) or pod.metadata.uid in self._assumed:
            return
        taken = self._load()
        reasons: Counter[str] = Counter()
        fits = []
        for node in self._nodes.items():
            why = refusal(pod, node, taken[node.metadata.name])
            if why:
                reasons[why] += 1
            else:
                fits.append(node.metadata.name)
        if fits:
            await self._bind(pod, min(fits, key=lambda name: (taken[name], name)))
        else:
            await self._report(pod, reasons)

    def _load(self) -> Counter[str]:
        """How many unfinished pods each node has, bindings on their way included."""
        pods = (p for p in self._pods.items() if p.status.phase not in FINISHED)
        return Counter(p.spec.nodeName or self._assumed.get(p.metadata.uid, "") for p in pods)

    async def _bind(self, pod: Pod, node: str) -> None:
        meta = pod.metadata
        # Assumed until the watch shows it, so that the next pod already counts this one.
        self._assumed[meta.uid] = node
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": meta.name, "namespace": meta.namespace, "uid": meta.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        path = f"/api/v1/namespaces/{meta.namespace}/pods/{meta.name}/binding"
        try:
            await self._client.request("POST", path, body=msgspec.json.encode(binding))
        except Exception as error:
            self._assumed.pop(meta.uid, None)
            if isinstance(error, StatusError) and error.code in (404, 409):
                return  # gone, or bound by somebody else: the watch will tell
            raise
        text = f"Successfully assigned {meta.namespace}/{meta.name} to {node}"
        self._events.record(reference(pod), "Normal", "Scheduled", text)

    async def _report(self, pod: Pod, reasons: Counter[str]) -> None:
        message = _explain(reasons)
        said = next((c for c in pod.status.conditions if c.type == "PodScheduled"), None)
        if said and said.status == "False" and said.message == message:
            return
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
        }
        if said is None or said.status != "False":
            condition["lastTransitionTime"] = format_time(self._clock.now())
        meta = pod.metadata
        patch = {"metadata": {"uid": meta.uid}, "status": {"conditions": [condition]}}
        try:
            await self._client.patch(
                PODS, meta.name, meta.namespace, patch, kind=Patch.STRATEGIC, subresource="status"
            )
        except StatusError as error:
            if error.code != 404:
                raise  # another pod of this name fails the uid: the newest is looked at again
        else:
            self._events.record(reference(pod), "Warning", "FailedScheduling", message)


def _waits(pod: Pod) -> bool:
    return (
        not pod.spec.nodeName
        and not pod.metadata.deletionTimestamp
        and pod.status.phase not in FINISHED
        and pod.spec.schedulerName in ("", SCHEDULER)
        and not pod.spec.schedulingGates
    )


def _explain(reasons: Counter[str]) -> str:
    """Say it in upstream's words: how many nodes there are, and how many fail for which reason."""
    total = sum(reasons.values())
    if not total:
        return "no nodes available to schedule pods"
    parts = sorted(f"{count} {why}" for why, count in reasons.items())
    return f"0/{total} nodes are available: {', '.join(parts)}."
