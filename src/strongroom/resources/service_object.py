"""The wire types of a Service."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import Condition, Object
from strongroom.api.schema import F, Struct, always


class ServicePort(Struct):
    """A port of a service and where it leads."""

    name: Annotated[str, F(1, "Name of the port; needed when there are several.")] = ""
    protocol: Annotated[
        str,
        F(2, "TCP, UDP or SCTP; TCP by default.", enum=("SCTP", "TCP", "UDP"), default="TCP"),
    ] = ""
    appProtocol: Annotated[str | None, F(6, "What is spoken on the port.")] = None
    port: Annotated[int, F(3, "Number of the port.", format="int32", required=True)] = always(int)
    targetPort: Annotated[
        int | str | None,
        F(
            4,
            "Port of the pods, by number or name; `port` by default.",
            format="int-or-string",
            by_value=True,
        ),
    ] = None
    nodePort: Annotated[
        int, F(5, "Port of every node that leads here; 0 for none.", format="int32")
    ] = 0


class ClientIPConfig(Struct):
    """How long requests of one address keep to one pod."""

    timeoutSeconds: Annotated[
        int | None, F(1, "Seconds, up to a day; 10800 by default.", format="int32")
    ] = None


class SessionAffinityConfig(Struct):
    """Details of the session affinity."""

    clientIP: Annotated[ClientIPConfig | None, F(1, "Details of the affinity ClientIP.")] = None


class ServiceSpec(Struct):
    """What a service leads to, and under which addresses."""

    ports: Annotated[
        list[ServicePort],
        F(
            1,
            "The ports.",
            list_type="map",
            list_keys=("port", "protocol"),
            patch="merge",
            merge_key="port",
        ),
    ] = []
    selector: Annotated[
        dict[str, str], F(2, "Labels of the pods; none: somebody else says where.", atomic=True)
    ] = {}
    clusterIP: Annotated[
        str, F(3, "Address within the cluster; `None` for a service without one.")
    ] = ""
    clusterIPs: Annotated[
        list[str], F(18, "Addresses, one a family; the first is clusterIP.", list_type="atomic")
    ] = []
    type: Annotated[
        str,
        F(
            4,
            "How it is reached; ClusterIP by default.",
            enum=("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
        ),
    ] = ""
    externalIPs: Annotated[
        list[str], F(5, "Further addresses of nodes that lead here.", list_type="atomic")
    ] = []
    sessionAffinity: Annotated[
        str,
        F(
            7,
            "Whether requests of one client keep to one pod; None by default.",
            enum=("ClientIP", "None"),
        ),
    ] = ""
    loadBalancerIP: Annotated[str, F(8, "Address that is asked of the load balancer.")] = ""
    loadBalancerSourceRanges: Annotated[
        list[str], F(9, "Who may use the load balancer, by address.", list_type="atomic")
    ] = []
    externalName: Annotated[str, F(10, "The name that a service ExternalName stands for.")] = ""
    externalTrafficPolicy: Annotated[
        str,
        F(
            11,
            "Whether traffic from outside stays on the node that it reached.",
            enum=("Cluster", "Local"),
        ),
    ] = ""
    healthCheckNodePort: Annotated[
        int, F(12, "Port of every node that tells whether pods are there.", format="int32")
    ] = 0
    publishNotReadyAddresses: Annotated[
        bool, F(13, "Whether pods count before they are ready.")
    ] = False
    sessionAffinityConfig: Annotated[
        SessionAffinityConfig | None, F(14, "Details of the session affinity.")
    ] = None
    ipFamilies: Annotated[
        list[str],
        F(19, "Families of the addresses.", enum=("", "IPv4", "IPv6"), list_type="atomic"),
    ] = []
    ipFamilyPolicy: Annotated[
        str | None,
        F(
            17,
            "Whether there is an address of one family or of both.",
            enum=("PreferDualStack", "RequireDualStack", "SingleStack"),
        ),
    ] = None
    allocateLoadBalancerNodePorts: Annotated[
        bool | None, F(20, "Whether a service LoadBalancer gets node ports, too.")
    ] = None
    loadBalancerClass: Annotated[
        str | None, F(21, "Which load balancer serves it; the default one if unset.")
    ] = None
    internalTrafficPolicy: Annotated[
        str | None,
        F(
            22,
            "Whether traffic from within stays on its node; Cluster by default.",
            enum=("Cluster", "Local"),
        ),
    ] = None
    trafficDistribution: Annotated[
        str | None, F(23, "Which pods are preferred, such as PreferSameZone.")
    ] = None


class PortStatus(Struct):
    """What became of a port at a load balancer."""

    port: Annotated[int, F(1, "Number of the port.", format="int32", required=True)] = always(int)
    protocol: Annotated[
        str, F(2, "TCP, UDP or SCTP.", enum=("SCTP", "TCP", "UDP"), required=True)
    ] = always(str)
    error: Annotated[str | None, F(3, "What went wrong, if anything.")] = None


class LoadBalancerIngress(Struct):
    """A point at which traffic enters."""

    ip: Annotated[str, F(1, "Its address.")] = ""
    hostname: Annotated[str, F(2, "Its name, where it has no fixed address.")] = ""
    ipMode: Annotated[
        str | None, F(3, "VIP or Proxy: whether packets arrive with this address.")
    ] = None
    ports: Annotated[list[PortStatus], F(4, "Its ports.", list_type="atomic")] = []


class LoadBalancerStatus(Struct):
    """What a load balancer offers."""

    ingress: Annotated[
        list[LoadBalancerIngress], F(1, "Where traffic enters.", list_type="atomic")
    ] = []


class ServiceStatus(Struct):
    """What has been done for a service."""

    loadBalancer: Annotated[LoadBalancerStatus, F(1, "What the load balancer offers.")] = (
        msgspec.field(default_factory=LoadBalancerStatus)
    )
    conditions: Annotated[
        list[Condition],
        F(
            2,
            "The latest observations.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []


class Service(Object):
    """A name and address under which a changing set of pods is reached."""

    spec: Annotated[ServiceSpec, F(2, "What it leads to.")] = msgspec.field(
        default_factory=ServiceSpec
    )
    status: Annotated[ServiceStatus, F(3, "What has been done for it.")] = msgspec.field(
        default_factory=ServiceStatus
    )


NONE_IP = "None"
"""The clusterIP of a service that has no address: a headless one."""
CLUSTER_IP, NODE_PORT = "ClusterIP", "NodePort"
LOAD_BALANCER, EXTERNAL_NAME = "LoadBalancer", "ExternalName"


def is_headless(service: Service) -> bool:
    """Whether it has no address on purpose."""
    return service.spec.clusterIPs == [NONE_IP]


def needs_cluster_ip(service: Service) -> bool:
    """Whether its type gives it an address."""
    return service.spec.type in (CLUSTER_IP, NODE_PORT, LOAD_BALANCER)


def needs_node_ports(service: Service) -> bool:
    """Whether its type gives it ports of nodes."""
    spec = service.spec
    return spec.type == NODE_PORT or (
        spec.type == LOAD_BALANCER and spec.allocateLoadBalancerNodePorts is not False
    )


def needs_health_check(service: Service) -> bool:
    """Whether nodes must tell whether they have pods of it."""
    spec = service.spec
    return spec.type == LOAD_BALANCER and spec.externalTrafficPolicy == "Local"


def is_external(service: Service) -> bool:
    """Whether it can be reached from outside."""
    spec = service.spec
    return spec.type in (NODE_PORT, LOAD_BALANCER) or (
        spec.type == CLUSTER_IP and bool(spec.externalIPs)
    )
