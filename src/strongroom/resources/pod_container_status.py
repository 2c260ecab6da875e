"""What is known of a pod's containers."""

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

    startedAt: Annotated[str, F(1, "When it started.", format="date-time", by_value=True)] = ""


class ContainerStateTerminated(Struct):
    """The container has ended."""

    exitCode: Annotated[
        int, F(1, "Exit code of the last process.", format="int32", required=True)
    ] = always(int)
    signal: Annotated[int, F(2, "Signal that ended it.", format="int32")] = 0
    reason: Annotated[str, F(3, "Why it ended, short and machine-readable.")] = ""
    message: Annotated[str, F(4, "What it, or the runtime, said about it.")] = ""
    startedAt: Annotated[str, F(5, "When it started.", format="date-time", by_value=True)] = ""
    finishedAt: Annotated[str, F(6, "When it ended.", format="date-time", by_value=True)] = ""
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
