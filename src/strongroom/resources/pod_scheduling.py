"""Where pods go: affinity, tolerations, spreading, gates and device claims."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from strongroom.api.meta import LabelSelector
from strongroom.api.schema import F, Struct, always


class NodeSelectorRequirement(Struct):
    """A condition on a label or field of a node."""

    key: Annotated[str, F(1, "Key of the label.", required=True)] = always(str)
    operator: Annotated[
        str,
        F(
            2,
            "How the value is compared.",
            enum=("DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"),
            required=True,
        ),
    ] = always(str)
    values: Annotated[list[str], F(3, "Values to compare with.", list_type="atomic")] = []


class NodeSelectorTerm(Struct):
    """Conditions that must all hold."""

    owned_whole: ClassVar[bool] = True

    matchExpressions: Annotated[
        list[NodeSelectorRequirement], F(1, "Conditions on labels.", list_type="atomic")
    ] = []
    matchFields: Annotated[
        list[NodeSelectorRequirement], F(2, "Conditions on fields.", list_type="atomic")
    ] = []


class NodeSelector(Struct):
    """Terms of which one must hold."""

    owned_whole: ClassVar[bool] = True

    nodeSelectorTerms: Annotated[
        list[NodeSelectorTerm], F(1, "The terms.", list_type="atomic", required=True)
    ] = always(list)


class PreferredSchedulingTerm(Struct):
    """A term that is worth something."""

    weight: Annotated[
        int, F(1, "What the term is worth, 1 to 100.", format="int32", required=True)
    ] = always(int)
    preference: Annotated[NodeSelectorTerm, F(2, "The term.", required=True)] = msgspec.field(
        default_factory=NodeSelectorTerm
    )


class NodeAffinity(Struct):
    """Which nodes a pod must or would like to be on."""

    requiredDuringSchedulingIgnoredDuringExecution: Annotated[
        NodeSelector | None, F(1, "What must hold at scheduling.")
    ] = None
    preferredDuringSchedulingIgnoredDuringExecution: Annotated[
        list[PreferredSchedulingTerm],
        F(2, "What counts in favour of a node at scheduling.", list_type="atomic"),
    ] = []


class PodAffinityTerm(Struct):
    """Pods near which, or away from which, a pod is to be."""

    labelSelector: Annotated[LabelSelector | None, F(1, "The pods, by label.")] = None
    namespaces: Annotated[
        list[str],
        F(
            2,
            "Namespaces of the pods; one's own if no selector is given either.",
            list_type="atomic",
        ),
    ] = []
    topologyKey: Annotated[str, F(3, "Node label that says what near means.", required=True)] = (
        always(str)
    )
    namespaceSelector: Annotated[
        LabelSelector | None, F(4, "Namespaces of the pods, by label.")
    ] = None
    matchLabelKeys: Annotated[
        list[str], F(5, "Labels that must be equal to the new pod's.", list_type="atomic")
    ] = []
    mismatchLabelKeys: Annotated[
        list[str], F(6, "Labels that must differ from the new pod's.", list_type="atomic")
    ] = []


class WeightedPodAffinityTerm(Struct):
    """A term that is worth something."""

    weight: Annotated[
        int, F(1, "What the term is worth, 1 to 100.", format="int32", required=True)
    ] = always(int)
    podAffinityTerm: Annotated[PodAffinityTerm, F(2, "The term.", required=True)] = msgspec.field(
        default_factory=PodAffinityTerm
    )


class PodAffinity(Struct):
    """Pods that a pod is to be near."""

    requiredDuringSchedulingIgnoredDuringExecution: Annotated[
        list[PodAffinityTerm], F(1, "What must hold at scheduling.", list_type="atomic")
    ] = []
    preferredDuringSchedulingIgnoredDuringExecution: Annotated[
        list[WeightedPodAffinityTerm],
        F(2, "What counts in favour of a node at scheduling.", list_type="atomic"),
    ] = []


class PodAntiAffinity(Struct):
    """Pods that a pod is to be away from."""

    requiredDuringSchedulingIgnoredDuringExecution: Annotated[
        list[PodAffinityTerm], F(1, "What must hold at scheduling.", list_type="atomic")
    ] = []
    preferredDuringSchedulingIgnoredDuringExecution: Annotated[
        list[WeightedPodAffinityTerm],
        F(2, "What counts in favour of a node at scheduling.", list_type="atomic"),
    ] = []


class Affinity(Struct):
    """Where a pod must or would like to be."""

    nodeAffinity: Annotated[NodeAffinity | None, F(1, "Conditions on nodes.")] = None
    podAffinity: Annotated[PodAffinity | None, F(2, "Pods to be near.")] = None
    podAntiAffinity: Annotated[PodAntiAffinity | None, F(3, "Pods to be away from.")] = None


class Toleration(Struct):
    """Lets a pod onto nodes with a matching taint."""

    key: Annotated[str, F(1, "Key of the taint; empty with operator Exists means all.")] = ""
    operator: Annotated[
        str,
        F(2, "How the value is compared; Equal by default.", enum=("Equal", "Exists", "Gt", "Lt")),
    ] = ""
    value: Annotated[str, F(3, "Value of the taint.")] = ""
    effect: Annotated[
        str,
        F(
            4,
            "Effect of the taint; empty means all.",
            enum=("NoExecute", "NoSchedule", "PreferNoSchedule"),
        ),
    ] = ""
    tolerationSeconds: Annotated[
        int | None,
        F(5, "How long a NoExecute taint is tolerated; unset means for ever.", format="int64"),
    ] = None


class TopologySpreadConstraint(Struct):
    """How pods spread over parts of the cluster."""

    maxSkew: Annotated[
        int, F(1, "By how many pods two parts may differ.", format="int32", required=True)
    ] = always(int)
    topologyKey: Annotated[str, F(2, "Node label that names the parts.", required=True)] = always(
        str
    )
    whenUnsatisfiable: Annotated[
        str,
        F(
            3,
            "What to do with a pod that cannot meet the constraint.",
            enum=("DoNotSchedule", "ScheduleAnyway"),
            required=True,
        ),
    ] = always(str)
    labelSelector: Annotated[LabelSelector | None, F(4, "The pods that are counted.")] = None
    minDomains: Annotated[
        int | None, F(5, "Least number of parts that there should be.", format="int32")
    ] = None
    nodeAffinityPolicy: Annotated[
        str | None,
        F(
            6,
            "Whether node affinity and selector limit the nodes that count.",
            enum=("Honor", "Ignore"),
        ),
    ] = None
    nodeTaintsPolicy: Annotated[
        str | None, F(7, "Whether taints limit the nodes that count.", enum=("Honor", "Ignore"))
    ] = None
    matchLabelKeys: Annotated[
        list[str], F(8, "Labels that must be equal to the new pod's.", list_type="atomic")
    ] = []


class PodSchedulingGate(Struct):
    """Something that holds up scheduling."""

    name: Annotated[str, F(1, "Name of the gate; unique within the pod.", required=True)] = always(
        str
    )


class PodSchedulingGroup(Struct):
    """The group of pods with which a pod is scheduled."""

    podGroupName: Annotated[str | None, F(1, "Name of the PodGroup of the same namespace.")] = None


class PodResourceClaim(Struct):
    """A claim for devices that containers refer to by name."""

    name: Annotated[str, F(1, "Name of the claim within the pod.", required=True)] = always(str)
    resourceClaimName: Annotated[str | None, F(3, "The ResourceClaim to use.")] = None
    resourceClaimTemplateName: Annotated[
        str | None, F(4, "The template from which a claim is made for the pod.")
    ] = None


class EvictionResponder(Struct):
    """Names who answers when the pod is asked to leave."""

    owned_whole: ClassVar[bool] = True

    name: Annotated[str, F(1, "Name of the responder.", required=True)] = always(str)
    priority: Annotated[
        int | None, F(2, "Who is asked first; higher goes first.", format="int32", required=True)
    ] = None
