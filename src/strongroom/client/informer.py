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
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.client.backoff import Backoff, Sleep
from strongroom.client.client import Client, ObjectList, WatchEvent
from strongroom.client.errors import ClientFailure
from strongroom.resources.resource import Resource


class Identity(Protocol):
    """What must be known of an object to follow it."""

    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def resourceVersion(self) -> str: ...  # noqa: N802 - the field's own name


class Followed(Protocol):
    """An object, or what is left of it where only its metadata is wanted."""

    @property
    def metadata(self) -> Identity: ...


T = TypeVar("T", bound=Followed)
Obj = TypeVar("Obj", bound=Object)
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


class Source(Protocol[T]):
    """A collection on a server. Both methods raise StatusError and ClientFailure."""

    @property
    def name(self) -> str:
        """What it is called in the log."""
        ...

    async def list(self, limit: int, continue_token: str) -> ObjectList[T]:
        """A page of the collection."""
        ...

    def watch(self, revision: str) -> AsyncGenerator[WatchEvent[T], None]:
        """Every change after a revision, until the server ends the watch."""
        ...


@dataclass(frozen=True, slots=True)
class Collection(Generic[Obj]):
    """The objects of one kind, in one namespace or all, by selectors."""

    client: Client
    resource: Resource[Obj]
    namespace: str = ""
    label_selector: str = ""
    field_selector: str = ""

    @property
    def name(self) -> str:
        return self.resource.plural

    async def list(self, limit: int, continue_token: str) -> ObjectList[Obj]:
        return await self.client.list(
            self.resource,
            self.namespace,
            label_selector=self.label_selector,
            field_selector=self.field_selector,
            limit=limit,
            continue_token=continue_token,
        )

    def watch(self, revision: str) -> AsyncGenerator[WatchEvent[Obj], None]:
        return self.client.watch(
            self.resource,
            self.namespace,
            resource_version=revision,
            label_selector=self.label_selector,
            field_selector=self.field_selector,
        )


class Follower(Generic[T]):
    """Keeps the objects of a collection in memory.

    ``sleep`` waits between tries. Handlers and index functions must be quick and must not block:
    they run between two events. Call ``start`` once, ``close`` at the end.
    """

    def __init__(
        self, source: Source[T], *, sleep: Sleep = asyncio.sleep, backoff: Backoff | None = None
    ) -> None:
        self._source = source
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
        _log.warning("cannot follow %s: %s", self._source.name, error)

    async def _list(self) -> None:
        found: dict[Key, T] = {}
        token = ""
        while True:
            page = await self._source.list(_PAGE, token)
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
        async with aclosing(self._source.watch(self._revision)) as events:
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


class Informer(Follower[Obj]):
    """Follows the objects of one kind, in one namespace or all, by selectors."""

    def __init__(
        self,
        client: Client,
        resource: Resource[Obj],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        sleep: Sleep = asyncio.sleep,
        backoff: Backoff | None = None,
    ) -> None:
        source = Collection(client, resource, namespace, label_selector, field_selector)
        super().__init__(source, sleep=sleep, backoff=backoff)


def _key(obj: Followed) -> Key:
    return obj.metadata.namespace, obj.metadata.name
