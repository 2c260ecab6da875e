"""Discovery and OpenAPI of the kinds that are served now."""

from __future__ import annotations

from collections.abc import Iterable

from strongroom.server.discovery import discovery_routes
from strongroom.server.kinds import Kinds
from strongroom.server.openapi import OpenAPI
from strongroom.server.routes import Handler


class LiveDocuments:
    """The documents, made anew when the kinds have changed. ``address`` is HOST:PORT."""

    def __init__(self, kinds: Kinds, address: str) -> None:
        self._kinds = kinds
        self._address = address
        self._openapi = OpenAPI()
        self._generation = -1
        self._routes: dict[str, Handler] = {}

    async def find(self, path: str) -> Handler | None:
        """The handler of a path, as of all writes that were acknowledged."""
        return (await self._current()).get(path)

    async def paths(self) -> Iterable[str]:
        """All paths."""
        return await self._current()

    async def _current(self) -> dict[str, Handler]:
        kinds = self._kinds
        await kinds.refresh()
        if self._generation != kinds.generation:
            self._generation = kinds.generation
            self._routes = discovery_routes(kinds.resources(), address=self._address)
            self._routes |= self._openapi.routes(kinds.catalogued(), kinds.custom())
        return self._routes
