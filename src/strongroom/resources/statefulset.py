"""StatefulSet: pods that keep name and storage (stored, driven by no controller of ours)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    dns_label,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.pod_claim import PersistentVolumeClaimVolumeSource
from strongroom.resources.pod_defaults import default_claim
from strongroom.resources.pod_template_spec import (
    PodTemplateSpec,
    default_template,
    selected_errors,
    template_errors,
)
from strongroom.resources.pod_volume import Volume
from strongroom.resources.quantity import canonicalize_quantities
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.statefulset_object import (
    RollingUpdateStatefulSetStrategy,
    StatefulSet,
    StatefulSetPersistentVolumeClaimRetentionPolicy,
    StatefulSetSpec,
    StatefulSetStatus,
)
from strongroom.resources.workload import (
    container_columns,
    deadline_errors,
    endless_errors,
    keep_spec,
    keep_status,
    not_decremented,
    numbers,
    order_errors,
    percentage_errors,
    replica_scale,
    selector_errors,
    share,
    share_errors,
    workload_warnings,
)

_SPEC = Path("spec")
_TEMPLATE = _SPEC / "template"
_COUNTS = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
_MANAGEMENT = ("OrderedReady", "Parallel")
_RETENTION = ("Retain", "Delete")
_CHANGEABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_FIXED = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
    "'minReadySeconds' are forbidden"
)


class StatefulSetResource(Resource[StatefulSet]):
    """The behaviour of StatefulSets."""

    def default(self, obj: StatefulSet) -> None:
        spec = obj.spec
        default_template(spec.template)
        canonicalize_quantities(spec)
        spec.podManagementPolicy = spec.podManagementPolicy or "OrderedReady"
        _default_update(spec)
        if spec.persistentVolumeClaimRetentionPolicy is None:
            policy = StatefulSetPersistentVolumeClaimRetentionPolicy()
            spec.persistentVolumeClaimRetentionPolicy = policy
        policy = spec.persistentVolumeClaimRetentionPolicy
        policy.whenDeleted = policy.whenDeleted or "Retain"
        policy.whenScaled = policy.whenScaled or "Retain"
        if spec.replicas is None:
            spec.replicas = 1
        if spec.revisionHistoryLimit is None:
            spec.revisionHistoryLimit = 10
        for claim in spec.volumeClaimTemplates:
            # Clients take each for an object of its own, which must say what it is.
            claim.kind = claim.kind or "PersistentVolumeClaim"
            claim.apiVersion = claim.apiVersion or "v1"
            claim.status.phase = claim.status.phase or "Pending"
            default_claim(claim.spec)

    def prepare_for_create(self, obj: StatefulSet, now: datetime) -> None:
        obj.status = StatefulSetStatus()
        obj.metadata.generation = 1

    def prepare_for_update(self, new: StatefulSet, old: StatefulSet, now: datetime) -> None:
        keep_status(new, old)

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return dns_label(name, prefix=prefix)

    def validate(self, obj: StatefulSet) -> list[FieldError]:
        return _spec_errors(obj.spec)

    def validate_update(self, new: StatefulSet, old: StatefulSet) -> list[FieldError]:
        errors = _spec_errors(new.spec)
        changed = {name: getattr(new.spec, name) for name in _CHANGEABLE}
        if msgspec.structs.replace(old.spec, **changed) != new.spec:
            errors.append(forbidden_field(_SPEC, _FIXED))
        return errors

    def warnings(self, new: StatefulSet, old: StatefulSet | None) -> list[str]:
        found = workload_warnings(new, old, new.spec.template, _TEMPLATE, name=False)
        if (new.spec.revisionHistoryLimit or 0) < 0:
            found.append(
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; "
                "a value >= 0 is recommended"
            )
        return found


def _default_update(spec: StatefulSetSpec) -> None:
    strategy = spec.updateStrategy
    if not strategy.type:
        strategy.type = "RollingUpdate"
        strategy.rollingUpdate = strategy.rollingUpdate or RollingUpdateStatefulSetStrategy()
    rolling = strategy.rollingUpdate
    if strategy.type == "RollingUpdate" and rolling is not None:
        if rolling.partition is None:
            rolling.partition = 0
        if rolling.maxUnavailable is None:
            rolling.maxUnavailable = 1


def _spec_errors(spec: StatefulSetSpec) -> list[FieldError]:
    errors = _policy_errors(spec)
    errors += numbers(spec, ("replicas", "minReadySeconds"), _SPEC)
    if spec.ordinals:
        errors += numbers(spec.ordinals, ("start",), _SPEC / "ordinals")
    errors += selector_errors(spec.selector, _SPEC / "selector", "invalid for statefulset")
    errors += selected_errors(spec.selector, spec.template, _TEMPLATE)
    errors += template_errors(_with_claims(spec), _TEMPLATE)
    errors += endless_errors(spec.template, _TEMPLATE)
    errors += deadline_errors(spec.template, _TEMPLATE, "StatefulSet")
    if spec.serviceName:
        where = _SPEC / "serviceName"
        errors += [invalid_value(where, spec.serviceName, m) for m in dns_label(spec.serviceName)]
    return errors


def _with_claims(spec: StatefulSetSpec) -> PodTemplateSpec:
    """The template as its pods are made: the claims are volumes, in place of those so named."""
    claimed = {
        claim.metadata.name: Volume(
            name=claim.metadata.name,
            persistentVolumeClaim=PersistentVolumeClaimVolumeSource(claimName=claim.metadata.name),
        )
        for claim in spec.volumeClaimTemplates
    }
    template = spec.template
    volumes = [v for v in template.spec.volumes if v.name not in claimed] + list(claimed.values())
    pods = msgspec.structs.replace(template.spec, volumes=volumes)
    return msgspec.structs.replace(template, spec=pods)


def _policy_errors(spec: StatefulSetSpec) -> list[FieldError]:
    errors, where = [], _SPEC / "podManagementPolicy"
    if not spec.podManagementPolicy:
        errors.append(required(where))
    elif spec.podManagementPolicy not in _MANAGEMENT:
        why = "must be 'OrderedReady' or 'Parallel'"
        errors.append(invalid_value(where, spec.podManagementPolicy, why))
    errors += _strategy_errors(spec)
    policy, where = spec.persistentVolumeClaimRetentionPolicy, _SPEC
    for name in ("whenDeleted", "whenScaled") if policy else ():
        value = getattr(policy, name)
        if value not in _RETENTION:
            at = _SPEC / "persistentVolumeClaimRetentionPolicy" / name
            errors.append(not_supported(at, value, _RETENTION))
    return errors


def _strategy_errors(spec: StatefulSetSpec) -> list[FieldError]:
    strategy, path = spec.updateStrategy, _SPEC / "updateStrategy"
    rolling, where = strategy.rollingUpdate, path / "rollingUpdate"
    if not strategy.type:
        return [required(path)]
    if strategy.type == "OnDelete":
        why = "only allowed for updateStrategy 'RollingUpdate'"
        return [invalid_value(where, rolling, why)] if rolling else []
    if strategy.type != "RollingUpdate":
        why = "must be 'RollingUpdate' or 'OnDelete'"
        return [invalid_value(path, strategy, why)]
    if rolling is None:
        return []
    errors = numbers(rolling, ("partition",), where)
    missing, at = rolling.maxUnavailable, where / "maxUnavailable"
    if missing is not None:
        errors += share_errors(missing, at)
        if not share(missing):
            errors.append(invalid_value(at, missing, "cannot be 0"))
        errors += percentage_errors(missing, at)
    return errors


def _status_errors(new: StatefulSet, old: StatefulSet) -> list[FieldError]:
    status = new.status
    counts = (*_COUNTS, "observedGeneration", "collisionCount")
    errors = numbers(status, counts, Path("status"))
    errors += order_errors(status, _COUNTS[1:], "cannot be greater than status.readyReplicas")
    return errors + not_decremented(status, old.status)


STATEFUL_SETS = StatefulSetResource(
    group="apps",
    version="v1",
    kind="StatefulSet",
    plural="statefulsets",
    singular="statefulset",
    short_names=("sts",),
    categories=("all",),
    type=StatefulSet,
    namespaced=True,
    columns=(
        NAME,
        Column(
            "Ready",
            lambda s, now: f"{s.status.readyReplicas}/{s.spec.replicas or 0}",
            description="Pods that are ready, of those wanted.",
        ),
        AGE,
        *container_columns(lambda s: s.spec.template),
    ),
    subresources=(
        Subresource("status", keep_spec, _status_errors),
        replica_scale(),
    ),
)
