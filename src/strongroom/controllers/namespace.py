"""Empties namespaces that are being deleted, pods first, and lets them go."""

from __future__ import annotations

import msgspec

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.discovery import Kind
from strongroom.client.informer import Change, Informer
from strongroom.client.metadata import Partial
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Again, Key
from strongroom.controllers.emptying import empty
from strongroom.controllers.monitors import Monitors
from strongroom.controllers.namespace_conditions import Findings, conditions_after
from strongroom.resources.namespace import FINALIZER, NAMESPACES, Namespace

GATHER = 0.05
"""Seconds in which objects that go are taken together."""
LONGEST = 15.0
"""Most seconds until a namespace is looked at again of whose content nothing is heard."""


class NamespaceController:
    """Looks at a namespace when its deletion begins, when something in it goes, and on and on,
    less and less often, while something remains."""

    name = "namespace"
    workers = 4

    def __init__(self, client: Client, monitors: Monitors, clock: Clock) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.1, limit=LONGEST)
        self._client = client
        self._clock = clock
        self._namespaces = Informer(client, NAMESPACES)
        self._monitors = monitors

    async def start(self) -> None:
        self._namespaces.add_handler(self._on_namespace)
        self._namespaces.start()
        self._monitors.add_handler(self._on_content)
        self._monitors.start()
        await self._namespaces.wait_synced()

    async def close(self) -> None:
        await self._namespaces.close()
        await self._monitors.close()

    def _on_namespace(self, change: Change[Namespace]) -> None:
        if change.type != "deleted" and _ending(change.obj):
            self.queue.add(("", change.obj.metadata.name))

    def _on_content(self, kind: Kind, change: Change[Partial]) -> None:
        if change.type != "deleted":
            return
        name = change.obj.metadata.namespace
        namespace = self._namespaces.get("", name) if name else None
        if namespace is not None and _ending(namespace):
            self.queue.add_after(("", name), GATHER)

    async def reconcile(self, key: Key) -> None:
        name = key[1]
        # Read anew: what the watch last showed may be gone, and its name be a new namespace's,
        # whose content must not be touched.
        namespace = await self._read(name)
        if namespace is None or not _ending(namespace):
            return
        findings = await empty(self._client, name)
        try:
            namespace = await self._tell(namespace, findings)
            if findings.clean:
                await self._finalize(namespace)
        except StatusError as error:
            if error.code != 404:
                raise
            return
        if not findings.clean:
            raise Again

    async def _read(self, name: str) -> Namespace | None:
        try:
            return await self._client.get(NAMESPACES, name)
        except StatusError as error:
            if error.code != 404:
                raise
            return None

    async def _tell(self, namespace: Namespace, findings: Findings) -> Namespace:
        """Say in the status how it stands; the namespace as it is then."""
        status = namespace.status
        conditions = conditions_after(status.conditions, findings, self._clock.now())
        if conditions == status.conditions:
            return namespace
        namespace.status = msgspec.structs.replace(status, conditions=conditions)
        return await self._client.update(NAMESPACES, namespace, subresource="status")

    async def _finalize(self, namespace: Namespace) -> None:
        """Take our finalizer off; raises StatusError 409 when somebody changed it meanwhile."""
        namespace.spec.finalizers = [f for f in namespace.spec.finalizers if f != FINALIZER]
        await self._client.update(NAMESPACES, namespace, subresource="finalize")


def _ending(namespace: Namespace) -> bool:
    """Whether we have to empty it."""
    return bool(namespace.metadata.deletionTimestamp) and FINALIZER in namespace.spec.finalizers
