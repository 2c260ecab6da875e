"""The kinds that are served now: those of the catalogue always, custom ones come and go.

A custom kind is entered before anything of it is read: its registry is made and started when it is
first asked for, so that hundreds of definitions cost little until somebody uses them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

from strongroom.registry.answering import AnsweringRegistry
from strongroom.registry.registry import Registry
from strongroom.resources.resource import Resource

AnyRegistry = Registry[Any]
AnyResource = Resource[Any]
Name = tuple[str, str, str]
"""Group, version and plural name."""


class CustomKind:
    """One served version of a custom kind.

    ``resource`` names the kind for discovery; ``load()`` makes the whole of it, with its type and
    rules, and ``make(whole)`` its registry. ``fingerprint`` changes with whatever it is made from.
    """

    def __init__(
        self,
        resource: AnyResource,
        fingerprint: str,
        load: Callable[[], AnyResource],
        make: Callable[[AnyResource], AnyRegistry],
    ) -> None:
        self.resource = resource
        self.fingerprint = fingerprint
        self._load = load
        self._make = make
        self._registry: asyncio.Task[AnyRegistry] | None = None
        self._closed = False

    def whole(self) -> AnyResource:
        """The kind with its type and rules, made anew: only its registry keeps one."""
        return self._load()

    async def registry(self) -> AnyRegistry | None:
        """The registry, started; None when the kind has gone meanwhile."""
        if self.gone():
            return None
        if self._registry is None or _failed(self._registry):
            self._registry = asyncio.create_task(self._start())
        # Whoever waits may be cancelled; the others wait on.
        registry = await asyncio.shield(self._registry)
        return None if self.gone() else registry

    def gone(self) -> bool:
        """Whether it is served no more, or has been replaced by another form of it."""
        return self._closed

    async def close(self) -> None:
        """End its watches; it is served no more."""
        self._closed = True
        if self._registry is not None:
            await asyncio.wait((self._registry,))
            if not _failed(self._registry):
                await self._registry.result().close()
            # Documents of before may hold this for a while, but not what is large.
            self._registry = None

    async def _start(self) -> AnyRegistry:
        registry = self._make(self.whole())
        await registry.start()
        return registry


def _failed(task: asyncio.Task[AnyRegistry]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def _always_fresh() -> None:
    """Nothing custom is served: there is nothing to wait for."""


class Kinds:
    """The served kinds. ``generation`` grows with each change; ``changed`` is called after it."""

    def __init__(
        self,
        registries: Iterable[AnyRegistry] = (),
        answering: Iterable[AnsweringRegistry[Any]] = (),
    ) -> None:
        self._fixed: dict[Name, AnyRegistry] = {_name(r.resource): r for r in registries}
        self._plural = {(r.resource.group, r.resource.plural): r for r in self._fixed.values()}
        self._answering = {_name(r.resource): r for r in answering}
        self._custom: dict[Name, CustomKind] = {}
        self.generation = 0
        self.changed: list[Callable[[], None]] = []
        self.refresh: Callable[[], Awaitable[None]] = _always_fresh
        """Waits until every change of a definition that was acknowledged is in effect here."""

    def registry(self, group: str, plural: str) -> AnyRegistry:
        """The registry of a kind of the catalogue. Raises KeyError for any other."""
        return self._plural[group, plural]

    def fixed(self) -> tuple[AnyRegistry, ...]:
        """The registries of the catalogue's kinds that are stored."""
        return tuple(self._fixed.values())

    def catalogued(self) -> tuple[AnyResource, ...]:
        """The kinds of the catalogue."""
        held = (r.resource for r in self._fixed.values())
        return (*held, *(r.resource for r in self._answering.values()))

    async def find(self, group: str, version: str, plural: str) -> AnyRegistry | None:
        """The registry that serves a path, as of all writes that were acknowledged."""
        name = (group, version, plural)
        fixed = self._fixed.get(name)
        if fixed is not None:
            return fixed
        answering = self._answering.get(name)
        if answering is not None:
            # Such a kind has the one verb create, and that it shares with any registry.
            return cast("AnyRegistry", answering)
        await self.refresh()
        custom = self._custom.get(name)
        return None if custom is None else await custom.registry()

    async def all(self) -> list[AnyRegistry]:
        """A registry of each kind that is stored; a custom kind's is of one of its versions."""
        await self.refresh()
        chosen = {(g, plural): kind for (g, _, plural), kind in self._custom.items()}
        started = [await kind.registry() for kind in chosen.values()]
        return [*self._fixed.values(), *(r for r in started if r is not None)]

    def resources(self) -> tuple[AnyResource, ...]:
        """Every version of every kind. Of custom kinds only names and subresources are told."""
        custom = (kind.resource for kind in self._custom.values())
        return (*self.catalogued(), *custom)

    def custom(self) -> tuple[CustomKind, ...]:
        """Every version of every custom kind."""
        return tuple(self._custom.values())

    def is_fixed(self, group: str, version: str) -> bool:
        """Whether the version of the group is the catalogue's: custom kinds cannot be in it."""
        return any(name[:2] == (group, version) for name in (*self._fixed, *self._answering))

    def replace(self, group: str, plural: str, versions: Iterable[CustomKind]) -> list[CustomKind]:
        """Serve these versions of a custom kind, and no others; gives those to be closed."""
        old = {
            name: kind
            for name, kind in self._custom.items()
            if (name[0], name[2]) == (group, plural)
        }
        new = {_name(kind.resource): kind for kind in versions}
        for name in old.keys() - new.keys():
            del self._custom[name]
        self._custom.update(new)
        self.generation += 1
        for callback in self.changed:
            callback()
        return [kind for kind in old.values() if kind not in new.values()]

    async def close(self) -> None:
        """Close the registries of custom kinds."""
        for kind in self.custom():
            await kind.close()


def _name(resource: AnyResource) -> Name:
    return resource.group, resource.version, resource.plural
