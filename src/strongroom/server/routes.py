"""Which endpoint serves a request: the table of paths that are no resources, then the resources."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from strongroom.api.errors import StatusDetails, StatusError
from strongroom.server.reply import TEXT, Reply, StreamReply
from strongroom.server.request import Request
from strongroom.server.urls import Target

Handler = Callable[[Request, Target], Awaitable[Reply | StreamReply]]


class Documents(Protocol):
    """Paths that come and go with the kinds that are served."""

    async def find(self, path: str) -> Handler | None:
        """The handler of a path, as of all writes that were acknowledged."""
        ...

    async def paths(self) -> Iterable[str]:
        """All paths."""
        ...


class Routes:
    """Paths that are no resources: they answer GET and HEAD, those of ``posts`` POST alone."""

    def __init__(
        self,
        exact: Mapping[str, Handler],
        prefixes: Mapping[str, Handler],
        documents: Documents,
        posts: Mapping[str, Handler] | None = None,
    ) -> None:
        self._exact = dict(exact)
        self._prefixes = dict(prefixes)
        self._documents = documents
        self._posts = dict(posts or {})

    async def find(self, path: str, method: str) -> Handler | None:
        """The handler of a path; None where there is nothing. Raises StatusError 405."""
        post = self._posts.get(path)
        handler = post or await self._read(path)
        if handler is not None and method not in (("POST",) if post else ("GET", "HEAD")):
            raise wrong_method()
        return handler

    async def _read(self, path: str) -> Handler | None:
        handler = self._exact.get(path)
        if handler is not None:
            return handler
        handler = next((h for p, h in self._prefixes.items() if path.startswith(p)), None)
        return handler or await self._documents.find(path)


def page_not_found() -> Reply:
    """The answer outside the API's groups: plain text, as Go's HTTP server gives it."""
    return Reply(b"404 page not found\n", 404, TEXT, [(b"x-content-type-options", b"nosniff")])


def no_such_resource() -> StatusError:
    """404: within the API, but nothing that we serve."""
    return StatusError(
        404,
        "NotFound",
        "the server could not find the requested resource",
        details=StatusDetails(),
    )


def wrong_method() -> StatusError:
    """405: the path is there, and does not take this method."""
    return StatusError(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        details=StatusDetails(),
    )
