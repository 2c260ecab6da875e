"""``/openapi/v2`` and ``/openapi/v3``: the API described, as clients and generators read it.

The documents are made when first asked for (they take a tenth of a second) and kept. The v3 index
names each document by its hash, so that clients may keep it for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from strongroom.api import openapi_v2_message, openapi_v3_message
from strongroom.api.discovery import Info
from strongroom.api.errors import StatusError
from strongroom.api.openapi import ServedKind, definitions
from strongroom.server.discovery import KUBERNETES
from strongroom.server.documents import Description, Document
from strongroom.server.kinds import AnyResource, CustomKind
from strongroom.server.openapi_paths import Tree, resource_paths
from strongroom.server.reply import Reply
from strongroom.server.request import Request
from strongroom.server.routes import Handler
from strongroom.server.urls import Target

_FOREVER = b"public, immutable"
_INFO = {"title": "Kubernetes", "version": f"v{KUBERNETES}"}
_BEARER = {
    "BearerToken": {
        "description": "Bearer Token authentication",
        "in": "header",
        "name": "authorization",
        "type": "apiKey",
    }
}

Make = Callable[[], Document]


class OpenAPI:
    """Makes the documents, and keeps those whose kinds have not changed."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {"version": _Part("", _version_part)}

    def routes(
        self, resources: Iterable[AnyResource], custom: Iterable[CustomKind] = ()
    ) -> dict[str, Handler]:
        """The OpenAPI paths of these kinds."""
        catalog, customs = tuple(resources), tuple(custom)
        parts = {path: self._part(path, catalog) for path in {_group_path(r) for r in catalog}}
        for path in {_group_path(c.resource) for c in customs}:
            parts[path] = self._custom_part(
                path, [c for c in customs if _group_path(c.resource) == path]
            )
        parts["version"] = self._parts["version"]
        self._parts = parts
        routes = {f"/openapi/v3/{path}": _kept(part) for path, part in parts.items()}
        routes["/openapi/v3"] = _served(cache(lambda: _index(parts)))
        routes["/openapi/v2"] = _made_aside(lambda: _whole((*catalog, *_readable(customs))))
        return routes

    def _part(self, path: str, catalog: tuple[AnyResource, ...]) -> _Part:
        resources = [r for r in catalog if _group_path(r) == path]
        return self._kept(path, "", lambda: _document(resources))

    def _custom_part(self, path: str, customs: list[CustomKind]) -> _Part:
        # What the document is made from stands for it: an index that had to make them all would
        # read the schema of every definition there is.
        together = "".join(sorted(c.fingerprint for c in customs))
        digest = hashlib.sha512(together.encode()).hexdigest().upper()
        return self._kept(path, digest, lambda: _document(_readable(customs)))

    def _kept(self, path: str, digest: str, make: Make) -> _Part:
        known = self._parts.get(path)
        if known is not None and known.digest == digest:
            return known
        return _Part(digest, make)


class _Part:
    """A document of v3, made when it is first asked for, and the hash that it goes by."""

    def __init__(self, digest: str, make: Make) -> None:
        self.digest = digest
        self.document = cache(make)

    @property
    def hash(self) -> str:
        return self.digest or self.document().hash


def _readable(customs: Iterable[CustomKind]) -> Iterator[AnyResource]:
    """The custom kinds, without those whose schema cannot be read: requests for them tell why."""
    for custom in customs:
        with contextlib.suppress(StatusError):
            yield custom.whole()


def _group_path(resource: AnyResource) -> str:
    root = f"apis/{resource.group}" if resource.group else "api"
    return f"{root}/{resource.version}"


def _kinds(resources: Iterable[AnyResource]) -> list[ServedKind]:
    """The kinds, and those that their subresources show."""
    kinds = []
    for resource in resources:
        kinds.append(_kind(resource, listed="list" in resource.verbs))
        kinds += [_kind(p.other, listed=False) for p in resource.subresources if p.other]
    return kinds


def _kind(resource: AnyResource, *, listed: bool) -> ServedKind:
    return ServedKind(
        resource.group,
        resource.version,
        resource.kind,
        resource.type,
        listed=listed,
        list_kind=resource.list_kind,
    )


def _document(resources: Iterable[AnyResource]) -> Document:
    served = tuple(resources)
    return _v3(resource_paths(served, 3), definitions(_kinds(served)))


def _version_part() -> Document:
    schemas = definitions([], [Info])
    operation = {
        "operationId": "getCodeVersion",
        "tags": ["version"],
        "description": "the version of the server",
        "responses": {
            "200": {
                "description": "OK",
                "content": {
                    "application/json": {
                        "schema": {
                            "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.version.Info"
                        }
                    }
                },
            }
        },
    }
    return _v3({"/version": {"get": operation}}, schemas)


def _v3(paths: Tree, schemas: Tree) -> Document:
    tree = {
        "openapi": "3.0.0",
        "info": _INFO,
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _BEARER},
        "security": [{"BearerToken": []}],
    }
    return Description(tree, openapi_v3_message.MEDIA_TYPES, openapi_v3_message.encode_v3)


def _whole(catalog: tuple[AnyResource, ...]) -> Document:
    tree = {
        "swagger": "2.0",
        "info": _INFO,
        "paths": resource_paths(catalog, 2),
        "definitions": definitions(_kinds(catalog), version=2),
        "securityDefinitions": _BEARER,
        "security": [{"BearerToken": []}],
    }
    return Description(tree, openapi_v2_message.MEDIA_TYPES, openapi_v2_message.encode_v2)


def _index(parts: dict[str, _Part]) -> Document:
    return Document(
        {
            "paths": {
                path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={part.hash}"}
                for path, part in sorted(parts.items())
            }
        }
    )


def _served(make: Make) -> Handler:
    async def serve(request: Request, target: Target) -> Reply:
        return make().reply(request, etag=True)

    return serve


def _made_aside(make: Make) -> Handler:
    """A document that may take seconds to make: other requests go on meanwhile."""
    making: list[asyncio.Task[Document]] = []

    async def serve(request: Request, target: Target) -> Reply:
        if making and making[0].done() and making[0].exception() is not None:
            making.clear()
        if not making:
            making.append(asyncio.create_task(asyncio.to_thread(make)))
        # Whoever waits may leave; the others wait on.
        document = await asyncio.shield(making[0])
        return document.reply(request, etag=True)

    return serve


def _kept(part: _Part) -> Handler:
    """A document that is asked for by its hash may be kept by the client."""

    async def serve(request: Request, target: Target) -> Reply:
        reply = part.document().reply(request, etag=True)
        if target.first("hash") == part.hash:
            reply.cache_control = _FOREVER
        return reply

    return serve
