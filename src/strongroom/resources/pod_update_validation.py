"""The rules of changes to Pods: what may change after a pod was made, and how its status may."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    dns_subdomain,
    forbidden_field,
    immutable_field,
    invalid_value,
    required,
)
from strongroom.resources.pod_container import Container
from strongroom.resources.pod_container_status import ContainerStatus
from strongroom.resources.pod_containers import restarts_always
from strongroom.resources.pod_object import Pod
from strongroom.resources.pod_scheduling import PodSchedulingGate, Toleration
from strongroom.resources.pod_spec import PodSpec
from strongroom.resources.pod_validation import MIRROR_ANNOTATION, validate_pod

MAX_INT32 = 2**31 - 1
_CHANGEABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
IMMUTABLE_SPEC = f"pod updates may not change fields other than {_CHANGEABLE}\n"
"""Upstream goes on with a Go-specific printout of the difference, which cannot be met here; it
would also show values of environment variables."""


def validate_pod_update(new: Pod, old: Pod) -> list[FieldError]:
    """All findings on a change of a pod's metadata and spec."""
    spec = Path("spec")
    errors = validate_pod(new) + _mirror_errors(new, old)
    for name in ("containers", "initContainers"):
        after, before = getattr(new.spec, name), getattr(old.spec, name)
        if len(after) != len(before):
            detail = "pod updates may not add or remove containers"
            return [*errors, forbidden_field(spec / name, detail)]
        errors += _image_errors(after, spec / name)
    deadline, final = _deadline_errors(new.spec, old.spec, spec / "activeDeadlineSeconds")
    errors += deadline
    if final:
        return errors
    errors += _toleration_errors(new.spec.tolerations, old.spec.tolerations, spec / "tolerations")
    gates = spec / "schedulingGates"
    errors += _gate_errors(new.spec.schedulingGates, old.spec.schedulingGates, gates)
    if _with_fixed_parts(new.spec, old.spec) != old.spec:
        errors.append(forbidden_field(spec, IMMUTABLE_SPEC))
    return errors


def validate_pod_status_update(new: Pod, old: Pod) -> list[FieldError]:
    """All findings on a change of a pod's status."""
    path = Path("status")
    errors = _mirror_errors(new, old)
    nominated = new.status.nominatedNodeName
    if nominated and nominated != old.status.nominatedNodeName:
        errors += [
            invalid_value(path / "nominatedNodeName", nominated, message)
            for message in dns_subdomain(nominated)
        ]
    errors += immutable_field(new.status.qosClass, old.status.qosClass, path / "qosClass")
    sidecars = {c.name for c in old.spec.initContainers if restarts_always(c)}
    policy = old.spec.restartPolicy
    for name, restart, exempt in (
        ("containerStatuses", policy, set()),
        ("initContainerStatuses", policy, sidecars),
        ("ephemeralContainerStatuses", "Never", set()),
    ):
        after, before = getattr(new.status, name), getattr(old.status, name)
        errors += _revival_errors(after, before, path / name, restart, exempt)
    return errors


def _mirror_errors(new: Pod, old: Pod) -> list[FieldError]:
    after = new.metadata.annotations.get(MIRROR_ANNOTATION)
    before = old.metadata.annotations.get(MIRROR_ANNOTATION)
    if after == before:
        return []
    done = "add" if before is None else "remove or update"
    path = (Path("metadata") / "annotations").key(MIRROR_ANNOTATION)
    return [forbidden_field(path, f"may not {done} mirror pod annotation")]


def _image_errors(containers: Sequence[Container], path: Path) -> list[FieldError]:
    return [
        required(path.index(i) / "image")
        for i, container in enumerate(containers)
        if not container.image
    ]


def _deadline_errors(new: PodSpec, old: PodSpec, path: Path) -> tuple[list[FieldError], bool]:
    """The findings, and whether upstream stops looking after them."""
    after, before = new.activeDeadlineSeconds, old.activeDeadlineSeconds
    if after is None:
        if before is None:
            return [], False
        detail = "must not update from a positive integer to nil value"
        return [invalid_value(path, None, detail)], False
    if not 0 <= after <= MAX_INT32:
        detail = f"must be between 0 and {MAX_INT32}, inclusive"
        return [invalid_value(path, after, detail)], True
    if before is not None and before < after:
        detail = "must be less than or equal to previous value"
        return [invalid_value(path, after, detail)], True
    return [], False


def _toleration_errors(
    new: Sequence[Toleration], old: Sequence[Toleration], path: Path
) -> list[FieldError]:
    def core(toleration: Toleration) -> Toleration:
        return msgspec.structs.replace(toleration, tolerationSeconds=None)

    kept = [core(toleration) for toleration in new]
    if all(core(toleration) in kept for toleration in old):
        return []
    detail = "existing toleration can not be modified except its tolerationSeconds"
    return [forbidden_field(path, detail)]


def _gate_errors(
    new: Sequence[PodSchedulingGate], old: Sequence[PodSchedulingGate], path: Path
) -> list[FieldError]:
    known = {gate.name for gate in old}
    return [
        forbidden_field(
            path.index(i) / "name",
            f"only deletion is allowed, but found new scheduling gate '{gate.name}'",
        )
        for i, gate in enumerate(new)
        if gate.name not in known
    ]


def _with_fixed_parts(new: PodSpec, old: PodSpec) -> PodSpec:
    """The new spec with the old one's values wherever a change is allowed or judged elsewhere."""
    grace = new.terminationGracePeriodSeconds
    if grace == 1 and (old.terminationGracePeriodSeconds or 0) < 0:
        grace = old.terminationGracePeriodSeconds
    return msgspec.structs.replace(
        new,
        containers=_with_images(new.containers, old.containers),
        initContainers=_with_images(new.initContainers, old.initContainers),
        activeDeadlineSeconds=old.activeDeadlineSeconds,
        tolerations=old.tolerations,
        schedulingGates=old.schedulingGates,
        terminationGracePeriodSeconds=grace,
    )


def _with_images(new: Sequence[Container], old: Sequence[Container]) -> list[Container]:
    return [
        msgspec.structs.replace(after, image=before.image)
        for after, before in zip(new, old, strict=True)
    ]


def _revival_errors(
    new: Sequence[ContainerStatus],
    old: Sequence[ContainerStatus],
    path: Path,
    restart_policy: str,
    exempt: set[str],
) -> list[FieldError]:
    """A container that ended for good cannot be said to run again."""
    errors: list[FieldError] = []
    if restart_policy == "Always":
        return errors
    for i, before in enumerate(old):
        ended = before.state.terminated
        if ended is None or before.name in exempt:
            continue
        if ended.exitCode and restart_policy == "OnFailure":
            continue
        if any(s.name == before.name and s.state.terminated is None for s in new):
            detail = "may not be transitioned to non-terminated state"
            errors.append(forbidden_field(path.index(i) / "state", detail))
    return errors
