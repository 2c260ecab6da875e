"""What admission asks about pods and their ServiceAccounts, answered from the registries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from strongroom.access.authz.port import Authorizer, Verdict
from strongroom.access.user import Attributes
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.registry.registry import Registry
from strongroom.registry.view import View
from strongroom.resources.csidriver import CSI_DRIVERS, CSIDriver
from strongroom.resources.node import NODES
from strongroom.resources.node_object import Node
from strongroom.resources.pod import PODS, Pod
from strongroom.resources.resource import Resource
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS, ServiceAccount
from strongroom.server.bootstrap import own_context

Registries = Callable[[str, str], Registry[Any] | None]
"""The registry of a group and a plural, if it is there yet."""


class Accounts:
    """Single objects: from the cache, and what that does not know as of now."""

    def __init__(self, registries: Registries, authorizer: Authorizer, clock: Clock) -> None:
        self._registries = registries
        self._authorizer = authorizer
        self._clock = clock

    async def may(self, attributes: Attributes) -> bool:
        """Whether the authorizers allow this."""
        return (await self._authorizer.authorize(attributes)).verdict is Verdict.ALLOW

    async def service_account(self, namespace: str, name: str) -> ServiceAccount | None:
        """The account; None when there is none."""
        found = await self._find(SERVICE_ACCOUNTS, namespace, name)
        return found if isinstance(found, ServiceAccount) else None

    async def pod(self, namespace: str, name: str) -> Pod | None:
        """The pod as of now, since its UID and its node decide; None when there is none."""
        found = await self._find(PODS, namespace, name, cached=False)
        return found if isinstance(found, Pod) else None

    async def node(self, name: str) -> Node | None:
        """The node as of now; None when there is none."""
        found = await self._find(NODES, "", name, cached=False)
        return found if isinstance(found, Node) else None

    async def csi_driver(self, name: str) -> CSIDriver | None:
        """The storage driver; None when there is none."""
        found = await self._find(CSI_DRIVERS, "", name)
        return found if isinstance(found, CSIDriver) else None

    async def _find(
        self, resource: Resource[Any], namespace: str, name: str, *, cached: bool = True
    ) -> Object | None:
        registry = self._registries(resource.group, resource.plural)
        if registry is None:
            return None
        ctx = own_context(self._clock, "get", resource.plural, group=resource.group)
        for freshness in ("0", "") if cached else ("",):
            try:
                view: View[Object] = await registry.get(ctx, namespace, name, freshness)
                return view.obj
            except StatusError as error:
                if error.code != 404:
                    raise
        return None
