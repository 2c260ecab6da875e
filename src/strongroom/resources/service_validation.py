"""What may stand in a Service (``ValidateService`` in ``pkg/apis/core/validation``)."""

from __future__ import annotations

from strongroom.api.errors import FieldError
from strongroom.api.meta_validation import validate_labels
from strongroom.api.validation import (
    Path,
    dns_label,
    dns_subdomain,
    duplicate,
    forbidden_field,
    in_range,
    invalid_value,
    not_supported,
    port_name,
    port_number,
    qualified_name,
    required,
)
from strongroom.resources.addresses import cidr_errors, ip_errors, special_ip_errors
from strongroom.resources.service_families import (
    address_change_errors,
    address_errors,
    family_change_errors,
)
from strongroom.resources.service_object import (
    CLUSTER_IP,
    EXTERNAL_NAME,
    LOAD_BALANCER,
    NODE_PORT,
    Service,
    ServicePort,
    is_external,
    is_headless,
    needs_cluster_ip,
    needs_health_check,
)

_SPEC = Path("spec")
_TYPES = (CLUSTER_IP, EXTERNAL_NAME, LOAD_BALANCER, NODE_PORT)
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_POLICIES = ("Cluster", "Local")
_DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
_RANGES_ANNOTATION = "service.beta.kubernetes.io/load-balancer-source-ranges"
_HINTS = "service.kubernetes.io/topology-aware-hints"
_MODE = "service.kubernetes.io/topology-mode"
_ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"
_DAY = 86400


def validate_service(service: Service) -> list[FieldError]:
    """All findings on a new service, metadata excepted."""
    errors = _annotation_errors(service) + _type_errors(service)
    ports, path = service.spec.ports, _SPEC / "ports"
    names: set[str] = set()
    for i, port in enumerate(ports):
        errors += _port_errors(port, path.index(i), names, named=len(ports) > 1)
    errors += validate_labels(service.spec.selector, _SPEC / "selector")
    errors += _affinity_errors(service)
    errors += address_errors(service)
    for i, address in enumerate(service.spec.externalIPs):
        at = (_SPEC / "externalIPs").index(i)
        errors += ip_errors(address, at) or special_ip_errors(address, at)
    kind = service.spec.type
    if not kind:
        errors.append(required(_SPEC / "type"))
    elif kind not in _TYPES:
        errors.append(not_supported(_SPEC / "type", kind, _TYPES))
    errors += _node_port_errors(service) + _duplicate_errors(service)
    errors += _range_errors(service) + _balancer_errors(service)
    return errors + _traffic_errors(service)


def validate_service_update(new: Service, old: Service) -> list[FieldError]:
    """All findings on a change."""
    errors = address_change_errors(new, old) + family_change_errors(new, old)
    both = old.spec.type == new.spec.type == LOAD_BALANCER
    if both and old.spec.loadBalancerClass != new.spec.loadBalancerClass:
        path = _SPEC / "loadBalancerClass"
        errors.append(invalid_value(path, new.spec.loadBalancerClass, "may not change once set"))
    both = needs_health_check(old) and needs_health_check(new)
    if both and new.spec.healthCheckNodePort != old.spec.healthCheckNodePort:
        errors.append(forbidden_field(_SPEC / "healthCheckNodePort", "field is immutable"))
    return errors + validate_service(new)


def _annotation_errors(service: Service) -> list[FieldError]:
    found = service.metadata.annotations
    if _MODE in found and _HINTS in found and found[_MODE] != found[_HINTS]:
        path = (Path("metadata") / "annotations").key(_MODE)
        detail = f"must match annotations[{_HINTS}] when both are specified"
        return [invalid_value(path, found[_MODE], detail)]
    return []


def _type_errors(service: Service) -> list[FieldError]:
    spec, headless = service.spec, is_headless(service)
    errors = []
    if not spec.ports and not headless and spec.type != EXTERNAL_NAME:
        errors.append(required(_SPEC / "ports"))
    if spec.type in (LOAD_BALANCER, NODE_PORT) and headless:
        detail = f"may not be set to 'None' for {spec.type} services"
        errors.append(invalid_value((_SPEC / "clusterIPs").index(0), "None", detail))
    if spec.type == EXTERNAL_NAME:
        detail = "may not be set for ExternalName services"
        unwanted = ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
        errors += [forbidden_field(_SPEC / n, detail) for n in unwanted if getattr(spec, n)]
        path, name = _SPEC / "externalName", spec.externalName.removesuffix(".")
        if not name:
            errors.append(required(path))
        else:
            errors += [invalid_value(path, name, text) for text in dns_subdomain(name)]
    return errors


def _port_errors(
    port: ServicePort, path: Path, names: set[str], *, named: bool
) -> list[FieldError]:
    errors = []
    if named and not port.name:
        errors.append(required(path / "name"))
    elif port.name:
        errors += [invalid_value(path / "name", port.name, text) for text in dns_label(port.name)]
        if port.name in names:
            errors.append(duplicate(path / "name", port.name))
        names.add(port.name)
    errors += [invalid_value(path / "port", port.port, text) for text in port_number(port.port)]
    if not port.protocol:
        errors.append(required(path / "protocol"))
    elif port.protocol not in _PROTOCOLS:
        errors.append(not_supported(path / "protocol", port.protocol, _PROTOCOLS))
    target = 0 if port.targetPort is None else port.targetPort
    wrong = port_name(target) if isinstance(target, str) else port_number(target)
    errors += [invalid_value(path / "targetPort", target, text) for text in wrong]
    if port.appProtocol is not None:
        at = path / "appProtocol"
        errors += [
            invalid_value(at, port.appProtocol, text) for text in qualified_name(port.appProtocol)
        ]
    return errors


def _affinity_errors(service: Service) -> list[FieldError]:
    affinity, config = service.spec.sessionAffinity, service.spec.sessionAffinityConfig
    path = _SPEC / "sessionAffinity"
    if not affinity:
        return [required(path)]
    at = _SPEC / "sessionAffinityConfig"
    if affinity == "None":
        detail = "must not be set when session affinity is None"
        return [forbidden_field(at, detail)] if config is not None else []
    if affinity != "ClientIP":
        return [not_supported(path, affinity, ("ClientIP", "None"))]
    if config is None:
        return [required(at, "when session affinity type is ClientIP")]
    if config.clientIP is None:
        return [required(at / "clientIP", "when session affinity type is ClientIP")]
    seconds = config.clientIP.timeoutSeconds
    at = at / "clientIP" / "timeoutSeconds"
    if seconds is None:
        return [required(at, "when session affinity type is ClientIP")]
    if in_range(seconds, 1, _DAY):
        return [invalid_value(at, seconds, f"must be greater than 0 and less than {_DAY}")]
    return []


def _node_port_errors(service: Service) -> list[FieldError]:
    if service.spec.type != CLUSTER_IP:
        return []
    path, detail = _SPEC / "ports", "may not be used when `type` is 'ClusterIP'"
    return [
        forbidden_field(path.index(i) / "nodePort", detail)
        for i, port in enumerate(service.spec.ports)
        if port.nodePort
    ]


def _duplicate_errors(service: Service) -> list[FieldError]:
    errors = []
    path = _SPEC / "ports"
    seen = set()
    for i, port in enumerate(service.spec.ports):
        if port.nodePort and (port.protocol, port.nodePort) in seen:
            errors.append(duplicate(path.index(i) / "nodePort", port.nodePort))
        seen.add((port.protocol, port.nodePort))
    seen.clear()
    for i, port in enumerate(service.spec.ports):
        if (port.protocol, port.port) in seen:
            # Upstream prints the port's own type, of which only the key is filled in.
            shown = {"protocol": port.protocol, "port": port.port, "targetPort": 0}
            errors.append(duplicate(path.index(i), shown))
        seen.add((port.protocol, port.port))
    return errors


def _range_errors(service: Service) -> list[FieldError]:
    spec = service.spec
    ranges, text = (
        spec.loadBalancerSourceRanges,
        service.metadata.annotations.get(_RANGES_ANNOTATION),
    )
    path = _SPEC / "LoadBalancerSourceRanges"  # upstream's own spelling of this path
    places = [(path.index(i), value) for i, value in enumerate(ranges)]
    if not ranges:
        if text is None:
            return []
        path = (Path("metadata") / "annotations").key(_RANGES_ANNOTATION)
        places = [(path, value) for value in text.split(",")] if text.strip() else []
    errors = [] if spec.type == LOAD_BALANCER else [forbidden_field(path, _ONLY_BALANCED)]
    for at, value in places:
        errors += cidr_errors(value.strip(), at)
    return errors


def _balancer_errors(service: Service) -> list[FieldError]:
    spec, errors = service.spec, []
    balanced = spec.type == LOAD_BALANCER
    if spec.allocateLoadBalancerNodePorts is not None and not balanced:
        path = _SPEC / "allocateLoadBalancerNodePorts"
        errors.append(forbidden_field(path, _ONLY_BALANCED))
    if spec.allocateLoadBalancerNodePorts is None and balanced:
        errors.append(required(Path("allocateLoadBalancerNodePorts")))
    if spec.loadBalancerClass is not None:
        path, name = _SPEC / "loadBalancerClass", spec.loadBalancerClass
        if balanced:
            errors += [invalid_value(path, name, text) for text in qualified_name(name)]
        else:
            errors.append(forbidden_field(path, _ONLY_BALANCED))
    return errors


def _traffic_errors(service: Service) -> list[FieldError]:
    spec, errors = service.spec, []
    path, policy = _SPEC / "externalTrafficPolicy", spec.externalTrafficPolicy
    if not is_external(service):
        if policy:
            detail = "may only be set for externally-accessible services"
            errors.append(invalid_value(path, policy, detail))
    elif not policy:
        errors.append(required(path))
    elif policy not in _POLICIES:
        errors.append(not_supported(path, policy, _POLICIES))
    errors += _health_errors(service)
    path, inner = _SPEC / "internalTrafficPolicy", spec.internalTrafficPolicy
    if inner is None:
        if needs_cluster_ip(service):
            errors.append(required(path))
    elif inner not in _POLICIES:
        errors.append(not_supported(path, inner, _POLICIES))
    wish = spec.trafficDistribution
    if wish is not None and wish not in _DISTRIBUTIONS:
        errors.append(not_supported(_SPEC / "trafficDistribution", wish, _DISTRIBUTIONS))
    return errors


def _health_errors(service: Service) -> list[FieldError]:
    path, port = _SPEC / "healthCheckNodePort", service.spec.healthCheckNodePort
    if not needs_health_check(service):
        detail = (
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        )
        return [invalid_value(path, port, detail)] if port else []
    if not port:
        return [required(path)]
    return [invalid_value(path, port, text) for text in port_number(port)]
