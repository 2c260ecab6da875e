"""The rules of containers: what all have in common, and what tells init containers apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    dns_label,
    duplicate,
    forbidden_field,
    invalid_value,
    not_found_value,
    not_supported,
    port_name,
    port_number,
    required,
)
from strongroom.resources.pod_container import Container, ContainerPort
from strongroom.resources.pod_env_validation import env_errors, env_from_errors
from strongroom.resources.pod_mount_validation import device_errors, mount_errors
from strongroom.resources.pod_probe_validation import probe_errors
from strongroom.resources.pod_resources import ContainerResizePolicy, ResourceRequirements
from strongroom.resources.pod_security_validation import container_security_errors
from strongroom.resources.pod_volume import Volume
from strongroom.resources.quantity import is_quantity, parse_quantity
from strongroom.resources.resource_amounts import (
    container_resource_name,
    may_overcommit,
    resource_amount,
)

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
RESTART_POLICIES = ("Always", "Never", "OnFailure")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_RESIZES = ("NotRequired", "RestartContainer")
_SIDECARS_ONLY = "may not be set for init containers without restartPolicy=Always"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rules of a container need to know of its pod."""

    volumes: Mapping[str, Volume]
    claims: frozenset[str]
    grace: int | None
    restart_policy: str
    host_users: bool


def container_errors(
    containers: Sequence[Container], around: Surroundings, path: Path
) -> list[FieldError]:
    """All findings on ``containers``, of which there must be at least one."""
    if not containers:
        return [required(path)]
    errors: list[FieldError] = []
    names: set[str] = set()
    for i, container in enumerate(containers):
        at = path.index(i)
        errors += _common_errors(container, around, at)
        if container.name in names:
            errors.append(duplicate(at / "name", container.name))
        names.add(container.name)
        errors += probe_errors(container, around.grace, at)
    return errors + _host_port_errors(containers, path)


def init_container_errors(
    containers: Sequence[Container], taken: set[str], around: Surroundings, path: Path
) -> list[FieldError]:
    """All findings on ``initContainers``; ``taken`` are the names of the other containers."""
    errors: list[FieldError] = []
    names = set(taken)
    for i, container in enumerate(containers):
        at = path.index(i)
        errors += _common_errors(container, around, at)
        if container.name and container.name in names:
            errors.append(duplicate(at / "name", container.name))
        names.add(container.name)
        errors += _host_port_errors([container], path)
        if container.restartPolicy == "Always":
            errors += probe_errors(container, around.grace, at)
            continue
        errors += [
            forbidden_field(at / name, _SIDECARS_ONLY)
            for name in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
            if getattr(container, name) is not None
        ]
    return errors


def _common_errors(container: Container, around: Surroundings, path: Path) -> list[FieldError]:
    errors = _identity_errors(container, path)
    policy = container.terminationMessagePolicy
    errors += _choice(policy, _MESSAGE_POLICIES, path / "terminationMessagePolicy")
    errors += _port_errors(container.ports, path / "ports")
    errors += env_errors(container.env, path / "env")
    errors += env_from_errors(container.envFrom, path / "envFrom")
    errors += mount_errors(container, around.volumes, path / "volumeMounts")
    errors += device_errors(container, around.volumes, path / "volumeDevices")
    errors += _choice(container.imagePullPolicy, PULL_POLICIES, path / "imagePullPolicy")
    errors += requirement_errors(container.resources, around.claims, path / "resources")
    errors += _resize_errors(container.resizePolicy, around.restart_policy, path / "resizePolicy")
    if container.securityContext:
        at = path / "securityContext"
        users = around.host_users
        errors += container_security_errors(container.securityContext, at, host_users=users)
    return errors + _restart_errors(container, path)


def _identity_errors(container: Container, path: Path) -> list[FieldError]:
    name, image = container.name, container.image
    errors = [required(path / "name")] if not name else []
    errors += [invalid_value(path / "name", name, m) for m in dns_label(name) if name]
    if not image:
        errors.append(required(path / "image"))
    if image != image.strip():
        detail = "must not have leading or trailing whitespace"
        errors.append(invalid_value(path / "image", image, detail))
    return errors


def _choice(value: str, supported: Sequence[str], path: Path) -> list[FieldError]:
    if not value:
        return [required(path)]
    return [] if value in supported else [not_supported(path, value, supported)]


def _restart_errors(container: Container, path: Path) -> list[FieldError]:
    policy, at = container.restartPolicy, path / "restartPolicy"
    if policy is not None and policy not in RESTART_POLICIES:
        return [not_supported(at, policy, RESTART_POLICIES)]
    if policy is None and container.restartPolicyRules:
        return [required(at, "must specify restartPolicy when restart rules are used")]
    return []


def _port_errors(ports: Sequence[ContainerPort], path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    names: set[str] = set()
    for i, port in enumerate(ports):
        at = path.index(i)
        wrong = port_name(port.name) if port.name else []
        errors += [invalid_value(at / "name", port.name, message) for message in wrong]
        if port.name and not wrong and port.name in names:
            errors.append(duplicate(at / "name", port.name))
        names.add(port.name)
        if not port.containerPort:
            errors.append(required(at / "containerPort"))
        for name in ("containerPort", "hostPort"):
            number = getattr(port, name)
            messages = port_number(number) if number else []
            errors += [invalid_value(at / name, number, message) for message in messages]
        errors += _choice(port.protocol, _PROTOCOLS, at / "protocol")
    return errors


def _host_port_errors(containers: Sequence[Container], path: Path) -> list[FieldError]:
    errors = []
    taken: set[str] = set()
    for i, container in enumerate(containers):
        for j, port in enumerate(container.ports):
            if not port.hostPort:
                continue
            text = f"{port.protocol}/{port.hostIP}/{port.hostPort}"
            if text in taken:
                errors.append(duplicate((path.index(i) / "ports").index(j) / "hostPort", text))
            taken.add(text)
    return errors


def requirement_errors(
    resources: ResourceRequirements, claims: frozenset[str], path: Path
) -> list[FieldError]:
    """All findings on limits, requests and claims."""
    errors: list[FieldError] = []
    for name, amount in resources.limits.items():
        errors += container_resource_name(name, (path / "limits").key(name))
        errors += resource_amount(name, amount, (path / "limits").key(name))
    for name, amount in resources.requests.items():
        errors += container_resource_name(name, (path / "requests").key(name))
        errors += resource_amount(name, amount, (path / "requests").key(name))
        errors += _limit_errors(name, amount, resources.limits.get(name), path)
    seen: set[tuple[str, str]] = set()
    for i, claim in enumerate(resources.claims):
        at = (path / "claims").index(i)
        if not claim.name:
            errors.append(required(at / "name"))
        elif (claim.name, claim.request) in seen:
            errors.append(duplicate(at, claim.name))
        elif claim.name not in claims:
            errors.append(not_found_value(at / "name", claim.name))
        seen.add((claim.name, claim.request))
    return errors


def _limit_errors(name: str, amount: str, limit: str | None, path: Path) -> list[FieldError]:
    if limit is None:
        if may_overcommit(name):
            return []
        detail = "Limit must be set for non overcommitable resources"
        return [required(path / "limits", detail)]
    if not is_quantity(amount) or not is_quantity(limit):
        return []  # reported where they stand
    difference = parse_quantity(amount) - parse_quantity(limit)
    if difference and not may_overcommit(name):
        detail = f"must be equal to {name} limit of {limit}"
    elif difference > 0:
        detail = f"must be less than or equal to {name} limit of {limit}"
    else:
        return []
    return [invalid_value(path / "requests", amount, detail)]


def _resize_errors(
    policies: Sequence[ContainerResizePolicy], restart_policy: str, path: Path
) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for i, policy in enumerate(policies):
        if policy.resourceName in seen:
            errors.append(duplicate(path.index(i), policy.resourceName))
        seen.add(policy.resourceName)
        errors += _choice(policy.resourceName, ("cpu", "memory"), path)
        errors += _choice(policy.restartPolicy, _RESIZES, path)
        if restart_policy == "Never" and policy.restartPolicy != "NotRequired":
            detail = "must be 'NotRequired' when `restartPolicy` is 'Never'"
            errors.append(invalid_value(path, policy.restartPolicy, detail))
    return errors
