"""Who owns whom: the garbage collector's picture of all objects, by uid.

An owner that references name before it has been seen is there as a *virtual* node: what is known
of it is hearsay, until the watch shows it or the API server says that there is no such object.
References may contradict each other about its kind, name or namespace, by mistake or by malice, so
a uid that nobody knows at one place is not taken for absent at another.

Pure: changes go in, and uids to look at come out by the callbacks. Source: ``graph_builder.go`` in
``pkg/controller/garbagecollector``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from strongroom.client.metadata import Metadata, Owner

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
_REMEMBERED = 500


class Place(NamedTuple):
    """Where an object is (or is said to be), and which one it is."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        where = f"{self.api_version}/{self.kind}, namespace: {self.namespace}"
        return f"[{where}, name: {self.name}, uid: {self.uid}]"

    def order(self) -> tuple[str, str, str, str, str]:
        """Sorted by this, places of a kind stand together whatever their scope."""
        return self.kind, self.api_version, self.namespace, self.name, self.uid

    def is_of(self, owner: Owner) -> bool:
        """Whether a reference names this object, wherever it is."""
        return (owner.uid, owner.name, owner.kind, owner.apiVersion) == (
            self.uid,
            self.name,
            self.kind,
            self.api_version,
        )


def place_of(owner: Owner, namespace: str) -> Place:
    """The place that a reference names, if the owner is in this namespace."""
    return Place(owner.apiVersion, owner.kind, namespace, owner.name, owner.uid)


class Node:
    """An object, those that it says own it, and those that say it owns them."""

    __slots__ = ("being_deleted", "dependents", "foreground", "owners", "place", "virtual")

    def __init__(self, place: Place, owners: tuple[Owner, ...] = ()) -> None:
        self.place = place
        self.owners = owners
        self.dependents: set[Node] | None = None
        self.virtual = False
        self.being_deleted = False
        self.foreground = False
        """Whether it waits for its dependents to be deleted."""

    def depending(self) -> list[Node]:
        """Those that say it owns them."""
        return list(self.dependents or ())

    def blocking(self) -> list[Node]:
        """Those of them that it has to wait for."""
        uid = self.place.uid
        return [
            node
            for node in self.dependents or ()
            if any(owner.uid == uid and owner.blockOwnerDeletion for owner in node.owners)
        ]


class AbsentOwners:
    """The last owners that were found to be gone, so that not each dependent asks again."""

    def __init__(self) -> None:
        self._places: OrderedDict[Place, None] = OrderedDict()

    def add(self, place: Place) -> None:
        self._places[place] = None
        self._places.move_to_end(place)
        if len(self._places) > _REMEMBERED:
            self._places.popitem(last=False)

    def __contains__(self, place: Place) -> bool:
        return place in self._places


class Graph:
    """All nodes. ``check`` and ``orphan`` are called with uids of nodes that are to be looked at:
    whether they may stay, and whether their dependents are to be left alone for good.

    ``invalid(node, owner)`` is called for a reference into another namespace.
    """

    def __init__(
        self,
        check: Callable[[str], None],
        orphan: Callable[[str], None],
        check_later: Callable[[str], None],
        invalid: Callable[[Node, Owner], None],
    ) -> None:
        self.absent = AbsentOwners()
        self._check = check
        self._check_later = check_later
        self._orphan = orphan
        self._invalid = invalid
        self._nodes: dict[str, Node] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, uid: str) -> Node | None:
        """The node of this uid."""
        return self._nodes.get(uid)

    def observe(self, place: Place, meta: Metadata, old: Metadata | None) -> None:
        """An object was seen: as it is, and as it was if it was seen before."""
        node = self._nodes.get(place.uid)
        owners = meta.ownerReferences or ()
        if node is None:
            node = self._nodes[place.uid] = Node(place, owners)
            self._depend(node, owners)
        else:
            self._settle(node, place)
            node.place = place
            self._change_owners(node, owners)
        if meta.deletionTimestamp:
            node.being_deleted = True
            node.foreground = node.foreground or FOREGROUND in (meta.finalizers or ())
        self._transit(node, meta, old)

    def remove(self, place: Place) -> None:
        """An object was seen to go."""
        node = self._nodes.get(place.uid)
        if node is not None:
            self._settle(node, place)
            self._remove(node, place)

    def deny(self, place: Place) -> None:
        """The API server knows no such object at this place."""
        node = self._nodes.get(place.uid)
        if node is None:
            return
        matching, others = _partition(node.depending(), place)
        if not others if node.virtual else node.place == place:
            self._remove(node, place)
        elif matching:
            self.absent.add(place)
            self._check_all(matching)
        if node.virtual and others and node.place == place:
            elsewhere = _elsewhere(others, place)
            if elsewhere is not None:
                node.place = elsewhere
                self._check_later(place.uid)

    def lose(self, uid: str, *, moved: bool) -> None:
        """An object is no longer followed, because its kind is not served (in this version).

        What it owns is kept: nobody can say any more whether the owner is there.
        """
        node = self._nodes.get(uid)
        if node is None:
            return
        node.virtual = True
        if moved:
            self._check(uid)
            return
        owners, node.owners = node.owners, ()
        self._independ(node, owners)
        if not node.dependents:
            del self._nodes[uid]
        self._check_waiting(owners)

    def _settle(self, node: Node, place: Place) -> None:
        """A node that was hearsay has been seen; those who said otherwise are looked at."""
        if not node.virtual:
            return
        node.virtual = False
        if node.place == place:
            return
        _, others = _partition(node.depending(), place)
        for dependent in others:
            if place.namespace and dependent.place.namespace != place.namespace:
                self._report(dependent, place.uid)
            self._check(dependent.place.uid)

    def _change_owners(self, node: Node, owners: tuple[Owner, ...]) -> None:
        before = node.owners
        if before == owners:
            return
        old, new = {o.uid: o for o in before}, {o.uid: o for o in owners}
        removed = [o for uid, o in old.items() if uid not in new]
        unblocked = [
            o
            for uid, o in old.items()
            if o.blockOwnerDeletion and not (uid in new and new[uid].blockOwnerDeletion)
        ]
        for owner in unblocked:
            if owner.uid in self._nodes:
                self._check(owner.uid)
        node.owners = owners
        self._depend(node, [o for uid, o in new.items() if uid not in old])
        self._independ(node, removed)

    def _transit(self, node: Node, meta: Metadata, old: Metadata | None) -> None:
        if _begins(meta, old, ORPHAN):
            self._orphan(node.place.uid)
        elif _begins(meta, old, FOREGROUND):
            self._check_all(node.depending())
            self._check_later(node.place.uid)

    def _depend(self, node: Node, owners: Iterable[Owner]) -> None:
        """Add a node to those that depend on these owners; look at it if one cannot be right."""
        doubtful = False
        for owner in owners:
            other = self._nodes.get(owner.uid)
            if other is None:
                other = self._nodes[owner.uid] = Node(place_of(owner, node.place.namespace))
                other.virtual = True
                self._check(owner.uid)
            elif not doubtful:
                doubtful = self._is_doubtful(node, owner, other)
            if other.dependents is None:
                other.dependents = set()
            other.dependents.add(node)
        if doubtful:
            self._check(node.place.uid)

    def _is_doubtful(self, node: Node, owner: Owner, other: Node) -> bool:
        namespace = other.place.namespace
        if namespace and namespace != node.place.namespace:
            if not other.virtual:
                self._report(node, owner.uid)
            return True
        if not other.place.is_of(owner):
            return True
        # Said to be of the whole cluster by somebody, and nobody has seen it.
        return other.virtual and namespace != node.place.namespace

    def _report(self, node: Node, uid: str) -> None:
        for owner in node.owners:
            if owner.uid == uid:
                self._invalid(node, owner)
                return

    def _independ(self, node: Node, owners: Iterable[Owner]) -> None:
        for owner in owners:
            other = self._nodes.get(owner.uid)
            if other is not None and other.dependents is not None:
                other.dependents.discard(node)

    def _remove(self, node: Node, place: Place) -> None:
        del self._nodes[place.uid]
        self._independ(node, node.owners)
        if node.dependents:
            self.absent.add(place)
            self._check_all(node.dependents)
        self._check_waiting(node.owners)

    def _check_waiting(self, owners: Iterable[Owner]) -> None:
        """Look at owners that wait for their dependents to go: this may have been the last."""
        for owner in owners:
            other = self._nodes.get(owner.uid)
            if other is not None and other.foreground:
                self._check(owner.uid)

    def _check_all(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            self._check(node.place.uid)


def _begins(meta: Metadata, old: Metadata | None, finalizer: str) -> bool:
    """Whether its deletion has just begun to wait for this finalizer."""
    return _waits(meta, finalizer) and not (old is not None and _waits(old, finalizer))


def _waits(meta: Metadata, finalizer: str) -> bool:
    return bool(meta.deletionTimestamp) and finalizer in (meta.finalizers or ())


def _partition(dependents: list[Node], place: Place) -> tuple[list[Node], list[Node]]:
    """Those who refer to just this place, and those who say otherwise; who says both is in both."""
    matching, others = [], []
    for node in dependents:
        if place.namespace and place.namespace != node.place.namespace:
            others.append(node)
            continue
        said = [place.is_of(owner) for owner in node.owners if owner.uid == place.uid]
        if any(said):
            matching.append(node)
        if not all(said):
            others.append(node)
    return matching, others


def _elsewhere(dependents: list[Node], denied: Place) -> Place | None:
    """Another place where an owner is said to be: the next after the one that was denied, so that
    all of them get their turn."""
    said = set()
    for node in dependents:
        for owner in node.owners:
            if owner.uid != denied.uid:
                continue
            place = place_of(owner, node.place.namespace)
            if not denied.namespace and place[:2] == denied[:2]:
                place = place._replace(namespace="")  # This kind is known to have no namespaces.
            said.add(place)
    said.discard(denied)
    ordered = sorted(said, key=Place.order)
    following = [place for place in ordered if place.order() > denied.order()]
    return next(iter(following or ordered), None)
