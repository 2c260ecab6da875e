"""What is known of a pod and its containers."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.schema import F, Struct, always
from strongroom.resources.pod_probe import SIGNALS
from strongroom.resources.pod_resources import ResourceRequirements


class ContainerStateWaiting(Struct):
    """The container does not run yet."""

    reason: Annotated[str, F(1, "Why it waits, short and machine-readable.")] = ""
    message: Annotated[str, F(2, "Why it waits, for people.")] = ""


class ContainerStateRunning(Struct):
    """The container runs."""

    startedAt: Annotated[str, F(1, "When it started.", format="date-time")] = ""


class ContainerStateTerminated(Struct):
    """The container has ended."""

    exitCode: Annotated[
        int, F(1, "Exit code of the last process.", format="int32", required=True)
    ] = always(int)
    signal: Annotated[int, F(2, "Signal that ended it.", format="int32")] = 0
    reason: Annotated[str, F(3, "Why it ended, short and machine-readable.")] = ""
    message: Annotated[str, F(4, "What it, or the runtime, said about it.")] = ""
    startedAt: Annotated[str, F(5, "When it started.", format="date-time")] = ""
    finishedAt: Annotated[str, F(6, "When it ended.", format="date-time")] = ""
    containerID: Annotated[str, F(7, "Its ID, as `RUNTIME://ID`.")] = ""


class ContainerState(Struct):
    """What a container does; one is set, and none means waiting."""

    waiting: Annotated[ContainerStateWaiting | None, F(1, "It does not run yet.")] = None
    running: Annotated[ContainerStateRunning | None, F(2, "It runs.")] = None
    terminated: Annotated[ContainerStateTerminated | None, F(3, "It has ended.")] = None


class LinuxContainerUser(Struct):
    """The user that a container's first process started with."""

    uid: Annotated[int, F(1, "User ID.", format="int64", required=True)] = always(int)
    gid: Annotated[int, F(2, "Group ID.", format="int64", required=True)] = always(int)
    supplementalGroups: Annotated[
        list[int], F(3, "Further group IDs.", format="int64", list_type="atomic")
    ] = []


class ContainerUser(Struct):
    """The user that a container's first process started with."""

    linux: Annotated[LinuxContainerUser | None, F(1, "On Linux.")] = None


class ImageVolumeStatus(Struct):
    """What is known of a mounted image."""

    imageRef: Annotated[str, F(1, "Digest of the image.", required=True)] = ""


class VolumeStatus(Struct):
    """What is known of a mounted volume."""

    image: Annotated[ImageVolumeStatus | None, F(1, "Of an image volume.")] = None


class VolumeMountStatus(Struct):
    """What has become of a mount."""

    name: Annotated[str, F(1, "Name of the volume.", required=True)] = always(str)
    mountPath: Annotated[str, F(2, "Path in the container.", required=True)] = always(str)
    readOnly: Annotated[bool, F(3, "Whether it can only be read.")] = False
    recursiveReadOnly: Annotated[
        str | None, F(4, "Whether mounts below it are read-only, too.")
    ] = None
    volumeStatus: Annotated[VolumeStatus | None, F(5, "What is known of the volume.")] = None


class ResourceHealth(Struct):
    """The health of one device."""

    resourceID: Annotated[str, F(1, "ID of the device.", required=True)] = always(str)
    health: Annotated[str, F(2, "Healthy, Unhealthy or Unknown.")] = ""
    message: Annotated[str | None, F(6, "What is wrong, for people.")] = None


class ResourceStatus(Struct):
    """The health of the devices of a resource."""

    name: Annotated[str, F(1, "Name of the resource.", required=True)] = always(str)
    resources: Annotated[
        list[ResourceHealth], F(2, "The devices.", list_type="map", list_keys=("resourceID",))
    ] = []


class ContainerStatus(Struct):
    """What is known of a container."""

    name: Annotated[str, F(1, "Name of the container.", required=True)] = always(str)
    state: Annotated[ContainerState, F(2, "What it does now.")] = msgspec.field(
        default_factory=ContainerState
    )
    lastState: Annotated[ContainerState, F(3, "How it ended the last time.")] = msgspec.field(
        default_factory=ContainerState
    )
    ready: Annotated[bool, F(4, "Whether it passes its readiness probe.", required=True)] = always(
        bool
    )
    restartCount: Annotated[
        int, F(5, "How often it was restarted.", format="int32", required=True)
    ] = always(int)
    image: Annotated[str, F(6, "The image that it runs.", required=True)] = always(str)
    imageID: Annotated[str, F(7, "The image by digest.", required=True)] = always(str)
    containerID: Annotated[str, F(8, "Its ID, as `RUNTIME://ID`.")] = ""
    started: Annotated[bool | None, F(9, "Whether its start-up is over.")] = None
    allocatedResources: Annotated[
        dict[str, str], F(10, "What the node has set aside for it.", format="quantity")
    ] = {}
    resources: Annotated[
        ResourceRequirements | None, F(11, "Limits and requests that are in force.")
    ] = None
    volumeMounts: Annotated[
        list[VolumeMountStatus],
        F(
            12,
            "What has become of its mounts.",
            list_type="map",
            list_keys=("mountPath",),
            patch="merge",
            merge_key="mountPath",
        ),
    ] = []
    user: Annotated[
        ContainerUser | None, F(13, "The user that its first process started with.")
    ] = None
    allocatedResourcesStatus: Annotated[
        list[ResourceStatus],
        F(
            14,
            "The health of its devices.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []
    stopSignal: Annotated[str | None, F(15, "Signal that stops it.", enum=SIGNALS)] = None


class PodCondition(Struct):
    """One observation about a pod, such as whether it is ready."""

    type: Annotated[str, F(1, "What is observed.", required=True)] = always(str)
    observedGeneration: Annotated[
        int, F(7, "The generation of the pod that was observed.", format="int64")
    ] = 0
    status: Annotated[str, F(2, "True, False or Unknown.", required=True)] = always(str)
    lastProbeTime: Annotated[str, F(3, "When it was last looked at.", format="date-time")] = ""
    lastTransitionTime: Annotated[
        str, F(4, "When the status last changed.", format="date-time")
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
    lastTransitionTime: Annotated[str, F(3, "When that last changed.", format="date-time")] = ""


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
