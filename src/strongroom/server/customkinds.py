"""Serves what CustomResourceDefinitions define, from the moment that they are established.

A change of a definition is followed by way of its registry's cache, and a request waits until the
last acknowledged change is in effect (:meth:`CustomKinds.refresh`): who has seen a definition
established finds its kind. A version that changes is served anew, so its watches end and are begun
again by their clients; the other versions go on.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable

from strongroom.api.codec import encode
from strongroom.registry.errors import translated
from strongroom.registry.registry import Registry
from strongroom.registry.view import View
from strongroom.resources.crd_object import (
    ESTABLISHED,
    TERMINATING,
    CustomResourceDefinition,
    CustomResourceDefinitionVersion,
    is_true,
    storage_version,
)
from strongroom.resources.custom import custom_resource, outline
from strongroom.server.kinds import AnyRegistry, AnyResource, CustomKind, Kinds
from strongroom.storage.cache import Change, Subscription
from strongroom.storage.errors import SubscriberTooSlow
from strongroom.storage.port import EventType, Store
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

Definition = View[CustomResourceDefinition]

FRESH_WITHIN = 3.0
"""Seconds that a request waits for the definitions to be as new as the store."""

GRACE = 1.0
"""Seconds that a replaced version still follows the store for the requests that it serves."""

_MAX_PENDING = 100_000


class CustomKinds:
    """Keeps the custom kinds in ``kinds`` as the definitions say. ``make`` makes registries."""

    def __init__(
        self,
        kinds: Kinds,
        definitions: Registry[CustomResourceDefinition],
        store: Store,
        make: Callable[[AnyResource], AnyRegistry],
    ) -> None:
        self._kinds = kinds
        self._definitions = definitions
        self._store = store
        self._make = make
        self._served: dict[str, tuple[str, str, dict[str, CustomKind]]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Event()
        self._subscription: Subscription[Definition] = self._read_all()
        self._following = asyncio.create_task(self._follow())
        kinds.refresh = self.refresh

    async def close(self) -> None:
        """Serve no custom kind any more."""
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        await self._subscription.close()
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._kinds.close()

    async def refresh(self) -> None:
        """Wait until every acknowledged change is in effect. Raises StatusError 504."""
        cache = self._definitions.cache
        with translated(self._definitions.resource.group_resource, "get"):
            revision = await self._store.revision()
            await cache.wait_for(revision, FRESH_WITHIN)
        while self._subscription.progress < revision and not self._following.done():
            self._turn.clear()
            await self._turn.wait()

    async def _follow(self) -> None:
        while True:
            try:
                # A batch is applied in the step in which it is taken: `progress` tells the truth.
                async for batch in self._subscription:
                    for change in batch:
                        self._apply(change)
                    self._turn.set()
                return
            except SubscriberTooSlow:
                await self._subscription.close()
                self._subscription = self._read_all()
            finally:
                self._turn.set()

    def _read_all(self) -> Subscription[Definition]:
        """Bring everything up to date. Nothing is awaited between reading and subscribing."""
        cache = self._definitions.cache
        prefix = self._definitions.resource.prefix()
        entries = [entry for entry in cache.list(prefix).items if entry.error is None]
        for name in self._served.keys() - {entry.item.name for entry in entries}:
            self._drop(name)
        for entry in entries:
            self._try_to_serve(entry.item)
        return cache.subscribe(cache.revision, _MAX_PENDING, prefix=prefix)

    def _apply(self, change: Change[Definition]) -> None:
        if change.error is None and change.type is EventType.PUT:
            self._try_to_serve(change.item)
        elif change.error is None:
            self._drop(change.item.name)

    def _try_to_serve(self, view: Definition) -> None:
        try:
            self._serve(view)
        except Exception as error:  # noqa: BLE001 - one odd definition must not stop all others
            log(logger, logging.ERROR, "definition not served", error, name=view.name)

    def _serve(self, view: Definition) -> None:
        crd = view.peek()
        name = crd.metadata.name
        wanted = self._wanted(crd)
        _, _, known = self._served.get(name, ("", "", {}))
        if {v.name: mark for v, mark in wanted} == {v: k.fingerprint for v, k in known.items()}:
            return
        versions = {}
        for version, fingerprint in wanted:
            old = known.get(version.name)
            kept = old if old is not None and old.fingerprint == fingerprint else None
            versions[version.name] = kept or self._kind(view, crd, version, fingerprint)
        group, plural = crd.spec.group, crd.status.acceptedNames.plural
        self._served[name] = (group, plural, versions)
        self._close(self._kinds.replace(group, plural, versions.values()), GRACE)

    def _drop(self, name: str) -> None:
        group, plural, _ = self._served.pop(name, ("", "", {}))
        if group:
            self._close(self._kinds.replace(group, plural, ()), 0)

    def _wanted(
        self, crd: CustomResourceDefinition
    ) -> list[tuple[CustomResourceDefinitionVersion, str]]:
        """The versions to serve, each with what tells whether it is still the same."""
        if not is_true(crd, ESTABLISHED):
            return []
        group = crd.spec.group
        return [
            (version, _fingerprint(crd, version))
            for version in crd.spec.versions
            if version.served and not self._kinds.is_fixed(group, version.name)
        ]

    def _kind(
        self,
        view: Definition,
        crd: CustomResourceDefinition,
        version: CustomResourceDefinitionVersion,
        fingerprint: str,
    ) -> CustomKind:
        named = version.name

        def load() -> AnyResource:
            # Read again from its bytes: the definition itself may be large, and is needed once.
            again = view.decode()
            return custom_resource(again, next(v for v in again.spec.versions if v.name == named))

        return CustomKind(outline(crd, version), fingerprint, load, self._make)

    def _close(self, kinds: Iterable[CustomKind], after: float) -> None:
        for kind in kinds:
            task = asyncio.create_task(_close_later(kind, after))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


async def _close_later(kind: CustomKind, after: float) -> None:
    try:
        await asyncio.sleep(after)
        await kind.close()
    except Exception as error:  # noqa: BLE001 - what is left open goes when the server stops
        log(logger, logging.WARNING, "custom kind not closed", error)


def _fingerprint(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion) -> str:
    """Of everything that :func:`custom_resource` makes a kind from."""
    spec = crd.spec
    parts: list[object] = [
        spec.group,
        crd.status.acceptedNames,
        spec.scope,
        storage_version(spec),
        is_true(crd, TERMINATING),
        version,
        # A deprecated version's warning names a better one.
        [(v.name, v.served, v.deprecated) for v in spec.versions] if version.deprecated else [],
    ]
    return hashlib.sha256(encode(parts)).hexdigest()
