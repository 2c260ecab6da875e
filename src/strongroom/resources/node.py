"""Node: a machine that runs pods."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.resources.columns import AGE, NAME, NONE, UNKNOWN
from strongroom.resources.node_status import NodeConfigSource, NodeStatus
from strongroom.resources.node_validation import validate_node, validate_node_update
from strongroom.resources.quantity import canonicalize_quantities
from strongroom.resources.resource import Column, Resource, Subresource

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"


class Taint(Struct):
    """Keeps pods off a node unless they tolerate it."""

    key: Annotated[str, F(1, "Key of the taint.", required=True)] = always(str)
    value: Annotated[str, F(2, "Value of the taint.")] = ""
    effect: Annotated[
        str,
        F(3, "What happens to pods that do not tolerate it.",
          enum=("NoExecute", "NoSchedule", "PreferNoSchedule"), required=True),
    ] = always(str)
    timeAdded: Annotated[str, F(4, "When the taint was added.", format="date-time")] = ""


class NodePodPreemptionPolicy(Struct):
    """Which ways of preempting pods are switched off on a node."""

    disableResizePreemption: Annotated[
        list[str], F(1, "Reasons for which a resize does not preempt other pods.", list_type="set")
    ] = []


class NodeSpec(Struct):
    """What is wanted of a node."""

    podCIDR: Annotated[str, F(1, "Address range of the node's pods.")] = ""
    podCIDRs: Annotated[
        list[str],
        F(7, "Address ranges of the node's pods, one for each IP family.", list_type="set",
          patch="merge"),
    ] = []
    providerID: Annotated[str, F(3, "The node's ID at its cloud provider.")] = ""
    unschedulable: Annotated[bool, F(4, "Whether new pods stay away.")] = False
    taints: Annotated[list[Taint], F(5, "The node's taints.", list_type="atomic")] = []
    configSource: Annotated[NodeConfigSource | None, F(6, "No longer used.")] = None
    externalID: Annotated[str, F(2, "No longer used.")] = ""
    podPreemptionPolicy: Annotated[
        NodePodPreemptionPolicy | None, F(8, "How pods of the node may be preempted.")
    ] = None


class Node(Object):
    """A machine that runs pods; its name is what pods are bound to."""

    spec: Annotated[
        NodeSpec, F(2, "What is wanted of the node.")
    ] = msgspec.field(default_factory=NodeSpec)
    status: Annotated[
        NodeStatus, F(3, "What is known of the node.")
    ] = msgspec.field(default_factory=NodeStatus)


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
    subresources=(
        Subresource("status", _merge_status, validate_node_update),
    ),
    field_selectors={
        "spec.unschedulable": lambda node: str(node.spec.unschedulable).lower()
    },
    storage_prefix="minions",
)
