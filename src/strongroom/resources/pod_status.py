"""What is known of a pod as a whole."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.schema import F, Struct, always
from strongroom.resources.pod_container_status import ContainerStatus
from strongroom.resources.pod_resources import ResourceRequirements


class PodCondition(Struct):
    """One observation about a pod, such as whether it is ready."""

    type: Annotated[str, F(1, "What is observed.", required=True)] = always(str)
    observedGeneration: Annotated[
        int, F(7, "The generation of the pod that was observed.", format="int64")
    ] = 0
    status: Annotated[str, F(2, "True, False or Unknown.", required=True)] = always(str)
    lastProbeTime: Annotated[
        str, F(3, "When it was last looked at.", format="date-time", by_value=True)
    ] = ""
    lastTransitionTime: Annotated[
        str, F(4, "When the status last changed.", format="date-time", by_value=True)
    ] = ""
    reason: Annotated[str, F(5, "Machine-readable reason of the last change.")] = ""
    message: Annotated[str, F(6, "What was observed, for people.")] = ""


class HostIP(Struct):
    """One address of the host."""

    ip: Annotated[str, F(1, "The address.", required=True)] = always(str)


class PodIP(Struct):
    """One address of the pod."""

    ip: Annotated[str, F(1, "The address.", required=True)] = always(str)


class PodResourceClaimStatus(Struct):
    """Which claim was made from a template."""

    name: Annotated[str, F(1, "Name of the claim in spec.resourceClaims.", required=True)] = always(
        str
    )
    resourceClaimName: Annotated[
        str | None, F(2, "The ResourceClaim; unset when none was needed.")
    ] = None


class ContainerExtendedResourceRequest(Struct):
    """Which request of a claim serves an extended resource."""

    containerName: Annotated[str, F(1, "The container.", required=True)] = always(str)
    resourceName: Annotated[str, F(2, "The extended resource.", required=True)] = always(str)
    requestName: Annotated[str, F(3, "The request within the claim.", required=True)] = always(str)


class PodExtendedResourceClaimStatus(Struct):
    """The claim that was made for extended resources."""

    requestMappings: Annotated[
        list[ContainerExtendedResourceRequest],
        F(
            1,
            "Which request serves which container and resource.",
            list_type="atomic",
            required=True,
        ),
    ] = always(list)
    resourceClaimName: Annotated[str, F(2, "The ResourceClaim.", required=True)] = always(str)


class NodeAllocatableMappedResources(Struct):
    """How much of a resource of the node a claim takes."""

    name: Annotated[str, F(1, "Name of the resource.", required=True)] = always(str)
    quantity: Annotated[str | None, F(2, "How much of it.", format="quantity", required=True)] = (
        None
    )


class NodeAllocatableOverheadResources(Struct):
    """How much of a resource of the node a claim takes besides."""

    name: Annotated[str, F(1, "Name of the resource.", required=True)] = always(str)
    perPod: Annotated[str | None, F(2, "How much for the pod.", format="quantity")] = None
    perContainer: Annotated[str | None, F(3, "How much for each container.", format="quantity")] = (
        None
    )


class NodeAllocatableResourceClaimStatus(Struct):
    """What a claim takes of the resources of the node."""

    resourceClaimName: Annotated[str, F(1, "The ResourceClaim.", required=True)] = always(str)
    containers: Annotated[list[str], F(2, "The containers that use it.", list_type="set")] = []
    mapping: Annotated[
        list[NodeAllocatableMappedResources],
        F(
            4,
            "Resources that the devices stand for.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []
    overhead: Annotated[
        list[NodeAllocatableOverheadResources],
        F(
            5,
            "Resources that are needed besides.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []


class VolumeHealthCondition(Struct):
    """What is wrong with a volume."""

    status: Annotated[
        str, F(1, "Kind of trouble.", enum=("DataLoss", "Degraded", "Inaccessible"), required=True)
    ] = always(str)
    reason: Annotated[str, F(2, "Machine-readable reason.", required=True)] = always(str)
    message: Annotated[str, F(3, "What is wrong, for people.")] = ""


class PodVolumeHealth(Struct):
    """The health of a volume of the pod."""

    name: Annotated[str, F(1, "Name of the volume.", required=True)] = always(str)
    healthConditions: Annotated[
        list[VolumeHealthCondition],
        F(
            2,
            "What is wrong with it.",
            list_type="map",
            list_keys=("status", "reason"),
            patch="merge",
            merge_key="status",
        ),
    ] = []
    lastTransitionTime: Annotated[
        str, F(3, "When that last changed.", format="date-time", by_value=True)
    ] = ""


class PodStatus(Struct):
    """What is known of a pod; the node agent writes it."""

    observedGeneration: Annotated[
        int, F(17, "The generation of the pod that the status is about.", format="int64")
    ] = 0
    phase: Annotated[
        str,
        F(
            1,
            "Where the pod is in its life.",
            enum=("Failed", "Pending", "Running", "Succeeded", "Unknown"),
        ),
    ] = ""
    conditions: Annotated[
        list[PodCondition],
        F(
            2,
            "The latest observations.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []
    message: Annotated[str, F(3, "Why the pod is in this state, for people.")] = ""
    reason: Annotated[str, F(4, "Why the pod is in this state, short and machine-readable.")] = ""
    nominatedNodeName: Annotated[str, F(11, "Node on which room is being made for the pod.")] = ""
    hostIP: Annotated[str, F(5, "Address of the host.")] = ""
    hostIPs: Annotated[
        list[HostIP],
        F(
            16,
            "Addresses of the host, one for each IP family.",
            list_type="atomic",
            patch="merge",
            merge_key="ip",
        ),
    ] = []
    podIP: Annotated[str, F(6, "Address of the pod.")] = ""
    podIPs: Annotated[
        list[PodIP],
        F(
            12,
            "Addresses of the pod, one for each IP family.",
            list_type="map",
            list_keys=("ip",),
            patch="merge",
            merge_key="ip",
        ),
    ] = []
    startTime: Annotated[str, F(7, "When the node agent took the pod on.", format="date-time")] = ""
    initContainerStatuses: Annotated[
        list[ContainerStatus], F(10, "What is known of the init containers.", list_type="atomic")
    ] = []
    containerStatuses: Annotated[
        list[ContainerStatus], F(8, "What is known of the containers.", list_type="atomic")
    ] = []
    qosClass: Annotated[
        str,
        F(
            9,
            "How the pod is treated when the node runs short.",
            enum=("BestEffort", "Burstable", "Guaranteed"),
        ),
    ] = ""
    ephemeralContainerStatuses: Annotated[
        list[ContainerStatus],
        F(13, "What is known of the ephemeral containers.", list_type="atomic"),
    ] = []
    resize: Annotated[str, F(14, "Progress of a resize; conditions tell it today.")] = ""
    resourceClaimStatuses: Annotated[
        list[PodResourceClaimStatus],
        F(
            15,
            "Claims that were made from templates.",
            list_type="map",
            list_keys=("name",),
            patch="merge,retainKeys",
            merge_key="name",
        ),
    ] = []
    extendedResourceClaimStatus: Annotated[
        PodExtendedResourceClaimStatus | None,
        F(18, "The claim that was made for extended resources."),
    ] = None
    allocatedResources: Annotated[
        dict[str, str], F(19, "What the node has set aside for the pod.", format="quantity")
    ] = {}
    resources: Annotated[
        ResourceRequirements | None, F(20, "Limits and requests of the pod that are in force.")
    ] = None
    nodeAllocatableResourceClaimStatuses: Annotated[
        list[NodeAllocatableResourceClaimStatus],
        F(
            21,
            "What claims take of the resources of the node.",
            list_type="map",
            list_keys=("resourceClaimName",),
            patch="merge",
            merge_key="resourceClaimName",
        ),
    ] = []
    volumeHealth: Annotated[
        list[PodVolumeHealth],
        F(22, "The health of the volumes.", list_type="map", list_keys=("name",)),
    ] = []
