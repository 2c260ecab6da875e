"""What references stand for and what is given by them, as the caches have it, in one process.

The caches of Secrets, grants and pods tell each change in the step in which they show it, so that
an answer after a revocation is an answer without. Nothing of a value is kept here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from strongroom.access.authz.grants import Grants, Name, given
from strongroom.access.authz.node_graph import NodeGraph, Thing
from strongroom.api.clock import Clock
from strongroom.api.meta import ObjectMeta
from strongroom.registry.registry import Registry
from strongroom.registry.view import AnyView
from strongroom.resources.secret import SECRETS, Secret
from strongroom.resources.secret_reference import GRANTED, REFERENCE, granted_text, target_of
from strongroom.resources.secretgrant import SECRET_GRANTS, SecretGrant
from strongroom.server.freshness import CatchUp
from strongroom.server.kinds import Kinds
from strongroom.server.listening import follow_objects, follow_views
from strongroom.storage.port import Store

_MARK = f'"type":"{REFERENCE}"'.encode()
"""Stands in the bytes of every reference, and hardly in those of another Secret."""

Topic = tuple[str, str, str]
"""What changed: ``secret`` or ``uses`` with namespace and name, ``grants`` with a namespace."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a node is shown of a reference: the object, without its resourceVersion."""

    secret: Secret = field(repr=False)
    origin: Name
    """The Secret whose values they are."""
    grants: tuple[str, ...]
    """Names of the grants that give them."""


def is_reference(view: AnyView) -> bool:
    """Whether an object stands for another. Most Secrets are not decoded to see that."""
    return _MARK in view.tail and view.peek().type == REFERENCE


class Sharing:
    """Knows nothing until ``attach``."""

    def __init__(self, store: Store, graph: NodeGraph, clock: Clock) -> None:
        self.clock = clock
        self._store = store
        self._graph = graph
        self._grants = Grants()
        self._targets: dict[Name, Name] = {}
        self._standing: dict[Name, set[Name]] = {}
        """The references to each Secret."""
        self._bells: dict[Topic, set[asyncio.Event]] = {}
        self._secrets: Registry[Secret] | None = None
        self._kinds: tuple[Registry[Any], ...] = ()
        self._catch_up = CatchUp(store, lambda: self._kinds)

    def attach(self, kinds: Kinds) -> None:
        """Take in what the registries have, and follow them. They must have been started."""
        self._secrets = kinds.registry(SECRETS.group, SECRETS.plural)
        grants = kinds.registry(SECRET_GRANTS.group, SECRET_GRANTS.plural)
        self._kinds = (self._secrets, grants, kinds.registry("", "pods"))
        self._graph.changed = self._use_changed
        follow_views(self._secrets, self._take_secret)
        follow_objects(grants, self._take_grant)

    async def fresh(self) -> int:
        """Wait until the caches show what was acknowledged; the revision up to which they do.

        What is resolved differently later has a greater one. Raises StatusError 504.
        """
        revision = self._store.current_revision
        await self._catch_up()
        return revision

    def target(self, namespace: str, name: str) -> Name | None:
        """The Secret that a reference stands for; None of what is no reference."""
        return self._targets.get((namespace, name))

    def referring(self, namespace: str, name: str) -> Sequence[Name]:
        """The references to a Secret from namespaces that are given something of it."""
        secret = namespace, name
        found = sorted(self._standing.get(secret, ()))
        return [one for one in found if next(self._grants.shares(secret, one[0]), None)]

    def shared(self, namespace: str) -> Sequence[str]:
        """Names of the namespace's Secrets to which there are references."""
        return sorted(name for where, name in self._standing if where == namespace)

    def resolve(self, node: str, reference: AnyView) -> Resolved | None:
        """What a node is shown of a reference; None where it is given nothing, whyever."""
        here = reference.namespace, reference.name
        origin = self._targets.get(here)
        if origin is None or self._secrets is None:
            return None
        share = given(self._grants, self._graph, node, here, origin)
        if not share.to:
            return None
        entry = self._secrets.cache.get(SECRETS.key(*origin))
        if entry is None or entry.error is not None:
            return None
        secret = entry.item.peek()
        if secret.type == REFERENCE:
            return None  # Nobody gives on what was given to them.
        data = {key: value for key, value in secret.data.items() if share.has(key)}
        if not data and None not in share.to.values():
            return None
        meta = _shown_metadata(reference.peek().metadata, granted_text(share.to))
        shown = Secret("Secret", "v1", metadata=meta, data=data, type=secret.type)
        return Resolved(shown, origin, share.grants)

    @contextlib.contextmanager
    def bell(self, reference: Name, origin: Name) -> Iterator[asyncio.Event]:
        """Set by each change of what a reference may give: of the Secret, its grants, its use."""
        topics = ("uses", *reference), ("secret", *origin), ("grants", origin[0], "")
        bell = asyncio.Event()
        for topic in topics:
            self._bells.setdefault(topic, set()).add(bell)
        try:
            yield bell
        finally:
            for topic in topics:
                self._bells[topic].discard(bell)
                if not self._bells[topic]:
                    del self._bells[topic]

    def _ring(self, topic: Topic) -> None:
        for bell in self._bells.get(topic, ()):
            bell.set()

    def _take_secret(self, namespace: str, name: str, view: AnyView | None) -> None:
        self._ring(("secret", namespace, name))
        key = namespace, name
        before = self._targets.pop(key, None)
        if before is not None:
            self._standing[before].discard(key)
            if not self._standing[before]:
                del self._standing[before]
        if view is None or not is_reference(view):
            return
        target = target_of(view.peek().metadata.annotations)
        if target is not None:
            self._targets[key] = target
            self._standing.setdefault(target, set()).add(key)

    def _take_grant(self, namespace: str, name: str, grant: SecretGrant | None) -> None:
        self._grants.put(namespace, name, grant)
        self._ring(("grants", namespace, ""))

    def _use_changed(self, thing: Thing) -> None:
        plural, namespace, name = thing
        if plural.startswith("secrets"):
            self._ring(("uses", namespace, name))


def _shown_metadata(own: ObjectMeta, granted: str) -> ObjectMeta:
    """The reference's own, with what is given to whom."""
    return ObjectMeta(
        name=own.name,
        namespace=own.namespace,
        uid=own.uid,
        creationTimestamp=own.creationTimestamp,
        labels=dict(own.labels),
        annotations=own.annotations | {GRANTED: granted},
    )
