"""Deletes what nobody owns any more, as the propagation policies say.

- background: an object whose owners are all gone is deleted
- foreground: an object that waits for its dependents goes after those that block it
- orphan: the dependents of an object forget it before it goes

Which objects to look at comes from a picture of who owns whom (:mod:`.owners`), kept by watches of
metadata. Before anything is done the API server is asked, about the object and its owners: the
picture may lag behind. Source: ``garbagecollector.go`` in ``pkg/controller/garbagecollector``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import NamedTuple

from strongroom.client.client import Client
from strongroom.client.discovery import Kind
from strongroom.client.events import EventRecorder, ObjectReference
from strongroom.client.informer import Change
from strongroom.client.metadata import Metadata, Owner, Partial
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Again, Key
from strongroom.controllers.dependents import Dependents
from strongroom.controllers.monitors import Monitors
from strongroom.controllers.owners import FOREGROUND, ORPHAN, Graph, Node, Place, place_of
from strongroom.controllers.together import together

SETTLE = 0.2
"""Seconds that an object which waits for its dependents is given until they are counted.

Each kind has a watch of its own: a dependent that was made just before its owner was deleted may be
seen after that, and must not be missed."""
AT_ONCE = 16

_log = logging.getLogger("strongroom.controllers")


class _Unserved(Exception):
    """A kind is not served: nothing can be said of its objects."""


class _NeverValid(Exception):
    """An object of the whole cluster names an owner in a namespace."""


class _Owners(NamedTuple):
    """The owners of an object, as the API server knows them now."""

    solid: list[Owner]
    gone: list[Owner]
    waiting: list[Owner]
    """Those that wait for this object, among others, to be deleted."""


class GarbageCollector:
    """Keys are what to do (``check`` or ``orphan``) and the uid of the object to do it to."""

    name = "garbage-collector"
    workers = 20

    def __init__(self, client: Client, monitors: Monitors, events: EventRecorder) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.05, limit=300.0)
        self.graph = Graph(
            check=lambda uid: self.queue.add(("check", uid)),
            orphan=lambda uid: self.queue.add_after(("orphan", uid), SETTLE),
            check_later=lambda uid: self.queue.add_after(("check", uid), SETTLE),
            invalid=self._report,
        )
        self._monitors = monitors
        self._events = events
        self._dependents = Dependents(client)
        self._parked: set[str] = set()
        """Objects that cannot be judged until other kinds are served."""

    async def start(self) -> None:
        """Begin to follow all kinds; nobody waits until they are known but our own work."""
        self._monitors.add_handler(self._on_change)
        self._monitors.add_lost_handler(self._on_lost)
        self._monitors.add_served_handler(self._on_served)
        self._monitors.start()

    async def close(self) -> None:
        await self._monitors.close()

    def _on_change(self, kind: Kind, change: Change[Partial]) -> None:
        meta = change.obj.metadata
        place = Place(kind.api_version, kind.kind, meta.namespace, meta.name, meta.uid)
        if change.type == "deleted":
            self.graph.remove(place)
        else:
            self.graph.observe(place, meta, change.old.metadata if change.old else None)

    def _on_lost(self, objects: list[Partial], moved: bool) -> None:
        for obj in objects:
            self.graph.lose(obj.metadata.uid, moved=moved)

    def _on_served(self) -> None:
        parked, self._parked = self._parked, set()
        for uid in parked:
            self.queue.add(("check", uid))

    def _report(self, node: Node, owner: Owner) -> None:
        place = node.place
        about = ObjectReference(
            place.kind, place.api_version, place.name, place.namespace, place.uid
        )
        said = place_of(owner, place.namespace)
        text = f'ownerRef {said} does not exist in namespace "{place.namespace}"'
        self._events.record(about, "Warning", "OwnerRefInvalidNamespace", text)

    async def reconcile(self, key: Key) -> None:
        # Who counts dependents must have seen them all.
        await self._monitors.wait_synced()
        what, uid = key
        node = self.graph.get(uid)
        if node is None:
            return
        try:
            if what == "orphan":
                await self._orphan(node)
            else:
                await self._check(node)
        except _NeverValid as error:
            _log.info("%s is said to own an object that is in no namespace", error)
        except _Unserved as error:
            _log.info("%s cannot be judged: %s is not served", node.place, error)
            self._parked.add(uid)
            self._monitors.look_again()

    def _kind(self, place: Place) -> Kind:
        kind = self._monitors.served.find(place.api_version, place.kind)
        if kind is None:
            raise _Unserved(f"{place.api_version} {place.kind}")
        return kind

    async def _check(self, node: Node) -> None:
        """Delete a node if it may not stay. Raises Again while it is hearsay."""
        if node.being_deleted and not node.foreground:
            return
        place, kind = node.place, self._kind(node.place)
        if kind.namespaced and not place.namespace:
            raise _NeverValid(f"{kind.kind} {place.name}")
        latest = await self._dependents.read(kind, place.namespace, place.name)
        if latest is None or latest.uid != place.uid:
            self.graph.deny(place)
            return
        if node.foreground:
            await self._finish(node, kind, latest)
        elif latest.ownerReferences:
            await self._judge(node, kind, latest, latest.ownerReferences)
        if node.virtual and self.graph.get(place.uid) is node:
            raise Again

    async def _judge(
        self, node: Node, kind: Kind, latest: Metadata, references: Iterable[Owner]
    ) -> None:
        owners = await self._classify(node, references)
        if owners.solid:
            if unneeded := owners.gone + owners.waiting:
                # Those that wait would wait for ever for an object that stays.
                await self._dependents.disown(kind, latest, {owner.uid for owner in unneeded})
            return
        policy = _policy(latest)
        if owners.waiting and node.dependents:
            policy = "Foreground"
            if any(dependent.foreground for dependent in node.depending()):
                # Perhaps a circle, in which each waits for the next.
                await self._dependents.unblock(kind, latest, references)
                read = await self._dependents.read(kind, latest.namespace, latest.name)
                if read is None or read.uid != latest.uid:
                    self.graph.deny(node.place)
                    return
                latest = read
        _log.debug("deleting %s, whose owners are gone", node.place)
        if not await self._dependents.delete(kind, latest, policy):
            self.graph.deny(node.place)

    async def _classify(self, node: Node, references: Iterable[Owner]) -> _Owners:
        found = _Owners([], [], [])
        for reference in references:
            owner = await self._owner(node, reference)
            if owner is None:
                found.gone.append(reference)
            elif owner.deletionTimestamp and FOREGROUND in (owner.finalizers or ()):
                found.waiting.append(reference)
            else:
                found.solid.append(reference)
        return found

    async def _owner(self, node: Node, reference: Owner) -> Metadata | None:
        """The owner as it is now; None when it is gone."""
        absent = self.graph.absent
        namespace = node.place.namespace
        if place_of(reference, "") in absent or place_of(reference, namespace) in absent:
            return None
        kind = self._kind(place_of(reference, namespace))
        if kind.namespaced and not namespace:
            raise _NeverValid(f"{kind.kind} {reference.name}")
        owner = await self._dependents.read(kind, namespace, reference.name)
        if owner is None or owner.uid != reference.uid:
            absent.add(place_of(reference, namespace if kind.namespaced else ""))
            return None
        return owner

    async def _finish(self, node: Node, kind: Kind, latest: Metadata) -> None:
        """Let an object go that waits for its dependents, if no more of them block it."""
        blocking = node.blocking()
        if not blocking:
            await self._dependents.release(kind, latest, FOREGROUND)
        for dependent in blocking:
            if not dependent.foreground:
                self.queue.add(("check", dependent.place.uid))

    async def _orphan(self, node: Node) -> None:
        """Let the dependents forget their owner, then let it go."""
        owner = _as_metadata(node.place)
        kind = self._kind(node.place)

        async def forget(dependent: Node) -> None:
            place = dependent.place
            await self._dependents.disown(self._kind(place), _as_metadata(place), {owner.uid})

        await together(forget, node.depending(), AT_ONCE)
        await self._dependents.release(kind, owner, ORPHAN)


def _policy(latest: Metadata) -> str:
    """How to delete an object: as its finalizers already want it, or in the background."""
    finalizers = latest.finalizers or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"


def _as_metadata(place: Place) -> Metadata:
    return Metadata(name=place.name, namespace=place.namespace, uid=place.uid)
