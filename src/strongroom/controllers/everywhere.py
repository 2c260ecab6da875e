"""Keeps one object of a name in every active namespace: made anew when deleted, set right when
changed.

Only that object of each namespace is watched, so what else there is of its kind costs nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Generic, TypeVar

from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.client.client import Client
from strongroom.client.informer import Change, Informer
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Key
from strongroom.resources.namespace import ACTIVE, NAMESPACES, Namespace
from strongroom.resources.resource import Resource

T = TypeVar("T", bound=Object)

Wanted = Callable[[T | None], T | None]
"""The object to write, given what is there (which it may change); None if all is well."""


class Everywhere(Generic[T]):
    """Keys are namespaces. ``name`` is the controller's, ``called`` the object's."""

    workers = 4

    def __init__(
        self, client: Client, name: str, resource: Resource[T], called: str, wanted: Wanted[T]
    ) -> None:
        self.name = name
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.05, limit=30.0)
        self._client = client
        self._resource = resource
        self._called = called
        self._wanted = wanted
        self._namespaces = Informer(client, NAMESPACES)
        self._objects = Informer(client, resource, field_selector=f"metadata.name={called}")

    async def start(self) -> None:
        # The objects first: else each namespace would seem to have none.
        self._objects.add_handler(self._on_object)
        self._objects.start()
        await self._objects.wait_synced()
        self._namespaces.add_handler(self._on_namespace)
        self._namespaces.start()
        await self._namespaces.wait_synced()

    async def close(self) -> None:
        await self._namespaces.close()
        await self._objects.close()

    def _on_namespace(self, change: Change[Namespace]) -> None:
        if change.type != "deleted":
            self.queue.add(("", change.obj.metadata.name))

    def _on_object(self, change: Change[T]) -> None:
        self.queue.add(("", change.obj.metadata.namespace))

    async def reconcile(self, key: Key) -> None:
        namespace = self._namespaces.get(*key)
        if namespace is None or namespace.status.phase != ACTIVE:
            return
        name = namespace.metadata.name
        found = self._objects.get(name, self._called)
        wanted = self._wanted(copy.deepcopy(found))
        if wanted is None:
            return
        try:
            if found is None:
                wanted.metadata.name = self._called
                await self._client.create(self._resource, wanted, name)
            else:
                await self._client.update(self._resource, wanted)
        except StatusError as error:
            if not _passes(error):
                raise


def _passes(error: StatusError) -> bool:
    """Whether nothing is left to do: the namespace goes, or another state is there by now.

    Of that other state the watch will tell, and it is looked at then.
    """
    causes = error.details.causes if error.details else []
    ending = any(cause.reason == "NamespaceTerminating" for cause in causes)
    return ending or error.code in (404, 409)
