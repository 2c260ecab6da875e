"""What a pod is to be: its containers and volumes, and all that is said of them together."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.schema import F, Struct, always
from strongroom.resources.object_reference import LocalObjectReference
from strongroom.resources.pod_container import Container, EphemeralContainer
from strongroom.resources.pod_resources import ResourceRequirements
from strongroom.resources.pod_scheduling import (
    Affinity,
    EvictionResponder,
    PodResourceClaim,
    PodSchedulingGate,
    PodSchedulingGroup,
    Toleration,
    TopologySpreadConstraint,
)
from strongroom.resources.pod_security import PodSecurityContext
from strongroom.resources.pod_volume import Volume


class PodDNSConfigOption(Struct):
    """An option of the resolver."""

    name: Annotated[str, F(1, "Name of the option.")] = ""
    value: Annotated[str | None, F(2, "Value of the option.")] = None


class PodDNSConfig(Struct):
    """Name resolution beyond what dnsPolicy gives."""

    nameservers: Annotated[list[str], F(1, "Addresses of name servers.", list_type="atomic")] = []
    searches: Annotated[list[str], F(2, "Domains to search.", list_type="atomic")] = []
    options: Annotated[
        list[PodDNSConfigOption], F(3, "Options of the resolver.", list_type="atomic")
    ] = []


class HostAlias(Struct):
    """A line of the pod's /etc/hosts."""

    ip: Annotated[str, F(1, "The address.", required=True)] = always(str)
    hostnames: Annotated[list[str], F(2, "Names of the address.", list_type="atomic")] = []


class PodOS(Struct):
    """The operating system that a pod is made for."""

    name: Annotated[str, F(1, "linux or windows.", required=True)] = always(str)


class PodReadinessGate(Struct):
    """A condition without which a pod is not ready."""

    conditionType: Annotated[
        str, F(1, "Type of the condition in the pod's status.", required=True)
    ] = always(str)


class PodSpec(Struct):
    """What a pod is to be."""

    volumes: Annotated[
        list[Volume],
        F(
            1,
            "Directories that containers may mount.",
            list_type="map",
            list_keys=("name",),
            patch="merge,retainKeys",
            merge_key="name",
        ),
    ] = []
    initContainers: Annotated[
        list[Container],
        F(
            20,
            "Run one after another before the containers start.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []
    containers: Annotated[
        list[Container],
        F(
            2,
            "The programs of the pod; there is at least one.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
            required=True,
        ),
    ] = always(list)
    ephemeralContainers: Annotated[
        list[EphemeralContainer],
        F(
            34,
            "Containers added to look into the running pod.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []
    restartPolicy: Annotated[
        str,
        F(
            3,
            "When containers are restarted; Always by default.",
            enum=("Always", "Never", "OnFailure"),
        ),
    ] = ""
    terminationGracePeriodSeconds: Annotated[
        int | None, F(4, "Seconds to end gracefully after deletion; 30 by default.", format="int64")
    ] = None
    activeDeadlineSeconds: Annotated[
        int | None, F(5, "Seconds after the start when the pod is stopped.", format="int64")
    ] = None
    dnsPolicy: Annotated[
        str,
        F(
            6,
            "How names are resolved; ClusterFirst by default.",
            enum=("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
        ),
    ] = ""
    nodeSelector: Annotated[
        dict[str, str], F(7, "Labels that the node must have.", atomic=True)
    ] = {}
    serviceAccountName: Annotated[str, F(8, "The service account that the pod runs as.")] = ""
    serviceAccount: Annotated[str, F(9, "Old name of serviceAccountName.")] = ""
    automountServiceAccountToken: Annotated[
        bool | None, F(21, "Whether containers get a token file without asking.")
    ] = None
    nodeName: Annotated[str, F(10, "The node that the pod is bound to.")] = ""
    hostNetwork: Annotated[bool, F(11, "Whether the pod uses the host's network.")] = False
    hostPID: Annotated[bool, F(12, "Whether the pod sees the host's processes.")] = False
    hostIPC: Annotated[bool, F(13, "Whether the pod shares the host's IPC.")] = False
    shareProcessNamespace: Annotated[
        bool | None, F(27, "Whether the containers see each other's processes.")
    ] = None
    securityContext: Annotated[
        PodSecurityContext | None, F(14, "Security settings of all containers.")
    ] = None
    imagePullSecrets: Annotated[
        list[LocalObjectReference],
        F(
            15,
            "Secrets with registry credentials.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
            refers="Secret",
        ),
    ] = []
    hostname: Annotated[
        str, F(16, "Name of the host as the pod sees it; the pod's name by default.")
    ] = ""
    subdomain: Annotated[
        str, F(17, "Makes the pod's full name HOSTNAME.SUBDOMAIN.NAMESPACE.svc.DOMAIN.")
    ] = ""
    affinity: Annotated[Affinity | None, F(18, "Where the pod must or would like to be.")] = None
    schedulerName: Annotated[str, F(19, "Scheduler that binds the pod.")] = ""
    tolerations: Annotated[
        list[Toleration], F(22, "Taints that do not keep the pod away.", list_type="atomic")
    ] = []
    hostAliases: Annotated[
        list[HostAlias],
        F(
            23,
            "Lines of the pod's /etc/hosts.",
            list_type="map",
            list_keys=("ip",),
            patch="merge",
            merge_key="ip",
        ),
    ] = []
    priorityClassName: Annotated[str, F(24, "Class that gives the priority.")] = ""
    priority: Annotated[
        int | None, F(25, "Importance of the pod; higher is more.", format="int32")
    ] = None
    dnsConfig: Annotated[
        PodDNSConfig | None, F(26, "Name resolution beyond what dnsPolicy gives.")
    ] = None
    readinessGates: Annotated[
        list[PodReadinessGate],
        F(28, "Conditions without which the pod is not ready.", list_type="atomic"),
    ] = []
    runtimeClassName: Annotated[str | None, F(29, "RuntimeClass that runs the pod.")] = None
    enableServiceLinks: Annotated[
        bool | None, F(30, "Whether services appear in the environment; true by default.")
    ] = None
    preemptionPolicy: Annotated[
        str | None,
        F(31, "Whether the pod may push out others.", enum=("Never", "PreemptLowerPriority")),
    ] = None
    overhead: Annotated[
        dict[str, str], F(32, "What the runtime itself takes of each resource.", format="quantity")
    ] = {}
    topologySpreadConstraints: Annotated[
        list[TopologySpreadConstraint],
        F(
            33,
            "How pods like this one spread.",
            list_type="map",
            list_keys=("topologyKey", "whenUnsatisfiable"),
            patch="merge",
            merge_key="topologyKey",
        ),
    ] = []
    setHostnameAsFQDN: Annotated[
        bool | None, F(35, "Whether the host's name is the full name.")
    ] = None
    os: Annotated[PodOS | None, F(36, "The operating system that the pod is made for.")] = None
    hostUsers: Annotated[bool | None, F(37, "Whether the pod uses the host's user namespace.")] = (
        None
    )
    schedulingGates: Annotated[
        list[PodSchedulingGate],
        F(
            38,
            "What holds up scheduling.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []
    resourceClaims: Annotated[
        list[PodResourceClaim],
        F(
            39,
            "Device claims that containers may use.",
            list_type="map",
            list_keys=("name",),
            patch="merge,retainKeys",
            merge_key="name",
        ),
    ] = []
    resources: Annotated[
        ResourceRequirements | None, F(40, "What all containers together need and may use.")
    ] = None
    hostnameOverride: Annotated[
        str | None, F(41, "Name of the host as the pod sees it, whatever else is set.")
    ] = None
    schedulingGroup: Annotated[
        PodSchedulingGroup | None, F(43, "The group of pods with which this one is scheduled.")
    ] = None
    evictionResponders: Annotated[
        list[EvictionResponder],
        F(
            44,
            "Who answers when the pod is asked to leave.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []
