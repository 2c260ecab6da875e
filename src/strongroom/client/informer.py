"""A local copy of a collection, kept by list and watch, with handlers called on each change.

    list ──→ watch from the list's revision ──→ (ended, broken) watch from the last event's revision
      ↑                                                            │
      └────────────── 410: that revision is no longer kept ←───────┘

Handlers see every object's changes in order and never twice; after a new list they see the
differences to what they knew, so nothing is missed over an interruption, deletions included.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.client.backoff import Backoff, Sleep
from strongroom.client.client import Client, WatchEvent
from strongroom.client.errors import ClientFailure
from strongroom.resources.resource import Resource

T = TypeVar("T", bound=Object)
Key = tuple[str, str]
"""Namespace (empty for cluster-scoped kinds) and name."""

_log = logging.getLogger("strongroom.client")
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """What happened to one object: ``old`` is None when it was added; ``obj`` is the newest state.

    For ``deleted``, ``obj`` is the last state known. Objects are shared: treat them as read-only.
    """

    type: Literal["added", "modified", "deleted"]
    obj: T = field(repr=False)
    old: T | None = field(default=None, repr=False)


class Informer(Generic[T]):
    """Keeps the objects of one kind (in one namespace or all, by selectors) in memory.

    ``sleep`` waits between tries. Handlers and index functions must be quick and must not block:
    they run between two events. Call ``start`` once, ``close`` at the end.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource[T],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        sleep: Sleep = asyncio.sleep,
        backoff: Backoff | None = None,
    ) -> None:
        self._client = client
        self._resource = resource
        self._namespace = namespace
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._sleep = sleep
        self._backoff = backoff or Backoff(initial=0.2, limit=30.0)
        self._objects: dict[Key, T] = {}
        self._handlers: list[Callable[[Change[T]], None]] = []
        self._indexers: dict[str, Callable[[T], Iterable[str]]] = {}
        self._indices: dict[str, dict[str, set[Key]]] = {}
        self._revision = ""
        self._synced = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.lists = 0
        """How many times the whole collection was listed; 1 when every watch could resume."""

    def add_handler(self, handler: Callable[[Change[T]], None]) -> None:
        """Call ``handler`` on every change from now on; for what is there already, at once."""
        self._handlers.append(handler)
        for obj in list(self._objects.values()):
            handler(Change("added", obj))

    def add_index(self, name: str, function: Callable[[T], Iterable[str]]) -> None:
        """Find objects by the values that ``function`` gives for them. Call it before ``start``."""
        self._indexers[name] = function
        self._indices[name] = {}

    def start(self) -> None:
        """Begin to list and watch, in a task of its own."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop watching; the objects stay readable."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    @property
    def synced(self) -> bool:
        """Whether the first list is in."""
        return self._synced.is_set()

    @property
    def revision(self) -> str:
        """The revision up to which changes have been seen; empty before the first list."""
        return self._revision

    async def wait_synced(self) -> None:
        """Wait until the first list is in."""
        await self._synced.wait()

    def get(self, namespace: str, name: str) -> T | None:
        """The object as last seen."""
        return self._objects.get((namespace, name))

    def items(self) -> list[T]:
        """All objects as last seen."""
        return list(self._objects.values())

    def by_index(self, name: str, value: str) -> list[T]:
        """The objects for which the index function of this name gives ``value``."""
        return [self._objects[key] for key in self._indices[name].get(value, ())]

    async def _run(self) -> None:
        while True:
            try:
                if not self._revision:
                    await self._list()
                await self._watch()
            except StatusError as error:
                if error.code == 410:
                    self._revision = ""
                    continue
                self._report(error)
                await self._sleep(self._backoff.next())
            except ClientFailure as error:
                self._report(error)
                await self._sleep(self._backoff.next())

    def _report(self, error: Exception) -> None:
        # These two kinds of error carry no payload: what the server or the connection said.
        _log.warning("cannot follow %s: %s", self._resource.plural, error)

    async def _list(self) -> None:
        found: dict[Key, T] = {}
        token = ""
        while True:
            page = await self._client.list(
                self._resource,
                self._namespace,
                label_selector=self._label_selector,
                field_selector=self._field_selector,
                limit=_PAGE,
                continue_token=token,
            )
            found.update((_key(obj), obj) for obj in page.items)
            token = page.continue_token
            if not token:
                break
        self.lists += 1
        self._replace(found)
        self._revision = page.revision
        self._backoff.reset()
        self._synced.set()

    def _replace(self, found: dict[Key, T]) -> None:
        for key in [key for key in self._objects if key not in found]:
            self._remove(key, self._objects[key])
        for obj in found.values():
            self._put(obj)

    async def _watch(self) -> None:
        """Follow one watch to its end; a watch that brought nothing counts as a failure."""
        fruitful = False
        watch = self._client.watch(
            self._resource,
            self._namespace,
            resource_version=self._revision,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
        )
        async with aclosing(watch) as events:
            async for event in events:
                if not fruitful:
                    fruitful = True
                    self._backoff.reset()
                self._apply(event)
        if not fruitful:
            await self._sleep(self._backoff.next())

    def _apply(self, event: WatchEvent[T]) -> None:
        if event.obj is not None:
            if event.type == "DELETED":
                self._remove(_key(event.obj), event.obj)
            else:
                self._put(event.obj)
        # After the handlers ran: a revision never claims a change that they have not seen.
        self._revision = event.revision

    def _put(self, obj: T) -> None:
        key = _key(obj)
        old = self._objects.get(key)
        if old is not None and old.metadata.resourceVersion == obj.metadata.resourceVersion:
            return
        if old is not None and old.metadata.uid != obj.metadata.uid:
            # Deleted and made anew while nobody watched: two objects, not one that changed.
            self._remove(key, old)
            old = None
        self._unindex(key, old)
        self._objects[key] = obj
        for name, function in self._indexers.items():
            for value in function(obj):
                self._indices[name].setdefault(value, set()).add(key)
        self._tell(Change("modified" if old is not None else "added", obj, old))

    def _remove(self, key: Key, obj: T) -> None:
        old = self._objects.pop(key, None)
        if old is None:
            return
        self._unindex(key, old)
        self._tell(Change("deleted", obj, old))

    def _unindex(self, key: Key, old: T | None) -> None:
        if old is None:
            return
        for name, function in self._indexers.items():
            for value in function(old):
                keys = self._indices[name].get(value, set())
                keys.discard(key)
                if not keys:
                    self._indices[name].pop(value, None)

    def _tell(self, change: Change[T]) -> None:
        for handler in self._handlers:
            handler(change)


def _key(obj: Object) -> Key:
    return obj.metadata.namespace, obj.metadata.name
