"""What a load balancer may say of itself (``ValidateLoadBalancerStatus`` of core/validation)."""

from __future__ import annotations

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    dns_subdomain,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from strongroom.resources.addresses import ip_errors, parse_ip
from strongroom.resources.service_object import LOAD_BALANCER, LoadBalancerIngress, Service

_MODES = ("Proxy", "VIP")


def validate_balancer_status(service: Service) -> list[FieldError]:
    """All findings on the status of a service."""
    entries = service.status.loadBalancer.ingress
    path = Path("status") / "loadBalancer" / "ingress"
    if service.spec.type != LOAD_BALANCER and entries:
        detail = "may only be used when `spec.type` is LoadBalancer"
        return [forbidden_field(path, detail)]
    errors = []
    for i, entry in enumerate(entries):
        errors += _entry_errors(entry, path.index(i))
    return errors


def _entry_errors(entry: LoadBalancerIngress, path: Path) -> list[FieldError]:
    errors = ip_errors(entry.ip, path / "ip") if entry.ip else []
    if entry.ip and entry.ipMode is None:
        errors.append(required(path / "ipMode", "must be specified when `ip` is set"))
    elif entry.ipMode is not None and not entry.ip:
        errors.append(forbidden_field(path / "ipMode", "may not be specified when `ip` is not set"))
    elif entry.ipMode is not None and entry.ipMode not in _MODES:
        errors.append(not_supported(path / "ipMode", entry.ipMode, _MODES))
    return errors + hostname_errors(entry.hostname, path / "hostname")


def hostname_errors(name: str, path: Path) -> list[FieldError]:
    """What is wrong with the name of a point of entry; empty is right."""
    errors = [invalid_value(path, name, text) for text in dns_subdomain(name)] if name else []
    if name and parse_ip(name) is not None:
        errors.append(invalid_value(path, name, "must be a DNS name, not an IP address"))
    return errors
