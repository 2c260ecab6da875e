"""Node: a machine that runs pods."""

from __future__ import annotations

from datetime import datetime

from strongroom.api.errors import FieldError
from strongroom.resources.columns import AGE, NAME, NONE, UNKNOWN
from strongroom.resources.node_object import Node, Taint
from strongroom.resources.node_validation import validate_node, validate_node_update
from strongroom.resources.quantity import canonicalize_quantities
from strongroom.resources.resource import Column, Resource, Subresource

__all__ = ["NODES", "Node", "NodeResource", "Taint"]

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"


class NodeResource(Resource[Node]):
    """The behaviour of Nodes. A node may be created with its status: the node agent does so."""

    def default(self, obj: Node) -> None:
        canonicalize_quantities(obj)
        if not obj.status.allocatable:
            obj.status.allocatable = dict(obj.status.capacity)

    def prepare_for_update(self, new: Node, old: Node, now: datetime) -> None:
        new.status = old.status

    def validate(self, obj: Node) -> list[FieldError]:
        return validate_node(obj)

    def validate_update(self, new: Node, old: Node) -> list[FieldError]:
        return validate_node_update(new, old)


def _merge_status(new: Node, old: Node) -> Node:
    new.spec = old.spec
    return new


def _status(node: Node, now: datetime) -> str:
    ready = next((c for c in node.status.conditions if c.type == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready.status == "True" else "NotReady"]
    if node.spec.unschedulable:
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(node: Node, now: datetime) -> str:
    labels = node.metadata.labels
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    roles.add(labels.get(_ROLE_LABEL, ""))
    return ",".join(sorted(roles - {""})) or NONE


def _address(node: Node, kind: str) -> str:
    return next((a.address for a in node.status.addresses if a.type == kind), NONE)


NODES = NodeResource(
    group="",
    version="v1",
    kind="Node",
    plural="nodes",
    singular="node",
    short_names=("no",),
    type=Node,
    namespaced=False,
    columns=(
        NAME,
        Column("Status", _status, description="Whether the node is ready."),
        Column("Roles", _roles, description="Roles that the labels tell."),
        AGE,
        Column(
            "Version",
            lambda node, now: node.status.nodeInfo.kubeletVersion,
            description="Version of the node agent.",
        ),
        Column(
            "Internal-IP",
            lambda node, now: _address(node, "InternalIP"),
            description="Address within the cluster.",
            priority=1,
        ),
        Column(
            "External-IP",
            lambda node, now: _address(node, "ExternalIP"),
            description="Address outside the cluster.",
            priority=1,
        ),
        Column(
            "OS-Image",
            lambda node, now: node.status.nodeInfo.osImage or UNKNOWN,
            description="Release of the operating system.",
            priority=1,
        ),
        Column(
            "Kernel-Version",
            lambda node, now: node.status.nodeInfo.kernelVersion or UNKNOWN,
            description="Kernel release.",
            priority=1,
        ),
        Column(
            "Container-Runtime",
            lambda node, now: node.status.nodeInfo.containerRuntimeVersion or UNKNOWN,
            description="Name and version of the container runtime.",
            priority=1,
        ),
    ),
    subresources=(Subresource("status", _merge_status, validate_node_update),),
    field_selectors={"spec.unschedulable": lambda node: str(node.spec.unschedulable).lower()},
    storage_prefix="minions",
)
