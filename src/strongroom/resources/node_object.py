"""The Node itself: apart from its behaviour, so that rules about nodes need not import that."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.resources.node_status import NodeConfigSource, NodeStatus


class Taint(Struct):
    """Keeps pods off a node unless they tolerate it."""

    key: Annotated[str, F(1, "Key of the taint.", required=True)] = always(str)
    value: Annotated[str, F(2, "Value of the taint.")] = ""
    effect: Annotated[
        str,
        F(
            3,
            "What happens to pods that do not tolerate it.",
            enum=("NoExecute", "NoSchedule", "PreferNoSchedule"),
            required=True,
        ),
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
        F(
            7,
            "Address ranges of the node's pods, one for each IP family.",
            list_type="set",
            patch="merge",
        ),
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

    spec: Annotated[NodeSpec, F(2, "What is wanted of the node.")] = msgspec.field(
        default_factory=NodeSpec
    )
    status: Annotated[NodeStatus, F(3, "What is known of the node.")] = msgspec.field(
        default_factory=NodeStatus
    )
