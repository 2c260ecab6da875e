"""All pods of the node: hands each change of the API to the worker of the pod it is about."""

from __future__ import annotations

import asyncio

from strongroom.client.informer import Change
from strongroom.node.surroundings import Surroundings
from strongroom.node.worker import PodWorker
from strongroom.resources.pod import Pod


class PodManager:
    """The workers by pod UID: a pod deleted and made anew is another pod, with another worker."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._workers: dict[str, PodWorker] = {}

    def handle(self, change: Change[Pod]) -> None:
        """A pod of this node changed in the API. Give it to the informer as its handler."""
        pod = change.obj
        worker = self._workers.get(pod.metadata.uid)
        if change.type == "deleted":
            if worker is not None:
                worker.gone()
        elif worker is not None:
            worker.update(pod)
        else:
            worker = PodWorker(pod, self._around, self._ended)
            self._workers[pod.metadata.uid] = worker
            worker.start()

    def find(self, namespace: str, name: str) -> PodWorker | None:
        """The newest pod of this name."""
        found = None
        for worker in self._workers.values():
            meta = worker.pod.metadata
            if (meta.namespace, meta.name) == (namespace, name):
                found = worker
        return found

    def count(self) -> int:
        """How many pods are on the node."""
        return len(self._workers)

    async def close(self) -> None:
        """Stop working on pods."""
        await asyncio.gather(*(worker.close() for worker in list(self._workers.values())))

    def _ended(self, worker: PodWorker) -> None:
        self._workers.pop(worker.pod.metadata.uid, None)
