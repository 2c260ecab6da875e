"""Empties namespaces that are being deleted, pods first, and lets them go."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.informer import Change, Informer
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Key
from strongroom.resources.namespace import FINALIZER, NAMESPACES, Namespace

LOOK_AGAIN = 0.5
"""Seconds until a namespace with content left is looked at again."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A namespaced kind of objects: the API that serves it and its plural name."""

    root: str
    plural: str

    def path(self, namespace: str) -> str:
        return f"{self.root}/namespaces/{namespace}/{self.plural}"


class NamespaceController:
    """Pods go before everything else, so that what they use outlives them (KEP-5080)."""

    name = "namespace"
    workers = 4

    def __init__(self, client: Client) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.1, limit=60.0)
        self._client = client
        self._namespaces = Informer(client, NAMESPACES)

    async def start(self) -> None:
        self._namespaces.add_handler(self._on_namespace)
        self._namespaces.start()
        await self._namespaces.wait_synced()

    async def close(self) -> None:
        await self._namespaces.close()

    def _on_namespace(self, change: Change[Namespace]) -> None:
        if change.type != "deleted" and change.obj.metadata.deletionTimestamp:
            self.queue.add(("", change.obj.metadata.name))

    async def reconcile(self, key: Key) -> None:
        name = key[1]
        # Read anew: what the watch last showed may be gone, and its name be a new namespace's,
        # whose content must not be touched.
        namespace = await self._read(name)
        if namespace is None or not namespace.metadata.deletionTimestamp:
            return
        if FINALIZER not in namespace.spec.finalizers:
            return
        collections = await self._collections()
        pods = [c for c in collections if (c.root, c.plural) == ("/api/v1", "pods")]
        others = [c for c in collections if c not in pods]
        if await self._remains(name, pods) or await self._remains(name, others):
            self.queue.add_after(key, LOOK_AGAIN)
            return
        await self._finalize(namespace)

    async def _read(self, name: str) -> Namespace | None:
        try:
            return await self._client.get(NAMESPACES, name)
        except StatusError as error:
            if error.code != 404:
                raise
            return None

    async def _remains(self, namespace: str, collections: list[Collection]) -> bool:
        """Delete the content of these collections; whether some of it is still there."""
        remains = False
        for collection in collections:
            path = collection.path(namespace)
            try:
                await self._client.request("DELETE", path)
                page = await self._client.request("GET", path, params={"limit": "1"})
            except StatusError as error:
                if error.code not in (404, 405):
                    raise
                continue
            remains = remains or bool(msgspec.json.decode(page.body).get("items"))
        return remains

    async def _finalize(self, namespace: Namespace) -> None:
        """Take our finalizer off; raises StatusError 409 when somebody changed it meanwhile."""
        namespace.spec.finalizers = [f for f in namespace.spec.finalizers if f != FINALIZER]
        try:
            await self._client.update(NAMESPACES, namespace, subresource="finalize")
        except StatusError as error:
            if error.code != 404:
                raise

    async def _collections(self) -> list[Collection]:
        """Every namespaced kind that the server can delete, as its discovery tells."""
        groups = msgspec.json.decode((await self._client.request("GET", "/apis")).body)
        preferred = [group["preferredVersion"]["groupVersion"] for group in groups["groups"]]
        found = []
        for root in ("/api/v1", *(f"/apis/{version}" for version in preferred)):
            answer = msgspec.json.decode((await self._client.request("GET", root)).body)
            found += [
                Collection(root, each["name"])
                for each in answer["resources"]
                if each["namespaced"] and "/" not in each["name"] and "delete" in each["verbs"]
            ]
        return found
