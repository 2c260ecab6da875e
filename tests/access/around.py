"""What plugins ask of the rest of the server, answered from dictionaries."""

from __future__ import annotations

from dataclasses import dataclass, field

from strongroom.access.user import Attributes
from strongroom.resources.csidriver import CSIDriver
from strongroom.resources.node_object import Node
from strongroom.resources.pod import Pod
from strongroom.resources.serviceaccount import ServiceAccount


@dataclass
class Around:
    """Objects by namespace and name. ``allowed`` are the things that may be done."""

    accounts: dict[tuple[str, str], ServiceAccount] = field(default_factory=dict)
    pods: dict[tuple[str, str], Pod] = field(default_factory=dict)
    drivers: dict[str, CSIDriver] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    allowed: set[tuple[str, str, str, str]] = field(default_factory=set)
    """Verb, resource, namespace and name."""

    async def service_account(self, namespace: str, name: str) -> ServiceAccount | None:
        return self.accounts.get((namespace, name))

    async def pod(self, namespace: str, name: str) -> Pod | None:
        return self.pods.get((namespace, name))

    async def csi_driver(self, name: str) -> CSIDriver | None:
        return self.drivers.get(name)

    async def node(self, name: str) -> Node | None:
        return self.nodes.get(name)

    async def may(self, wanted: Attributes) -> bool:
        asked = (wanted.verb, wanted.resource, wanted.namespace, wanted.name)
        known = wanted.group in ("", "certificates.k8s.io") and not wanted.subresource
        return known and asked in self.allowed
