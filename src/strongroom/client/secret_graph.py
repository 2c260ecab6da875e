"""Who uses which Secrets of a cluster: every kind that it serves, known to us or not.

Known kinds are read by the marks of their schema, others by the names of their fields. Objects are
read page by page and let go of; Secrets themselves are never read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.client.client import Client
from strongroom.client.discovery import Kind, Served
from strongroom.client.errors import Unreachable
from strongroom.client.secret_mentions import mentions
from strongroom.resources.catalog import CATALOG
from strongroom.resources.references import may_refer
from strongroom.resources.resource import Resource
from strongroom.resources.secret_use import has_ended, references_to_secrets

_PAGE = 500
_AT_ONCE = 4
"""Kinds that are read at the same time."""
_NO_USERS = frozenset({"events.k8s.io", "metrics.k8s.io", "custom.metrics.k8s.io"})
"""Groups whose objects report and refer to nothing that they need."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A place at which an object names a Secret.

    ``ended``: the object is kept as a record only. ``certain`` is False where the namespace of the
    Secret is not said and cannot be that of the object, which has none.
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    path: str
    optional: bool
    ended: bool
    secret: str
    secret_namespace: str
    certain: bool = True

    def names(self, namespace: str, secret: str) -> bool:
        """Whether this is, or may be, a reference to this Secret."""
        return self.secret == secret and (self.secret_namespace in (namespace, ""))


@dataclass(slots=True)
class Graph:
    """All references, and the kinds that could not be looked at, with the reason."""

    references: list[Reference] = field(default_factory=list)
    unseen: list[tuple[str, str]] = field(default_factory=list)

    def users(self, namespace: str, secret: str) -> list[Reference]:
        """Who names this Secret, in the order of kinds and names."""
        found = [one for one in self.references if one.names(namespace, secret)]
        return sorted(found, key=lambda one: (one.kind, one.namespace, one.name, one.path))


class _ListMeta(msgspec.Struct):
    continue_: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct):
    items: list[Any] | None = None
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


_pages = msgspec.json.Decoder(_Page)


async def read_graph(client: Client, served: Served, namespace: str = "") -> Graph:
    """The references to Secrets of a namespace, or of all. Raises StatusError, ClientFailure.

    ``served`` are the kinds of the server; those that may not be listed are told in the answer.
    """
    graph, limit = Graph(), asyncio.Semaphore(_AT_ONCE)

    async def read(kind: Kind) -> None:
        async with limit:
            try:
                async for found in _references(client, kind, namespace):
                    graph.references.append(found)
            except StatusError as error:
                if error.code not in (403, 404, 405):
                    raise
                if error.code == 403:
                    graph.unseen.append((kind.kind, error.message))

    async with asyncio.TaskGroup() as group:
        for kind in _kinds(served):
            group.create_task(read(kind))
    graph.unseen.sort()
    return graph


def _kinds(served: Served) -> Iterator[Kind]:
    """Every kind that may refer to Secrets, once."""
    for kind in served.preferred("list"):
        if kind.group in _NO_USERS:
            continue
        known = [r for r in CATALOG.all() if (r.group, r.plural) == kind.group_plural]
        if not known or any(may_refer(r.type) for r in known):
            yield kind


async def _references(client: Client, kind: Kind, namespace: str) -> AsyncIterator[Reference]:
    known = CATALOG.by_kind(kind.api_version, kind.kind)
    if known is not None:
        async for obj in _known_objects(client, known, namespace):
            for found in _marked(kind, obj):
                yield found
        return
    async for tree in _trees(client, kind, namespace):
        for found in _mentioned(kind, tree):
            if not namespace or found.secret_namespace in (namespace, ""):
                yield found


def _marked(kind: Kind, obj: Object) -> Iterator[Reference]:
    meta = obj.metadata
    for found in references_to_secrets(obj):
        yield Reference(
            kind.api_version,
            kind.kind,
            meta.namespace,
            meta.name,
            str(found.path),
            found.optional,
            has_ended(kind.kind, obj),
            found.name,
            meta.namespace,
        )


def _mentioned(kind: Kind, tree: Any) -> Iterable[Reference]:
    meta = tree.get("metadata") or {}
    for found in mentions(tree):
        place = found.namespace or str(meta.get("namespace") or "")
        yield Reference(
            kind.api_version,
            kind.kind,
            str(meta.get("namespace") or ""),
            str(meta.get("name") or ""),
            found.path,
            found.optional,
            False,
            found.name,
            place,
            bool(place),
        )


async def _known_objects(
    client: Client, resource: Resource[Any], namespace: str
) -> AsyncIterator[Object]:
    token = ""
    while True:
        page = await client.list(resource, namespace, limit=_PAGE, continue_token=token)
        for obj in page.items:
            yield obj
        token = page.continue_token
        if not token:
            return


async def _trees(client: Client, kind: Kind, namespace: str) -> AsyncIterator[Any]:
    path, token = kind.path(namespace if kind.namespaced else ""), ""
    while True:
        params = {"limit": str(_PAGE)} | ({"continue": token} if token else {})
        answer = await client.request("GET", path, params=params)
        try:
            page = _pages.decode(answer.body)
        except msgspec.MsgspecError:
            raise Unreachable(f"GET {path}: the server sent something else than a list") from None
        for tree in page.items or ():
            if isinstance(tree, dict):
                yield tree
        token = page.metadata.continue_
        if not token:
            return
