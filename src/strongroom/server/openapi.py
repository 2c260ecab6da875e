"""``/openapi/v2`` and ``/openapi/v3``: the API described, as clients and generators read it.

The documents are made when first asked for (they take a tenth of a second) and kept. The v3 index
names each document by its hash, so that clients may keep it for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from strongroom.api.discovery import Info
from strongroom.api.openapi import ServedKind, definitions
from strongroom.resources.resource import Resource
from strongroom.server.discovery import KUBERNETES
from strongroom.server.documents import Document
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


def openapi_routes(resources: Iterable[Resource[Any]]) -> dict[str, Handler]:
    """The OpenAPI paths of these resources."""
    catalog = tuple(resources)
    groups = sorted({_group_path(r) for r in catalog})
    parts: dict[str, Make] = {path: _part(catalog, path) for path in groups}
    parts["version"] = cache(_version_part)
    routes = {f"/openapi/v3/{path}": _kept(make) for path, make in parts.items()}
    routes["/openapi/v3"] = _served(cache(lambda: _index(parts)))
    routes["/openapi/v2"] = _served(cache(lambda: _whole(catalog)))
    return routes


def _group_path(resource: Resource[Any]) -> str:
    root = f"apis/{resource.group}" if resource.group else "api"
    return f"{root}/{resource.version}"


def _kinds(resources: Iterable[Resource[Any]]) -> list[ServedKind]:
    """The kinds, and those that their subresources show."""
    kinds = []
    for resource in resources:
        kinds.append(_kind(resource, listed=True))
        kinds += [
            _kind(p.projection.resource, listed=False)
            for p in resource.subresources
            if p.projection
        ]
    return kinds


def _kind(resource: Resource[Any], *, listed: bool) -> ServedKind:
    return ServedKind(resource.group, resource.version, resource.kind, resource.type, listed=listed)


def _part(catalog: tuple[Resource[Any], ...], path: str) -> Make:
    resources = [r for r in catalog if _group_path(r) == path]

    @cache
    def make() -> Document:
        return Document(_v3(resource_paths(resources, 3), definitions(_kinds(resources))))

    return make


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
    return Document(_v3({"/version": {"get": operation}}, schemas))


def _v3(paths: Tree, schemas: Tree) -> Tree:
    return {
        "openapi": "3.0.0",
        "info": _INFO,
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _BEARER},
        "security": [{"BearerToken": []}],
    }


def _whole(catalog: tuple[Resource[Any], ...]) -> Document:
    return Document(
        {
            "swagger": "2.0",
            "info": _INFO,
            "paths": resource_paths(catalog, 2),
            "definitions": definitions(_kinds(catalog), version=2),
            "securityDefinitions": _BEARER,
            "security": [{"BearerToken": []}],
        }
    )


def _index(parts: dict[str, Make]) -> Document:
    return Document(
        {
            "paths": {
                path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={make().hash}"}
                for path, make in sorted(parts.items())
            }
        }
    )


def _served(make: Make) -> Handler:
    async def serve(request: Request, target: Target) -> Reply:
        return make().reply(request, etag=True)

    return serve


def _kept(make: Make) -> Handler:
    """A document that is asked for by its hash may be kept by the client."""

    async def serve(request: Request, target: Target) -> Reply:
        document = make()
        reply = document.reply(request, etag=True)
        if target.first("hash") == document.hash:
            reply.cache_control = _FOREVER
        return reply

    return serve
