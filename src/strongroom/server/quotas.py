"""Quotas as admission reads and charges them, over their registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from strongroom.api.clock import Clock
from strongroom.api.meta import Object
from strongroom.registry.registry import Registry
from strongroom.resources.resource import Resource
from strongroom.resources.resourcequota import RESOURCE_QUOTAS
from strongroom.resources.resourcequota_object import ResourceQuota
from strongroom.server.bootstrap import own_context

Held = Callable[[Resource[ResourceQuota], str], Sequence[Object]]


class QuotaStore:
    """Fulfils ``access.admission.quota.plugin.Quotas``. ``held`` lists what the cache has."""

    def __init__(
        self,
        held: Held,
        registry: Callable[[str, str], Registry[ResourceQuota] | None],
        clock: Clock,
    ) -> None:
        self._held = held
        self._registry = registry
        self._clock = clock

    def quotas(self, namespace: str) -> Sequence[ResourceQuota]:
        """The quotas of a namespace, as the cache has them."""
        return self._held(RESOURCE_QUOTAS, namespace)  # type: ignore[return-value]  # of this kind only

    async def charge(self, quota: ResourceQuota) -> None:
        """Store the status, and wait until the cache shows it.

        Raises StatusError 409 when the quota has changed, 404 if it is gone.
        """
        registry = self._registry("", "resourcequotas")
        if registry is None:
            return
        meta = quota.metadata
        ctx = own_context(
            self._clock,
            "update",
            "resourcequotas",
            namespace=meta.namespace,
            subresource="status",
        )
        await registry.update(ctx, meta.namespace, meta.name, quota, subresource="status")
        await registry.catch_up()

    async def refresh(self) -> None:
        """Wait until the cache shows all writes up to now."""
        registry = self._registry("", "resourcequotas")
        if registry is not None:
            await registry.catch_up()
