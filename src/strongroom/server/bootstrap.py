"""What must exist before anybody asks: the namespaces of the system."""

from __future__ import annotations

import asyncio
from typing import Any

from strongroom.access.user import LOOPBACK, Attributes
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import ObjectMeta
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.registry.view import View

NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")


def own_context(
    clock: Clock,
    verb: str,
    resource: str,
    *,
    group: str = "",
    namespace: str = "",
    subresource: str = "",
) -> RequestContext:
    """The context of an act of the server itself."""
    attributes = Attributes(
        LOOPBACK,
        verb,
        "",
        is_resource=True,
        group=group,
        version="v1",
        resource=resource,
        subresource=subresource,
        namespace=namespace,
    )
    return RequestContext(LOOPBACK, attributes, clock.now(), field_manager="strongroom")


async def ensure_namespaces(registry: Registry[Any], clock: Clock) -> None:
    """Create the system's namespaces that are missing; all at once, which takes one commit."""
    await asyncio.gather(*(_ensure_namespace(registry, clock, name) for name in NAMESPACES))


async def _ensure_namespace(registry: Registry[Any], clock: Clock, name: str) -> None:
    if registry.cache.get(registry.resource.key("", name)) is not None:
        return
    obj = registry.resource.type(metadata=ObjectMeta(name=name))
    try:
        await registry.create(own_context(clock, "create", "namespaces"), "", obj)
    except StatusError as error:
        if error.reason != "AlreadyExists":
            raise


class NamespacePhases:
    """Answers admission's question about namespaces from the registry."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.registry: Registry[Any] | None = None

    async def phase(self, namespace: str) -> str | None:
        """``Active`` or ``Terminating``; None when there is no such namespace.

        The cache is asked first, without ado, for every creation asks; only what it does not know
        is asked as of now, since a namespace may just have been made.
        """
        if self.registry is None:
            return None
        entry = self.registry.cache.get(self.registry.resource.key("", namespace))
        if entry is not None and entry.error is None:
            return _phase(entry.item)
        try:
            ctx = own_context(self._clock, "get", "namespaces")
            return _phase(await self.registry.get(ctx, "", namespace))
        except StatusError as error:
            if error.code != 404:
                raise
        return None


def _phase(view: View[Any]) -> str:
    return "Terminating" if view.obj.metadata.deletionTimestamp else "Active"
