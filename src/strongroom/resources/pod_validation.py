"""The rules of Pods: ``ValidatePodCreate`` upstream, in its order and wording.

Not judged here are fields that only a node of another kind could use (Windows, block devices of
particular drivers): the schema decides what they may contain, and the node whether it can serve it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    dns_label,
    dns_subdomain,
    duplicate,
    forbidden_field,
    in_range,
    invalid_value,
    not_supported,
    qualified_name,
    required,
    validate_labels,
)
from strongroom.resources.pod_container_validation import (
    Surroundings,
    container_errors,
    init_container_errors,
    requirement_errors,
)
from strongroom.resources.pod_object import Pod
from strongroom.resources.pod_scheduling import PodResourceClaim
from strongroom.resources.pod_scheduling_validation import (
    affinity_errors,
    spread_errors,
    toleration_errors,
)
from strongroom.resources.pod_security_validation import pod_security_errors
from strongroom.resources.pod_spec import HostAlias, PodDNSConfig, PodSpec
from strongroom.resources.pod_volume_validation import volume_errors
from strongroom.resources.resource_amounts import container_resource_name, resource_amount

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
_MAX_INT32 = 2**31 - 1
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_MAX_NAME_SERVERS = 3
_MAX_SEARCH_PATHS = 32
_MAX_SEARCH_LENGTH = 2048


def validate_pod(pod: Pod) -> list[FieldError]:
    """All findings on a pod's annotations and spec, be it new or changed."""
    meta = pod.metadata
    errors = mirror_errors(meta.annotations, pod.spec, Path("metadata") / "annotations")
    return errors + pod_spec_errors(pod.spec, Path("spec"))


def mirror_errors(annotations: Mapping[str, str], spec: PodSpec, path: Path) -> list[FieldError]:
    """A finding on what says that it mirrors a node's own pod, and names no node."""
    mirror = annotations.get(MIRROR_ANNOTATION)
    if mirror is None or spec.nodeName:
        return []
    detail = "must set spec.nodeName if mirror pod annotation is set"
    return [invalid_value(path.key(MIRROR_ANNOTATION), mirror, detail)]


def pod_spec_errors(spec: PodSpec, path: Path, *, template: bool = False) -> list[FieldError]:
    """All findings on the description of a pod, in the pod or in a ``template`` of pods."""
    errors = _part_errors(spec, path, template=template)
    errors += _policy_errors(spec, path)
    errors += _name_errors(spec, path)
    errors += _placement_errors(spec, path)
    return errors + _token_errors(spec, path)


def validate_new_pod(pod: Pod) -> list[FieldError]:
    """All findings on a pod that is to be created."""
    errors, path = validate_pod(pod), Path("spec")
    if pod.spec.ephemeralContainers:
        errors.append(forbidden_field(path / "ephemeralContainers", "cannot be set on create"))
    if pod.spec.nodeName and pod.spec.schedulingGates:
        detail = "cannot be set until all schedulingGates have been cleared"
        errors.append(forbidden_field(path / "nodeName", detail))
    return errors


def _part_errors(spec: PodSpec, path: Path, *, template: bool) -> list[FieldError]:
    """Volumes, claims and containers, which refer to each other."""
    errors = []
    if spec.terminationGracePeriodSeconds is None:
        errors.append(required(path / "terminationGracePeriodSeconds"))
    volumes, found = volume_errors(spec.volumes, path / "volumes")
    errors += found
    errors += _claim_errors(spec.resourceClaims, path / "resourceClaims")
    claims = frozenset(claim.name for claim in spec.resourceClaims if claim.name)
    around = Surroundings(
        volumes=volumes,
        claims=claims,
        grace=spec.terminationGracePeriodSeconds,
        restart_policy=spec.restartPolicy,
        host_users=spec.hostUsers is not False,
    )
    errors += container_errors(spec.containers, around, path / "containers")
    names = {container.name for container in spec.containers}
    errors += init_container_errors(spec.initContainers, names, around, path / "initContainers")
    if spec.resources:
        errors += requirement_errors(spec.resources, claims, path / "resources")
    return errors + _host_network_errors(spec, path / "containers", template=template)


def _claim_errors(claims: Sequence[PodResourceClaim], path: Path) -> list[FieldError]:
    errors = []
    names: set[str] = set()
    for i, claim in enumerate(claims):
        at = path.index(i)
        if not claim.name:
            errors.append(required(at / "name"))
        elif claim.name in names:
            errors.append(duplicate(at / "name", claim.name))
        else:
            errors += [invalid_value(at / "name", claim.name, m) for m in dns_label(claim.name)]
        names.add(claim.name)
        if claim.resourceClaimName is not None and claim.resourceClaimTemplateName is not None:
            detail = (
                "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            )
            errors.append(invalid_value(at, claim, detail))
        if claim.resourceClaimName is None and claim.resourceClaimTemplateName is None:
            detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            errors.append(invalid_value(at, claim, detail))
        for name in ("resourceClaimName", "resourceClaimTemplateName"):
            errors += _subdomain(getattr(claim, name) or "", at / name)
    return errors


def _host_network_errors(spec: PodSpec, path: Path, *, template: bool) -> list[FieldError]:
    """Ports of the host are those of the containers; a template's pods get them when made."""
    if not spec.hostNetwork:
        return []
    detail = "must match `containerPort` when `hostNetwork` is true"
    return [
        invalid_value((path.index(i) / "ports").index(j) / "hostPort", port.hostPort, detail)
        for i, container in enumerate(spec.containers)
        for j, port in enumerate(container.ports)
        if port.hostPort != port.containerPort and (port.hostPort or not template)
    ]


def _policy_errors(spec: PodSpec, path: Path) -> list[FieldError]:
    errors = []
    for name, value, supported in (
        ("restartPolicy", spec.restartPolicy, _RESTART_POLICIES),
        ("dnsPolicy", spec.dnsPolicy, _DNS_POLICIES),
    ):
        if not value:
            errors.append(required(path / name))
        elif value not in supported:
            errors.append(not_supported(path / name, value, supported))
    errors += validate_labels(spec.nodeSelector, path / "nodeSelector")
    if spec.securityContext:
        errors += pod_security_errors(spec.securityContext, path / "securityContext")
    if spec.shareProcessNamespace and spec.hostPID:
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(invalid_value(path / "shareProcessNamespace", True, detail))
    if spec.affinity:
        errors += affinity_errors(spec.affinity, path / "affinity")
    errors += _dns_errors(spec.dnsConfig, spec.dnsPolicy, path / "dnsConfig")
    for i, gate in enumerate(spec.readinessGates):
        at = (path / "readinessGates").index(i) / "conditionType"
        messages = qualified_name(gate.conditionType)
        errors += [invalid_value(at, gate.conditionType, message) for message in messages]
    errors += _gate_errors(spec, path / "schedulingGates")
    return errors + spread_errors(
        spec.topologySpreadConstraints, path / "topologySpreadConstraints"
    )


def _gate_errors(spec: PodSpec, path: Path) -> list[FieldError]:
    errors = []
    seen: set[str] = set()
    for i, gate in enumerate(spec.schedulingGates):
        errors += [invalid_value(path.index(i), gate.name, m) for m in qualified_name(gate.name)]
        if gate.name in seen:
            errors.append(duplicate(path.index(i), gate.name))
        seen.add(gate.name)
    return errors


def _dns_errors(config: PodDNSConfig | None, policy: str, path: Path) -> list[FieldError]:
    if policy == "None" and config is None:
        return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
    if config is None:
        return []
    servers, searches = config.nameservers, config.searches
    if policy == "None" and not servers:
        detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        return [required(path / "nameservers", detail)]
    errors = []
    if len(servers) > _MAX_NAME_SERVERS:
        detail = f"must not have more than {_MAX_NAME_SERVERS} nameservers"
        errors.append(invalid_value(path / "nameservers", servers, detail))
    for i, server in enumerate(servers):
        errors += _ip(server, (path / "nameservers").index(i))
    if len(searches) > _MAX_SEARCH_PATHS:
        detail = f"must not have more than {_MAX_SEARCH_PATHS} search paths"
        errors.append(invalid_value(path / "searches", searches, detail))
    if len(" ".join(searches)) > _MAX_SEARCH_LENGTH:
        detail = (
            f"must not have more than {_MAX_SEARCH_LENGTH} characters (including spaces) "
            "in the search list"
        )
        errors.append(invalid_value(path / "searches", searches, detail))
    for i, option in enumerate(config.options):
        if not option.name:
            errors.append(required((path / "options").index(i), "must not be empty"))
    return errors


def _name_errors(spec: PodSpec, path: Path) -> list[FieldError]:
    """Fields that hold names, in upstream's order."""
    errors = _subdomain(spec.serviceAccountName, path / "serviceAccountName")
    errors += _subdomain(spec.nodeName, path / "nodeName")
    seconds = spec.activeDeadlineSeconds
    if seconds is not None:
        at = path / "activeDeadlineSeconds"
        errors += [invalid_value(at, seconds, m) for m in in_range(seconds, 1, _MAX_INT32)]
    for name in ("hostname", "subdomain"):
        label = getattr(spec, name)
        errors += [invalid_value(path / name, label, m) for m in dns_label(label) if label]
    return errors


def _placement_errors(spec: PodSpec, path: Path) -> list[FieldError]:
    errors = toleration_errors(spec.tolerations, path / "tolerations")
    errors += _alias_errors(spec.hostAliases, path / "hostAliases")
    errors += _subdomain(spec.priorityClassName, path / "priorityClassName")
    errors += _subdomain(spec.runtimeClassName or "", path / "runtimeClassName")
    policies = ("PreemptLowerPriority", "Never")
    if spec.preemptionPolicy is not None and spec.preemptionPolicy not in policies:
        at = path / "preemptionPolicy"
        errors.append(not_supported(at, spec.preemptionPolicy, policies))
    for name, amount in spec.overhead.items():
        at = (path / "overhead" / "limits").key(name)
        errors += container_resource_name(name, at) + resource_amount(name, amount, at)
    if spec.os and spec.os.name not in ("linux", "windows"):
        at = path / "os" / "name"
        names = ("linux", "windows")
        missing = not spec.os.name
        errors.append(required(at) if missing else not_supported(at, spec.os.name, names))
    return errors


def _alias_errors(aliases: Sequence[HostAlias], path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, alias in enumerate(aliases):
        errors += _ip(alias.ip, path.index(i) / "ip")
        for j, name in enumerate(alias.hostnames):
            at = (path.index(i) / "hostnames").index(j)
            errors += [invalid_value(at, name, message) for message in dns_subdomain(name)]
    return errors


def _token_errors(spec: PodSpec, path: Path) -> list[FieldError]:
    """A token needs somebody whose token it is."""
    errors: list[FieldError] = []
    if spec.serviceAccountName:
        return errors
    for i, volume in enumerate(spec.volumes):
        for j, source in enumerate(volume.projected.sources if volume.projected else ()):
            if source.serviceAccountToken:
                sources = (path / "volumes").index(i) / "projected" / "sources"
                detail = "must not be specified when serviceAccountName is not set"
                errors.append(forbidden_field(sources.index(j) / "serviceAccountToken", detail))
    return errors


def _subdomain(name: str, path: Path) -> list[FieldError]:
    return [invalid_value(path, name, message) for message in dns_subdomain(name) if name]


def _ip(text: str, path: Path) -> list[FieldError]:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        return [invalid_value(path, text, detail)]
    return []
