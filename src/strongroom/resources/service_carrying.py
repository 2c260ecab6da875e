"""What an update of a Service takes over from the service that it replaces.

Source: ``PatchAllocatedValues``, ``NormalizeClusterIPs`` and ``dropTypeDependentFields`` in
``pkg/registry/core/service``.
"""

from __future__ import annotations

from strongroom.resources.service_object import (
    LOAD_BALANCER,
    Service,
    ServiceSpec,
    is_external,
    needs_cluster_ip,
    needs_health_check,
    needs_node_ports,
)

_BY_ADDRESS = ("ipFamilies", "ipFamilyPolicy")
_BY_BALANCER = ("allocateLoadBalancerNodePorts", "loadBalancerClass")


def carry_over(new: Service, old: Service) -> None:
    """Complete a changed service with what it was given and still needs."""
    _follow_cluster_ip(new, old)
    _keep_given(new, old)
    _drop_unneeded(new, old)


def _follow_cluster_ip(new: Service, old: Service) -> None:
    """Who changes only clusterIP, as old clients do, means the list of addresses, too."""
    spec = new.spec
    if spec.clusterIP != old.spec.clusterIP and spec.clusterIPs == old.spec.clusterIPs:
        spec.clusterIPs = [spec.clusterIP] if spec.clusterIP else []


def _keep_given(new: Service, old: Service) -> None:
    """What the server gave out stays with the service when an update does not name it."""
    spec, before = new.spec, old.spec
    if needs_cluster_ip(old) and needs_cluster_ip(new):
        spec.clusterIP = spec.clusterIP or before.clusterIP
        if not spec.clusterIPs and spec.clusterIP == before.clusterIP:
            spec.clusterIPs = list(before.clusterIPs)
    if needs_node_ports(old) and needs_node_ports(new):
        used = {p.nodePort for p in before.ports} & {p.nodePort for p in spec.ports}
        given = {p.name: p.nodePort for p in before.ports}
        for port in spec.ports:
            known = given.get(port.name, 0)
            if not port.nodePort and known not in used:
                port.nodePort = known
                used.add(known)
    if needs_health_check(old) and needs_health_check(new):
        spec.healthCheckNodePort = spec.healthCheckNodePort or before.healthCheckNodePort


def _drop_unneeded(new: Service, old: Service) -> None:
    """A change of type gives back what the new type has not, unless it was changed as well."""
    spec, before = new.spec, old.spec
    if needs_cluster_ip(old) and not needs_cluster_ip(new):
        if (spec.clusterIP, spec.clusterIPs) == (before.clusterIP, before.clusterIPs):
            spec.clusterIP, spec.clusterIPs = "", []
        _clear_unchanged(spec, before, _BY_ADDRESS)
    ports = [p.nodePort for p in before.ports]
    lost = needs_node_ports(old) and not needs_node_ports(new)
    if lost and ports == [p.nodePort for p in spec.ports]:
        for port in spec.ports:
            port.nodePort = 0
    if needs_health_check(old) and not needs_health_check(new):
        _clear_unchanged(spec, before, ("healthCheckNodePort",))
    if before.type == LOAD_BALANCER and spec.type != LOAD_BALANCER:
        _clear_unchanged(spec, before, _BY_BALANCER)
    if is_external(old) and not is_external(new):
        _clear_unchanged(spec, before, ("externalTrafficPolicy",))


def _clear_unchanged(spec: ServiceSpec, before: ServiceSpec, names: tuple[str, ...]) -> None:
    unset = ServiceSpec()
    for name in names:
        if getattr(spec, name) == getattr(before, name):
            setattr(spec, name, getattr(unset, name))
