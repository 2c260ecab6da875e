"""The wire types of an Ingress."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.resources.object_reference import TypedLocalObjectReference

API_PACKAGE = "io.k8s.api.networking.v1"
"""Where OpenAPI places the types of this module."""


class ServiceBackendPort(Struct):
    """A port of a service, by name or number."""

    owned_whole: ClassVar[bool] = True

    name: Annotated[str, F(1, "Name of the port.")] = ""
    number: Annotated[int, F(2, "Number of the port.", format="int32")] = 0


class IngressServiceBackend(Struct):
    """A service to which requests go."""

    name: Annotated[str, F(1, "Name of the service.", required=True)] = always(str)
    port: Annotated[ServiceBackendPort, F(2, "Port of the service.")] = msgspec.field(
        default_factory=ServiceBackendPort
    )


class IngressBackend(Struct):
    """To what requests go: a service, or another object."""

    service: Annotated[IngressServiceBackend | None, F(4, "The service.")] = None
    resource: Annotated[TypedLocalObjectReference | None, F(3, "The other object.")] = None


class HTTPIngressPath(Struct):
    """Requests for some paths, and where they go."""

    path: Annotated[str, F(1, "The path.")] = ""
    pathType: Annotated[
        str | None,
        F(
            3,
            "How it is compared.",
            enum=("Exact", "ImplementationSpecific", "Prefix"),
            required=True,
        ),
    ] = None
    backend: Annotated[IngressBackend, F(2, "Where they go.", required=True)] = msgspec.field(
        default_factory=IngressBackend
    )


class HTTPIngressRuleValue(Struct):
    """Where HTTP requests go, by path."""

    paths: Annotated[
        list[HTTPIngressPath], F(1, "The paths.", list_type="atomic", required=True)
    ] = always(list)


class IngressRule(Struct):
    """Requests for a host, and where they go."""

    host: Annotated[str, F(1, "The host, possibly `*.` and a domain; empty means all.")] = ""
    http: Annotated[HTTPIngressRuleValue | None, F(1, "Where HTTP requests go.", within=2)] = None


class IngressTLS(Struct):
    """A certificate for some hosts."""

    hosts: Annotated[list[str], F(1, "The hosts.", list_type="atomic")] = []
    secretName: Annotated[
        str, F(2, "Secret with the certificate and its key.", refers="Secret")
    ] = ""


class IngressSpec(Struct):
    """Which requests go where."""

    ingressClassName: Annotated[str | None, F(4, "Class of the Ingress.")] = None
    defaultBackend: Annotated[
        IngressBackend | None, F(1, "Where requests go that no rule covers.")
    ] = None
    tls: Annotated[list[IngressTLS], F(2, "Certificates.", list_type="atomic")] = []
    rules: Annotated[list[IngressRule], F(3, "The rules.", list_type="atomic")] = []


class IngressPortStatus(Struct):
    """What became of a port."""

    port: Annotated[int, F(1, "Number of the port.", format="int32", required=True)] = always(int)
    protocol: Annotated[
        str, F(2, "TCP, UDP or SCTP.", enum=("SCTP", "TCP", "UDP"), required=True)
    ] = always(str)
    error: Annotated[str | None, F(3, "What went wrong, if anything.")] = None


class IngressLoadBalancerIngress(Struct):
    """A point at which requests enter."""

    ip: Annotated[str, F(1, "Its address.")] = ""
    hostname: Annotated[str, F(2, "Its name.")] = ""
    ports: Annotated[list[IngressPortStatus], F(4, "Its ports.", list_type="atomic")] = []


class IngressLoadBalancerStatus(Struct):
    """Where requests enter."""

    ingress: Annotated[
        list[IngressLoadBalancerIngress], F(1, "The points of entry.", list_type="atomic")
    ] = []


class IngressStatus(Struct):
    """What has been done for an Ingress."""

    loadBalancer: Annotated[IngressLoadBalancerStatus, F(1, "Where requests enter.")] = (
        msgspec.field(default_factory=IngressLoadBalancerStatus)
    )


class Ingress(Object):
    """Rules by which HTTP requests from outside reach services."""

    spec: Annotated[IngressSpec, F(2, "The rules.")] = msgspec.field(default_factory=IngressSpec)
    status: Annotated[IngressStatus, F(3, "What has been done for it.")] = msgspec.field(
        default_factory=IngressStatus
    )
