"""Containers: programs of a pod with their ports, mounts, probes and restart rules."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.schema import F, Struct, always
from strongroom.resources.pod_env import EnvFromSource, EnvVar
from strongroom.resources.pod_probe import Lifecycle, Probe
from strongroom.resources.pod_resources import ContainerResizePolicy, ResourceRequirements
from strongroom.resources.pod_security import SecurityContext


class ContainerPort(Struct):
    """A port on which a container listens."""

    name: Annotated[str, F(1, "Name of the port; unique within the pod.")] = ""
    hostPort: Annotated[
        int, F(2, "Port of the host that leads here; 0 for none.", format="int32")
    ] = 0
    containerPort: Annotated[int, F(3, "Number of the port.", format="int32", required=True)] = (
        always(int)
    )
    protocol: Annotated[
        str,
        F(4, "TCP, UDP or SCTP; TCP by default.", enum=("SCTP", "TCP", "UDP"), default="TCP"),
    ] = ""
    hostIP: Annotated[str, F(5, "Address of the host on which hostPort is bound.")] = ""


class VolumeMount(Struct):
    """Where a container sees a volume."""

    name: Annotated[str, F(1, "Name of the volume.", required=True)] = always(str)
    readOnly: Annotated[bool, F(2, "Whether it can only be read.")] = False
    recursiveReadOnly: Annotated[
        str | None, F(7, "Whether mounts below it are read-only, too.")
    ] = None
    mountPath: Annotated[str, F(3, "Path in the container.", required=True)] = always(str)
    subPath: Annotated[str, F(4, "Path in the volume that is mounted; its root by default.")] = ""
    mountPropagation: Annotated[
        str | None,
        F(
            5,
            "Which way mounts made later are passed on.",
            enum=("Bidirectional", "HostToContainer", "None"),
        ),
    ] = None
    subPathExpr: Annotated[
        str, F(6, "Like subPath, with `$(NAME)` expanded from the container's environment.")
    ] = ""
    bindMountOptions: Annotated[
        list[str], F(8, "Further options of the bind mount.", list_type="set")
    ] = []


class VolumeDevice(Struct):
    """Where a container sees a block device."""

    name: Annotated[str, F(1, "Name of the volume.", required=True)] = always(str)
    devicePath: Annotated[str, F(2, "Path of the device in the container.", required=True)] = (
        always(str)
    )


class ContainerRestartRuleOnExitCodes(Struct):
    """Exit codes to which a rule applies."""

    operator: Annotated[
        str, F(1, "Whether the code must be among the values or must not.", required=True)
    ] = ""
    values: Annotated[list[int], F(2, "Exit codes.", format="int32", list_type="set")] = []


class ContainerRestartRule(Struct):
    """What is done when a container ends in a certain way."""

    action: Annotated[str, F(1, "What is done.", required=True)] = ""
    exitCodes: Annotated[
        ContainerRestartRuleOnExitCodes | None, F(2, "The exit codes to which the rule applies.")
    ] = None


class Container(Struct):
    """A program of a pod, with its environment, volumes and limits."""

    name: Annotated[str, F(1, "Name of the container; unique within the pod.", required=True)] = (
        always(str)
    )
    image: Annotated[str, F(2, "The image to run.")] = ""
    command: Annotated[
        list[str],
        F(
            3,
            "The program and its first arguments; the image's entrypoint by default.",
            list_type="atomic",
        ),
    ] = []
    args: Annotated[
        list[str], F(4, "Further arguments; the image's command by default.", list_type="atomic")
    ] = []
    workingDir: Annotated[str, F(5, "Directory in which the program starts.")] = ""
    ports: Annotated[
        list[ContainerPort],
        F(
            6,
            "Ports on which it listens.",
            list_type="map",
            list_keys=("containerPort", "protocol"),
            patch="merge",
            merge_key="containerPort",
        ),
    ] = []
    envFrom: Annotated[
        list[EnvFromSource],
        F(19, "ConfigMaps and Secrets that fill the environment.", list_type="atomic"),
    ] = []
    env: Annotated[
        list[EnvVar],
        F(
            7,
            "Environment variables; they win over envFrom.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []
    resources: Annotated[
        ResourceRequirements, F(8, "What it needs at least and may use at most.")
    ] = msgspec.field(default_factory=ResourceRequirements)
    resizePolicy: Annotated[
        list[ContainerResizePolicy],
        F(23, "What changes of resources do to the running container.", list_type="atomic"),
    ] = []
    restartPolicy: Annotated[
        str | None, F(24, "When it is restarted; for init containers Always makes a sidecar.")
    ] = None
    restartPolicyRules: Annotated[
        list[ContainerRestartRule], F(25, "What is done at certain exit codes.", list_type="atomic")
    ] = []
    volumeMounts: Annotated[
        list[VolumeMount],
        F(
            9,
            "Where it sees volumes.",
            list_type="map",
            list_keys=("mountPath",),
            patch="merge",
            merge_key="mountPath",
        ),
    ] = []
    volumeDevices: Annotated[
        list[VolumeDevice],
        F(
            21,
            "Where it sees block devices.",
            list_type="map",
            list_keys=("devicePath",),
            patch="merge",
            merge_key="devicePath",
        ),
    ] = []
    livenessProbe: Annotated[Probe | None, F(10, "Restarts the container when it fails.")] = None
    readinessProbe: Annotated[
        Probe | None, F(11, "Keeps requests away from the container while it fails.")
    ] = None
    startupProbe: Annotated[Probe | None, F(22, "Holds up the other probes until it succeeds.")] = (
        None
    )
    lifecycle: Annotated[
        Lifecycle | None, F(12, "What is done after the start and before the stop.")
    ] = None
    terminationMessagePath: Annotated[
        str, F(13, "File whose content tells why the container ended.")
    ] = ""
    terminationMessagePolicy: Annotated[
        str, F(20, "Where that message is taken from.", enum=("FallbackToLogsOnError", "File"))
    ] = ""
    imagePullPolicy: Annotated[
        str, F(14, "When the image is pulled.", enum=("Always", "IfNotPresent", "Never"))
    ] = ""
    securityContext: Annotated[SecurityContext | None, F(15, "Security settings.")] = None
    stdin: Annotated[bool, F(16, "Whether standard input is kept open.")] = False
    stdinOnce: Annotated[
        bool, F(17, "Whether standard input is closed after the first client.")
    ] = False
    tty: Annotated[bool, F(18, "Whether it gets a terminal.")] = False


class EphemeralContainer(Struct):
    """A container that is added to a running pod to look into it."""

    name: Annotated[
        str, F(1, "Name of the container; unique within the pod.", within=1, required=True)
    ] = always(str)
    image: Annotated[str, F(2, "The image to run.", within=1)] = ""
    command: Annotated[
        list[str],
        F(
            3,
            "The program and its first arguments; the image's entrypoint by default.",
            within=1,
            list_type="atomic",
        ),
    ] = []
    args: Annotated[
        list[str],
        F(4, "Further arguments; the image's command by default.", within=1, list_type="atomic"),
    ] = []
    workingDir: Annotated[str, F(5, "Directory in which the program starts.", within=1)] = ""
    ports: Annotated[
        list[ContainerPort],
        F(
            6,
            "Not allowed here.",
            within=1,
            list_type="map",
            list_keys=("containerPort", "protocol"),
            patch="merge",
            merge_key="containerPort",
        ),
    ] = []
    envFrom: Annotated[
        list[EnvFromSource],
        F(19, "ConfigMaps and Secrets that fill the environment.", within=1, list_type="atomic"),
    ] = []
    env: Annotated[
        list[EnvVar],
        F(
            7,
            "Environment variables; they win over envFrom.",
            within=1,
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []
    resources: Annotated[ResourceRequirements, F(8, "Not allowed here.", within=1)] = msgspec.field(
        default_factory=ResourceRequirements
    )
    resizePolicy: Annotated[
        list[ContainerResizePolicy], F(23, "Not allowed here.", within=1, list_type="atomic")
    ] = []
    restartPolicy: Annotated[str | None, F(24, "Not allowed here.", within=1)] = None
    restartPolicyRules: Annotated[
        list[ContainerRestartRule], F(25, "Not allowed here.", within=1, list_type="atomic")
    ] = []
    volumeMounts: Annotated[
        list[VolumeMount],
        F(
            9,
            "Where it sees volumes.",
            within=1,
            list_type="map",
            list_keys=("mountPath",),
            patch="merge",
            merge_key="mountPath",
        ),
    ] = []
    volumeDevices: Annotated[
        list[VolumeDevice],
        F(
            21,
            "Where it sees block devices.",
            within=1,
            list_type="map",
            list_keys=("devicePath",),
            patch="merge",
            merge_key="devicePath",
        ),
    ] = []
    livenessProbe: Annotated[Probe | None, F(10, "Not allowed here.", within=1)] = None
    readinessProbe: Annotated[Probe | None, F(11, "Not allowed here.", within=1)] = None
    startupProbe: Annotated[Probe | None, F(22, "Not allowed here.", within=1)] = None
    lifecycle: Annotated[Lifecycle | None, F(12, "Not allowed here.", within=1)] = None
    terminationMessagePath: Annotated[
        str, F(13, "File whose content tells why the container ended.", within=1)
    ] = ""
    terminationMessagePolicy: Annotated[
        str,
        F(
            20,
            "Where that message is taken from.",
            within=1,
            enum=("FallbackToLogsOnError", "File"),
        ),
    ] = ""
    imagePullPolicy: Annotated[
        str, F(14, "When the image is pulled.", within=1, enum=("Always", "IfNotPresent", "Never"))
    ] = ""
    securityContext: Annotated[SecurityContext | None, F(15, "Security settings.", within=1)] = None
    stdin: Annotated[bool, F(16, "Whether standard input is kept open.", within=1)] = False
    stdinOnce: Annotated[
        bool, F(17, "Whether standard input is closed after the first client.", within=1)
    ] = False
    tty: Annotated[bool, F(18, "Whether it gets a terminal.", within=1)] = False
    targetContainerName: Annotated[str, F(2, "Container whose namespaces it joins.")] = ""
