"""Service: a name and an address under which pods are reached.

Addresses and ports are given out by the server (``server/service_addresses.py``); no part of
strongroom routes traffic. Rules: ``pkg/registry/core/service/strategy.go`` and the defaults of
``pkg/apis/core/v1``.
"""

from __future__ import annotations

from datetime import datetime

from strongroom.api.errors import FieldError
from strongroom.api.validation import dns_1035_label
from strongroom.resources.columns import AGE, NAME, NONE, UNKNOWN
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.service_carrying import carry_over
from strongroom.resources.service_object import (
    CLUSTER_IP,
    EXTERNAL_NAME,
    LOAD_BALANCER,
    ClientIPConfig,
    Service,
    ServicePort,
    ServiceStatus,
    SessionAffinityConfig,
    is_external,
    needs_cluster_ip,
)
from strongroom.resources.service_status import validate_balancer_status
from strongroom.resources.service_validation import validate_service, validate_service_update

__all__ = ["SERVICES", "Service", "ServicePort", "ServiceResource"]

_AFFINITY_SECONDS = 10800


class ServiceResource(Resource[Service]):
    """The behaviour of Services."""

    def default(self, obj: Service) -> None:
        spec = obj.spec
        spec.type = spec.type or CLUSTER_IP
        _default_affinity(obj)
        for port in spec.ports:
            port.protocol = port.protocol or "TCP"
            port.targetPort = port.targetPort or port.port
        if is_external(obj):
            spec.externalTrafficPolicy = spec.externalTrafficPolicy or "Cluster"
        if spec.internalTrafficPolicy is None and needs_cluster_ip(obj):
            spec.internalTrafficPolicy = "Cluster"
        if spec.type == LOAD_BALANCER:
            if spec.allocateLoadBalancerNodePorts is None:
                spec.allocateLoadBalancerNodePorts = True
            for entry in obj.status.loadBalancer.ingress:
                if entry.ip and entry.ipMode is None:
                    entry.ipMode = "VIP"

    def prepare_for_create(self, obj: Service, now: datetime) -> None:
        obj.status = ServiceStatus()
        if obj.spec.clusterIP and not obj.spec.clusterIPs:
            obj.spec.clusterIPs = [obj.spec.clusterIP]

    def prepare_for_update(self, new: Service, old: Service, now: datetime) -> None:
        new.status = old.status
        carry_over(new, old)

    def validate(self, obj: Service) -> list[FieldError]:
        return validate_service(obj)

    def validate_update(self, new: Service, old: Service) -> list[FieldError]:
        return validate_service_update(new, old)

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return dns_1035_label(name, prefix=prefix)

    def warnings(self, new: Service, old: Service | None) -> list[str]:
        if new.spec.externalIPs and new.spec.type == EXTERNAL_NAME:
            return ['spec.externalIPs is ignored when spec.type is "ExternalName"']
        return []


def _default_affinity(obj: Service) -> None:
    spec = obj.spec
    spec.sessionAffinity = spec.sessionAffinity or "None"
    if spec.sessionAffinity == "None":
        spec.sessionAffinityConfig = None
    elif spec.sessionAffinity == "ClientIP":
        config = spec.sessionAffinityConfig
        if config is None or config.clientIP is None or config.clientIP.timeoutSeconds is None:
            seconds = ClientIPConfig(timeoutSeconds=_AFFINITY_SECONDS)
            spec.sessionAffinityConfig = SessionAffinityConfig(clientIP=seconds)


def _merge_status(new: Service, old: Service) -> Service:
    new.spec = old.spec
    return new


def _validate_status(new: Service, old: Service) -> list[FieldError]:
    return validate_balancer_status(new)


def _balancer_text(service: Service) -> str:
    points = {entry.ip or entry.hostname for entry in service.status.loadBalancer.ingress} - {""}
    return ",".join(sorted(points))


def _external_ip(service: Service, now: datetime) -> str:
    spec = service.spec
    if spec.type == EXTERNAL_NAME:
        return spec.externalName
    if spec.type == LOAD_BALANCER:
        text = _balancer_text(service)
        return ",".join([*([text] if text else []), *spec.externalIPs]) or "<pending>"
    return (",".join(spec.externalIPs) or NONE) if needs_cluster_ip(service) else UNKNOWN


def _port_text(port: ServicePort) -> str:
    outside = f":{port.nodePort}" if port.nodePort else ""
    return f"{port.port}{outside}/{port.protocol}"


def _selector(service: Service, now: datetime) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted(service.spec.selector.items())) or NONE


SERVICES = ServiceResource(
    group="",
    version="v1",
    kind="Service",
    plural="services",
    singular="service",
    short_names=("svc",),
    categories=("all",),
    type=Service,
    namespaced=True,
    columns=(
        NAME,
        Column("Type", lambda service, now: service.spec.type, description="How it is reached."),
        Column(
            "Cluster-IP",
            lambda service, now: (service.spec.clusterIPs or [NONE])[0],
            description="Its address within the cluster.",
        ),
        Column("External-IP", _external_ip, description="Its addresses outside the cluster."),
        Column(
            "Port(s)",
            lambda service, now: ",".join(map(_port_text, service.spec.ports)) or NONE,
            description="Its ports, with the nodes' ports that lead there.",
        ),
        AGE,
        Column("Selector", _selector, description="Labels of the pods.", priority=1),
    ),
    subresources=(Subresource("status", _merge_status, _validate_status),),
    field_selectors={
        "spec.clusterIP": lambda service: service.spec.clusterIP,
        "spec.type": lambda service: service.spec.type,
    },
    storage_prefix="services/specs",
)
