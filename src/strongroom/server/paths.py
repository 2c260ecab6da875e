"""The paths that are no resources: index, health, metrics, discovery, OpenAPI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from strongroom.api.discovery import RootPaths
from strongroom.server.documents import Document
from strongroom.server.health import Health
from strongroom.server.metrics import CONTENT_TYPE
from strongroom.server.reply import Reply
from strongroom.server.request import Request
from strongroom.server.routes import Documents, Handler, Routes, page_not_found
from strongroom.server.urls import Target

Page = Callable[[], Awaitable[bytes]]
"""Makes the metrics' text."""


def path_routes(
    metrics: Page,
    healths: Mapping[str, Health],
    documents: Documents,
    more: Mapping[str, Handler],
    posts: Mapping[str, Handler],
) -> Routes:
    """All routes. ``healths``, ``more`` and what is asked for by POST (``posts``) are by path;
    ``documents`` are discovery and OpenAPI."""
    exact: dict[str, Handler] = dict(more)
    prefixes: dict[str, Handler] = {}
    for path, health in healths.items():
        exact[path] = _report(health)
        prefixes[f"{path}/"] = _single(health, f"{path}/")
    exact["/metrics"] = _metrics(metrics)
    checks = [f"{path}/{name}" for path, health in healths.items() for name in health.names]
    fixed = [*exact, *checks]

    async def serve_index(request: Request, target: Target) -> Reply:
        paths = sorted([*fixed, *await documents.paths()])
        return Document(RootPaths(paths=paths)).reply(request)

    exact["/"] = serve_index
    return Routes(exact, prefixes, documents, posts)


def _report(health: Health) -> Handler:
    async def serve(request: Request, target: Target) -> Reply:
        return await health.report(target.query)

    return serve


def _single(health: Health, prefix: str) -> Handler:
    async def serve(request: Request, target: Target) -> Reply:
        return await health.single(target.path.removeprefix(prefix)) or page_not_found()

    return serve


def _metrics(metrics: Page) -> Handler:
    async def serve(request: Request, target: Target) -> Reply:
        return Reply(await metrics(), content_type=CONTENT_TYPE)

    return serve
