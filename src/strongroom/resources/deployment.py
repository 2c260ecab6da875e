"""Deployment: pods of one description, replaced in steps (driven by no controller of ours)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    forbidden_field,
    immutable_field,
    invalid_value,
    not_supported,
    required,
)
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.deployment_object import (
    Deployment,
    DeploymentSpec,
    DeploymentStatus,
    DeploymentStrategy,
    RollingUpdateDeployment,
)
from strongroom.resources.pod_template_spec import default_template
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.workload import (
    container_columns,
    count_column,
    keep_spec,
    keep_status,
    not_decremented,
    numbers,
    order_errors,
    percentage_errors,
    replica_scale,
    replicated_template_errors,
    selector_column,
    selector_errors,
    share,
    share_errors,
    workload_warnings,
)

_SPEC = Path("spec")
_TEMPLATE = _SPEC / "template"
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
_TYPES = ("Recreate", "RollingUpdate")


class DeploymentResource(Resource[Deployment]):
    """The behaviour of Deployments."""

    def default(self, obj: Deployment) -> None:
        spec = obj.spec
        default_template(spec.template)
        if spec.replicas is None:
            spec.replicas = 1
        if spec.revisionHistoryLimit is None:
            spec.revisionHistoryLimit = 10
        if spec.progressDeadlineSeconds is None:
            spec.progressDeadlineSeconds = 600
        strategy = spec.strategy
        strategy.type = strategy.type or "RollingUpdate"
        if strategy.type == "RollingUpdate":
            rolling = strategy.rollingUpdate = strategy.rollingUpdate or RollingUpdateDeployment()
            if rolling.maxUnavailable is None:
                rolling.maxUnavailable = "25%"
            if rolling.maxSurge is None:
                rolling.maxSurge = "25%"

    def prepare_for_create(self, obj: Deployment, now: datetime) -> None:
        obj.status = DeploymentStatus()
        obj.metadata.generation = 1

    def prepare_for_update(self, new: Deployment, old: Deployment, now: datetime) -> None:
        keep_status(new, old, annotations=True)

    def validate(self, obj: Deployment) -> list[FieldError]:
        return _spec_errors(obj.spec)

    def validate_update(self, new: Deployment, old: Deployment) -> list[FieldError]:
        errors = _spec_errors(new.spec)
        return errors + immutable_field(new.spec.selector, old.spec.selector, _SPEC / "selector")

    def warnings(self, new: Deployment, old: Deployment | None) -> list[str]:
        return workload_warnings(new, old, new.spec.template, _TEMPLATE)


def _spec_errors(spec: DeploymentSpec) -> list[FieldError]:
    errors = numbers(spec, ("replicas",), _SPEC)
    errors += selector_errors(spec.selector, _SPEC / "selector", "invalid for deployment")
    errors += replicated_template_errors(spec.selector, spec.template, _TEMPLATE)
    errors += _strategy_errors(spec.strategy, _SPEC / "strategy")
    errors += numbers(spec, ("minReadySeconds", "revisionHistoryLimit"), _SPEC)
    deadline = spec.progressDeadlineSeconds
    if deadline is not None:
        errors += numbers(spec, ("progressDeadlineSeconds",), _SPEC)
        if deadline <= spec.minReadySeconds:
            why = "must be greater than minReadySeconds"
            errors.append(invalid_value(_SPEC / "progressDeadlineSeconds", deadline, why))
    return errors


def _strategy_errors(strategy: DeploymentStrategy, path: Path) -> list[FieldError]:
    where, rolling = path / "rollingUpdate", strategy.rollingUpdate
    if strategy.type not in _TYPES:
        return [not_supported(path, strategy, _TYPES)]
    if strategy.type == "Recreate":
        detail = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden_field(where, detail)] if rolling else []
    if rolling is None:
        return [required(where, "this should be defaulted and never be nil")]
    missing = rolling.maxUnavailable
    errors = share_errors(missing, where / "maxUnavailable")
    errors += share_errors(rolling.maxSurge, where / "maxSurge")
    if not share(missing) and not share(rolling.maxSurge):
        why = "may not be 0 when `maxSurge` is 0"
        errors.append(invalid_value(where / "maxUnavailable", missing, why))
    return errors + percentage_errors(missing, where / "maxUnavailable")


def _merge_status(new: Deployment, old: Deployment) -> Deployment:
    keep_spec(new, old)
    new.metadata.labels = old.metadata.labels
    return new


def _status_errors(new: Deployment, old: Deployment) -> list[FieldError]:
    status, path = new.status, Path("status")
    counts = ("observedGeneration", *_COUNTS, "unavailableReplicas", "collisionCount")
    errors = numbers(status, (*counts, "terminatingReplicas"), path)
    errors += order_errors(status, _COUNTS[1:])
    return errors + not_decremented(status, old.status)


def _ready(obj: Deployment, now: datetime) -> Any:
    return f"{obj.status.readyReplicas}/{obj.spec.replicas or 0}"


DEPLOYMENTS = DeploymentResource(
    group="apps",
    version="v1",
    kind="Deployment",
    plural="deployments",
    singular="deployment",
    short_names=("deploy",),
    categories=("all",),
    type=Deployment,
    namespaced=True,
    columns=(
        NAME,
        Column("Ready", _ready, description="Pods that are ready, of those wanted."),
        count_column(
            "Up-to-date", lambda d: d.status.updatedReplicas, "Pods that match the template."
        ),
        count_column("Available", lambda d: d.status.availableReplicas, "Pods that are available."),
        AGE,
        *container_columns(lambda d: d.spec.template),
        selector_column(lambda d: d.spec.selector),
    ),
    subresources=(
        Subresource("status", _merge_status, _status_errors),
        replica_scale(),
    ),
)
