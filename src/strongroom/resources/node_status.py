"""What is known of a node: capacity, conditions, addresses, versions, images and volumes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.schema import F, Struct, always


class NodeAddress(Struct):
    """One address of a node."""

    type: Annotated[
        str, F(1, "Kind of address, such as Hostname or InternalIP.", required=True)
    ] = always(str)
    address: Annotated[str, F(2, "The address itself.", required=True)] = always(str)


class NodeCondition(Struct):
    """One observation about a node, such as whether it is ready."""

    type: Annotated[str, F(1, "What is observed.", required=True)] = always(str)
    status: Annotated[str, F(2, "True, False or Unknown.", required=True)] = always(str)
    lastHeartbeatTime: Annotated[
        str, F(3, "When the observation was last confirmed.", format="date-time", by_value=True)
    ] = ""
    lastTransitionTime: Annotated[
        str, F(4, "When the status last changed.", format="date-time", by_value=True)
    ] = ""
    reason: Annotated[str, F(5, "Machine-readable reason of the last change.")] = ""
    message: Annotated[str, F(6, "What was observed, for people.")] = ""


class ConfigMapNodeConfigSource(Struct):
    """Named the ConfigMap of a node's configuration; no longer used."""

    namespace: Annotated[str, F(1, "Namespace of the ConfigMap.", required=True)] = always(str)
    name: Annotated[str, F(2, "Name of the ConfigMap.", required=True)] = always(str)
    uid: Annotated[str, F(3, "UID of the ConfigMap; only in status.")] = ""
    resourceVersion: Annotated[str, F(4, "Version of the ConfigMap; only in status.")] = ""
    kubeletConfigKey: Annotated[
        str, F(5, "Key of the ConfigMap that held the configuration.", required=True)
    ] = always(str)


class NodeConfigSource(Struct):
    """Where a node's configuration came from; no longer used."""

    configMap: Annotated[ConfigMapNodeConfigSource | None, F(2, "The ConfigMap that held it.")] = (
        None
    )


class NodeConfigStatus(Struct):
    """What had become of a node's configuration; no longer used."""

    assigned: Annotated[
        NodeConfigSource | None, F(1, "The configuration that the node was to use.")
    ] = None
    active: Annotated[NodeConfigSource | None, F(2, "The configuration that the node used.")] = None
    lastKnownGood: Annotated[
        NodeConfigSource | None, F(3, "The configuration to fall back to.")
    ] = None
    error: Annotated[str, F(4, "What was wrong with the assigned configuration.")] = ""


class DaemonEndpoint(Struct):
    """The port of a daemon on a node."""

    Port: Annotated[int, F(1, "Number of the port.", format="int32", required=True)] = always(int)


class NodeDaemonEndpoints(Struct):
    """The ports of the daemons on a node."""

    kubeletEndpoint: Annotated[DaemonEndpoint, F(1, "Where the kubelet listens.")] = msgspec.field(
        default_factory=DaemonEndpoint
    )


class NodeFeatures(Struct):
    """What the container runtime of a node can do for all handlers."""

    supplementalGroupsPolicy: Annotated[
        bool | None,
        F(1, "Whether supplementalGroupsPolicy and the container's user are supported."),
    ] = None


class ContainerImage(Struct):
    """An image that is on a node."""

    names: Annotated[list[str], F(1, "Names by which the image is known.", list_type="atomic")] = (
        always(list)
    )
    sizeBytes: Annotated[int, F(2, "Size of the image in bytes.", format="int64")] = 0


class NodeSwapStatus(Struct):
    """The swap space of a node."""

    capacity: Annotated[int | None, F(1, "Swap space in bytes.", format="int64")] = None


class NodeSystemInfo(Struct):
    """What a node is: its IDs and the versions of its parts."""

    machineID: Annotated[str, F(1, "Machine ID that the node reports.", required=True)] = always(
        str
    )
    systemUUID: Annotated[str, F(2, "System UUID that the node reports.", required=True)] = always(
        str
    )
    bootID: Annotated[str, F(3, "Boot ID that the node reports.", required=True)] = always(str)
    kernelVersion: Annotated[str, F(4, "Kernel release.", required=True)] = always(str)
    osImage: Annotated[str, F(5, "Name of the operating system's release.", required=True)] = (
        always(str)
    )
    containerRuntimeVersion: Annotated[
        str, F(6, "Name and version of the container runtime, as `NAME://VERSION`.", required=True)
    ] = always(str)
    kubeletVersion: Annotated[str, F(7, "Version of the node agent.", required=True)] = always(str)
    kubeProxyVersion: Annotated[str, F(8, "No longer used.", required=True)] = always(str)
    operatingSystem: Annotated[str, F(9, "The operating system, such as linux.", required=True)] = (
        always(str)
    )
    architecture: Annotated[
        str, F(10, "The processor architecture, such as amd64.", required=True)
    ] = always(str)
    swap: Annotated[NodeSwapStatus | None, F(11, "The swap space.")] = None
    runningInUserNamespace: Annotated[
        bool | None, F(12, "Whether the node agent runs in a user namespace of its own.")
    ] = None


class NodeRuntimeHandlerFeatures(Struct):
    """What one runtime handler can do."""

    recursiveReadOnlyMounts: Annotated[
        bool | None, F(1, "Whether mounts can be read-only recursively.")
    ] = None
    userNamespaces: Annotated[bool | None, F(2, "Whether user namespaces work.")] = None


class NodeRuntimeHandler(Struct):
    """One handler of the container runtime."""

    name: Annotated[str, F(1, "Name of the handler; empty for the default one.")] = always(str)
    features: Annotated[NodeRuntimeHandlerFeatures | None, F(2, "What it can do.")] = None


class AttachedVolume(Struct):
    """A volume that is attached to a node."""

    name: Annotated[str, F(1, "Unique name of the volume.", required=True)] = always(str)
    devicePath: Annotated[str, F(2, "Where the device is.", required=True)] = always(str)


class NodeStatus(Struct):
    """What is known of a node; the node agent writes it."""

    capacity: Annotated[
        dict[str, str], F(1, "All that the node has of each resource.", format="quantity")
    ] = {}
    allocatable: Annotated[
        dict[str, str], F(2, "What pods may use of each resource.", format="quantity")
    ] = {}
    phase: Annotated[str, F(3, "No longer used.", enum=("Pending", "Running", "Terminated"))] = ""
    conditions: Annotated[
        list[NodeCondition],
        F(
            4,
            "The latest observations.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []
    addresses: Annotated[
        list[NodeAddress],
        F(
            5,
            "How the node is reached.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []
    daemonEndpoints: Annotated[NodeDaemonEndpoints, F(6, "Ports of the node's daemons.")] = (
        msgspec.field(default_factory=NodeDaemonEndpoints)
    )
    nodeInfo: Annotated[NodeSystemInfo, F(7, "What the node is.")] = msgspec.field(
        default_factory=NodeSystemInfo
    )
    images: Annotated[
        list[ContainerImage], F(8, "Images that are on the node.", list_type="atomic")
    ] = []
    volumesInUse: Annotated[
        list[str], F(9, "Attachable volumes that the node mounts.", list_type="atomic")
    ] = []
    volumesAttached: Annotated[
        list[AttachedVolume], F(10, "Volumes that are attached to the node.", list_type="atomic")
    ] = []
    config: Annotated[NodeConfigStatus | None, F(11, "No longer used.")] = None
    runtimeHandlers: Annotated[
        list[NodeRuntimeHandler], F(12, "Handlers of the container runtime.", list_type="atomic")
    ] = []
    features: Annotated[NodeFeatures | None, F(13, "What the container runtime can do.")] = None
    declaredFeatures: Annotated[
        list[str], F(14, "Names of features that the node has declared.", list_type="atomic")
    ] = []
