"""DaemonSet: a pod on every node (stored, driven by no controller of ours)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import LabelSelector, Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import (
    Path,
    immutable_field,
    invalid_value,
    not_supported,
    required,
)
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.label_selection import is_empty, labels_text
from strongroom.resources.pod_scheduling_validation import label_selector_errors
from strongroom.resources.pod_template_spec import (
    PodTemplateSpec,
    default_template,
    selected_errors,
    template_errors,
)
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.workload import (
    WorkloadCondition,
    container_columns,
    count_column,
    deadline_errors,
    endless_errors,
    keep_spec,
    keep_status,
    not_decremented,
    numbers,
    percentage_errors,
    selector_column,
    share,
    share_errors,
    workload_warnings,
)

API_PACKAGE = "io.k8s.api.apps.v1"

_SPEC = Path("spec")
_TEMPLATE = _SPEC / "template"
_TYPES = ("OnDelete", "RollingUpdate")
_COUNTS = (
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
)


class RollingUpdateDaemonSet(Struct):
    """How many nodes may be without a pod, or have one too many, while pods are replaced."""

    maxUnavailable: Annotated[
        int | str | None,
        F(1, "Nodes that may be without: a number, or a share.", format="int-or-string"),
    ] = None
    maxSurge: Annotated[
        int | str | None,
        F(2, "Nodes that may have two: a number, or a share.", format="int-or-string"),
    ] = None


class DaemonSetUpdateStrategy(Struct):
    """How old pods are replaced by new ones."""

    type: Annotated[
        str,
        F(1, "RollingUpdate replaces little by little, OnDelete what is deleted.", enum=_TYPES),
    ] = ""
    rollingUpdate: Annotated[
        RollingUpdateDaemonSet | None, F(2, "How to roll; for RollingUpdate only.")
    ] = None


class DaemonSetSpec(Struct):
    """What a DaemonSet is to be."""

    selector: Annotated[
        LabelSelector | None,
        F(1, "The pods, by the labels of the template; cannot be changed.", required=True),
    ] = None
    template: Annotated[PodTemplateSpec, F(2, "The pods to make.", required=True)] = msgspec.field(
        default_factory=PodTemplateSpec
    )
    updateStrategy: Annotated[DaemonSetUpdateStrategy, F(3, "How old pods are replaced.")] = (
        msgspec.field(default_factory=DaemonSetUpdateStrategy)
    )
    minReadySeconds: Annotated[
        int, F(4, "Seconds that a pod must be ready to count as available.", format="int32")
    ] = 0
    revisionHistoryLimit: Annotated[
        int | None, F(6, "How many old revisions are kept; 10 if unset.", format="int32")
    ] = None


class DaemonSetCondition(WorkloadCondition):
    """One aspect of a DaemonSet's state."""


class DaemonSetStatus(Struct):
    """What was last seen of a DaemonSet's pods."""

    currentNumberScheduled: Annotated[
        int, F(1, "Nodes that have a pod and should.", format="int32", required=True)
    ] = always(int)
    numberMisscheduled: Annotated[
        int, F(2, "Nodes that have a pod and should not.", format="int32", required=True)
    ] = always(int)
    desiredNumberScheduled: Annotated[
        int, F(3, "Nodes that should have a pod.", format="int32", required=True)
    ] = always(int)
    numberReady: Annotated[
        int, F(4, "Nodes whose pod is ready.", format="int32", required=True)
    ] = always(int)
    observedGeneration: Annotated[
        int, F(5, "The generation that the controller has acted on.", format="int64")
    ] = 0
    updatedNumberScheduled: Annotated[
        int, F(6, "Nodes whose pod matches the template.", format="int32")
    ] = 0
    numberAvailable: Annotated[
        int, F(7, "Nodes whose pod has been ready for long enough.", format="int32")
    ] = 0
    numberUnavailable: Annotated[
        int, F(8, "Nodes that should have an available pod and do not.", format="int32")
    ] = 0
    collisionCount: Annotated[
        int | None, F(9, "How often a revision's name was taken.", format="int32")
    ] = None
    conditions: Annotated[
        list[DaemonSetCondition],
        F(
            10,
            "Aspects of the present state.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []


class DaemonSet(Object):
    """A pod of one description on every node that fits it.

    Stored and validated; no controller of ours makes its pods.
    """

    spec: Annotated[DaemonSetSpec, F(2, "What is wanted.", required=True)] = msgspec.field(
        default_factory=DaemonSetSpec
    )
    status: Annotated[DaemonSetStatus, F(3, "What is there.")] = msgspec.field(
        default_factory=DaemonSetStatus
    )


class DaemonSetResource(Resource[DaemonSet]):
    """The behaviour of DaemonSets."""

    def default(self, obj: DaemonSet) -> None:
        spec, strategy = obj.spec, obj.spec.updateStrategy
        default_template(spec.template)
        strategy.type = strategy.type or "RollingUpdate"
        if strategy.type == "RollingUpdate":
            rolling = strategy.rollingUpdate = strategy.rollingUpdate or RollingUpdateDaemonSet()
            if rolling.maxUnavailable is None:
                rolling.maxUnavailable = 1
            if rolling.maxSurge is None:
                rolling.maxSurge = 0
        if spec.revisionHistoryLimit is None:
            spec.revisionHistoryLimit = 10

    def prepare_for_create(self, obj: DaemonSet, now: datetime) -> None:
        obj.status = DaemonSetStatus()
        obj.metadata.generation = 1

    def prepare_for_update(self, new: DaemonSet, old: DaemonSet, now: datetime) -> None:
        keep_status(new, old)

    def validate(self, obj: DaemonSet) -> list[FieldError]:
        return _spec_errors(obj.spec)

    def validate_update(self, new: DaemonSet, old: DaemonSet) -> list[FieldError]:
        errors = _spec_errors(new.spec)
        return errors + immutable_field(new.spec.selector, old.spec.selector, _SPEC / "selector")

    def warnings(self, new: DaemonSet, old: DaemonSet | None) -> list[str]:
        return workload_warnings(new, old, new.spec.template, _TEMPLATE, name=False)


def _spec_errors(spec: DaemonSetSpec) -> list[FieldError]:
    selector, template = spec.selector, spec.template
    errors = label_selector_errors(selector, _SPEC / "selector")
    errors += selected_errors(selector, template, _TEMPLATE)
    if selector is not None and is_empty(selector):
        why = "empty selector is invalid for daemonset"
        errors.append(invalid_value(_SPEC / "selector", selector, why))
    errors += template_errors(template, _TEMPLATE)
    errors += endless_errors(template, _TEMPLATE)
    errors += deadline_errors(template, _TEMPLATE, "DaemonSet")
    errors += numbers(spec, ("minReadySeconds",), _SPEC)
    errors += _strategy_errors(spec.updateStrategy, _SPEC / "updateStrategy")
    return errors + numbers(spec, ("revisionHistoryLimit",), _SPEC)


def _strategy_errors(strategy: DaemonSetUpdateStrategy, path: Path) -> list[FieldError]:
    if strategy.type == "OnDelete":
        return []
    if strategy.type not in _TYPES:
        return [not_supported(path, strategy, ("RollingUpdate", "OnDelete"))]
    rolling, where = strategy.rollingUpdate, path / "rollingUpdate"
    if rolling is None:
        return [required(where)]
    missing, surge = rolling.maxUnavailable, rolling.maxSurge
    errors = share_errors(missing, where / "maxUnavailable")
    errors += share_errors(surge, where / "maxSurge")
    errors += percentage_errors(missing, where / "maxUnavailable")
    errors += percentage_errors(surge, where / "maxSurge")
    if share(missing) and share(surge):
        why = "may not be set when maxUnavailable is non-zero"
        errors.append(invalid_value(where / "maxSurge", surge, why))
    if not share(missing) and not share(surge):
        errors.append(required(where / "maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return errors


def _status_errors(new: DaemonSet, old: DaemonSet) -> list[FieldError]:
    errors = numbers(new.status, _COUNTS, Path("status"))
    return errors + not_decremented(new.status, old.status)


DAEMON_SETS = DaemonSetResource(
    group="apps",
    version="v1",
    kind="DaemonSet",
    plural="daemonsets",
    singular="daemonset",
    short_names=("ds",),
    categories=("all",),
    type=DaemonSet,
    namespaced=True,
    columns=(
        NAME,
        count_column(
            "Desired", lambda d: d.status.desiredNumberScheduled, "Nodes that should have a pod."
        ),
        count_column(
            "Current", lambda d: d.status.currentNumberScheduled, "Nodes that have a pod."
        ),
        count_column("Ready", lambda d: d.status.numberReady, "Nodes whose pod is ready."),
        count_column(
            "Up-to-date",
            lambda d: d.status.updatedNumberScheduled,
            "Nodes whose pod matches the template.",
        ),
        count_column(
            "Available", lambda d: d.status.numberAvailable, "Nodes whose pod is available."
        ),
        Column(
            "Node Selector",
            lambda d, now: labels_text(d.spec.template.spec.nodeSelector),
            description="Labels that nodes must have.",
        ),
        AGE,
        *container_columns(lambda d: d.spec.template),
        selector_column(lambda d: d.spec.selector),
    ),
    subresources=(Subresource("status", keep_spec, _status_errors),),
)
