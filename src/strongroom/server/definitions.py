"""Sees to CustomResourceDefinitions: their names, their conditions and, in the end, their objects.

The work that upstream spreads over five controllers (``pkg/controller`` of
apiextensions-apiserver), done in the API server, one definition at a time. Whatever is interrupted
by a crash is found again in the conditions and finalizers that are stored, and goes on at the next
start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from strongroom.access.user import LOOPBACK, Attributes
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.schema import F
from strongroom.api.times import format_time
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.registry.view import View
from strongroom.resources.crd_conditions import accept_names, same_conditions
from strongroom.resources.crd_object import (
    CLEANUP,
    CustomResourceDefinition,
    CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec,
)
from strongroom.server.instances import Instances
from strongroom.server.kinds import AnyRegistry, AnyResource
from strongroom.storage.cache import Change, Subscription
from strongroom.storage.errors import StoreError, SubscriberTooSlow
from strongroom.storage.port import EventType
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

Definition = View[CustomResourceDefinition]

_MAX_PENDING = 100_000
_RETRY_FIRST, _RETRY_MOST = 0.1, 30.0


class _Spec(CustomResourceDefinitionSpec):
    """A spec whose versions, which are most of a definition, are not looked into."""

    versions: Annotated[Any, F(7, "The versions, as they came.")] = None


class _Outline(CustomResourceDefinition):
    """A definition as far as its names and conditions go."""

    spec: Annotated[_Spec, F(2, "What is served.")] = msgspec.field(default_factory=_Spec)


_outlines = msgspec.json.Decoder(_Outline)


class Definitions:
    """Looks after every definition. ``make`` makes registries, ``close`` stops the work."""

    def __init__(
        self,
        registry: Registry[CustomResourceDefinition],
        clock: Clock,
        make: Callable[[AnyResource], AnyRegistry],
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._instances = Instances(make)
        self._names: dict[str, tuple[str, CustomResourceDefinitionNames]] = {}
        self._subscription, self._dirty = self._read_all()
        self._cleaning: dict[str, asyncio.Task[None]] = {}
        self._delays: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._wake.set()
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._work())]

    async def close(self) -> None:
        """Stop; what is under way goes on at the next start."""
        tasks = [*self._tasks, *self._cleaning.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._subscription.close()

    def _read_all(self) -> tuple[Subscription[Definition], dict[str, None]]:
        """Know every definition's names. Nothing is awaited between reading and subscribing."""
        cache, prefix = self._registry.cache, self._registry.resource.prefix()
        self._names = {}
        for entry in cache.list(prefix).items:
            if entry.error is None:
                self._learn(_outlines.decode(entry.item.wire))
        subscription = cache.subscribe(cache.revision, _MAX_PENDING, prefix=prefix)
        return subscription, dict.fromkeys(self._names)

    def _learn(self, crd: CustomResourceDefinition) -> None:
        self._names[crd.metadata.name] = (crd.spec.group, crd.status.acceptedNames)

    async def _follow(self) -> None:
        """Note what changed; a definition that goes frees its names for others of its group."""
        while True:
            try:
                async for batch in self._subscription:
                    for change in batch:
                        if change.error is None:
                            self._apply(change)
                return
            except SubscriberTooSlow:
                await self._subscription.close()
                self._subscription, names = self._read_all()
                self._note(names)

    def _apply(self, change: Change[Definition]) -> None:
        crd = _outlines.decode(change.item.wire)
        name = crd.metadata.name
        if change.type is EventType.PUT:
            self._learn(crd)
            self._note([name])
        else:
            self._names.pop(name, None)
            self._note(self._others(crd.spec.group, name))

    def _note(self, names: Iterable[str]) -> None:
        self._dirty.update(dict.fromkeys(names))
        self._wake.set()

    def _others(self, group: str, name: str) -> list[str]:
        return [other for other, (its, _) in self._names.items() if its == group and other != name]

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._dirty:
                name = next(iter(self._dirty))
                del self._dirty[name]
                try:
                    await self._reconcile(name)
                    self._delays.pop(name, None)
                except Exception as error:  # noqa: BLE001 - one odd definition must not stop all
                    log(logger, logging.WARNING, "definition not settled", error, name=name)
                    self._again(name)

    def _again(self, name: str) -> None:
        """Try later, the later the more often it has failed; others are not kept waiting."""
        delay = self._delays.get(name, _RETRY_FIRST)
        self._delays[name] = min(delay * 2, _RETRY_MOST)
        asyncio.get_running_loop().call_later(delay, self._note, [name])

    async def _reconcile(self, name: str) -> None:
        view = await self._view(name)
        if view is None:
            return
        outline = _outlines.decode(view.wire)
        meta = outline.metadata
        if meta.deletionTimestamp:
            if CLEANUP in meta.finalizers and name not in self._cleaning:
                task = asyncio.create_task(self._clean(name))
                self._cleaning[name] = task
                task.add_done_callback(lambda _: self._cleaning.pop(name, None))
        elif self._accept(outline):
            crd = _definition(view)
            self._accept(crd)
            # Known at once, so that the next one is not given the same names.
            self._learn(await self._store(crd))
            self._note(self._others(crd.spec.group, name))

    def _accept(self, crd: CustomResourceDefinition) -> bool:
        """Give it names and conditions; whether these are others than it had."""
        before = [replace(c) for c in crd.status.conditions], crd.status.acceptedNames
        others = self._others(crd.spec.group, crd.metadata.name)
        taken = [self._names[other][1] for other in others]
        accept_names(crd, taken, format_time(self._clock.now()))
        return not same_conditions(crd, *before)

    async def _clean(self, name: str) -> None:
        """Delete the objects of a definition that goes, and then let it go."""
        delay = _RETRY_FIRST
        while True:
            try:
                crd = await self._read(name)
                if crd is None or CLEANUP not in crd.metadata.finalizers:
                    return
                await self._instances.remove(crd, self._store, self._clock)
                return
            except (StatusError, StoreError) as error:
                if not isinstance(error, StatusError) or error.code not in (404, 409):
                    log(logger, logging.WARNING, "objects not yet deleted", error, name=name)
                await asyncio.sleep(delay)
                delay = min(delay * 2, _RETRY_MOST)

    async def _read(self, name: str) -> CustomResourceDefinition | None:
        """The definition as of now, to be changed."""
        view = await self._view(name)
        return None if view is None else _definition(view)

    async def _view(self, name: str) -> Definition | None:
        try:
            return await self._registry.get(self._context("get"), "", name)
        except StatusError as error:
            if error.code != 404:
                raise
            return None

    async def _store(self, crd: CustomResourceDefinition) -> CustomResourceDefinition:
        """Write status and finalizers. Raises StatusError 409 when somebody else was faster."""
        name = crd.metadata.name
        ctx = self._context("update", "status", name)
        view = await self._registry.update(ctx, "", name, crd, subresource="status")
        return _definition(view)

    def _context(self, verb: str, subresource: str = "", name: str = "") -> RequestContext:
        resource = self._registry.resource
        attributes = Attributes(
            LOOPBACK,
            verb,
            "",
            is_resource=True,
            group=resource.group,
            version=resource.version,
            resource=resource.plural,
            subresource=subresource,
            name=name,
        )
        now = self._clock.now()
        return RequestContext(LOOPBACK, attributes, now, field_manager="strongroom")


def _definition(view: Definition) -> CustomResourceDefinition:
    return view.decode()
