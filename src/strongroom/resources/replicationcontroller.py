"""ReplicationController: what came before ReplicaSets (stored, driven by no controller of ours)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.selectors import LabelSelector as Selection
from strongroom.api.validation import Path, invalid_value, required
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.label_selection import labels_text
from strongroom.resources.pod_template_spec import (
    PodTemplateSpec,
    default_template,
    template_errors,
)
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.workload import (
    container_columns,
    count_column,
    endless_errors,
    keep_spec,
    keep_status,
    numbers,
    order_errors,
    replica_scale,
    workload_warnings,
)

_SPEC = Path("spec")
_TEMPLATE = _SPEC / "template"
_COUNTS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas")


class ReplicationControllerSpec(Struct):
    """What a ReplicationController is to be."""

    replicas: Annotated[
        int | None, F(1, "How many pods; 1 if unset.", format="int32", default=1)
    ] = None
    minReadySeconds: Annotated[
        int,
        F(
            4,
            "Seconds that a pod must be ready to count as available.",
            format="int32",
            default=0,
        ),
    ] = 0
    selector: Annotated[
        dict[str, str], F(2, "Labels of the pods; the template's if unset.", atomic=True)
    ] = {}
    template: Annotated[PodTemplateSpec | None, F(3, "The pods to make.")] = None


class ReplicationControllerCondition(Struct):
    """One aspect of a ReplicationController's state."""

    type: Annotated[str, F(1, "The aspect, in CamelCase.", required=True)] = always(str)
    status: Annotated[str, F(2, "True, False or Unknown.", required=True)] = always(str)
    lastTransitionTime: Annotated[
        str, F(3, "When the status last changed.", format="date-time", by_value=True)
    ] = ""
    reason: Annotated[str, F(4, "Why it last changed, for programs.")] = ""
    message: Annotated[str, F(5, "The same for people.")] = ""


class ReplicationControllerStatus(Struct):
    """What was last seen of a ReplicationController's pods."""

    replicas: Annotated[int, F(1, "Pods that were counted.", format="int32", required=True)] = (
        always(int)
    )
    fullyLabeledReplicas: Annotated[
        int, F(2, "Those that bear all labels of the template.", format="int32")
    ] = 0
    readyReplicas: Annotated[int, F(4, "Those that are ready.", format="int32")] = 0
    availableReplicas: Annotated[
        int, F(5, "Those that have been ready for long enough.", format="int32")
    ] = 0
    observedGeneration: Annotated[
        int, F(3, "The generation that the controller has acted on.", format="int64")
    ] = 0
    conditions: Annotated[
        list[ReplicationControllerCondition],
        F(
            6,
            "Aspects of the present state.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []


class ReplicationController(Object):
    """So many pods of one description, found by their labels.

    Stored and validated; no controller of ours makes its pods.
    """

    spec: Annotated[ReplicationControllerSpec, F(2, "What is wanted.")] = msgspec.field(
        default_factory=ReplicationControllerSpec
    )
    status: Annotated[ReplicationControllerStatus, F(3, "What is there.")] = msgspec.field(
        default_factory=ReplicationControllerStatus
    )


class ReplicationControllerResource(Resource[ReplicationController]):
    """The behaviour of ReplicationControllers."""

    def default(self, obj: ReplicationController) -> None:
        spec = obj.spec
        if spec.replicas is None:
            spec.replicas = 1
        if spec.template is None:
            return
        default_template(spec.template)
        labels = spec.template.metadata.labels
        spec.selector = spec.selector or dict(labels)
        obj.metadata.labels = obj.metadata.labels or dict(labels)

    def prepare_for_create(self, obj: ReplicationController, now: datetime) -> None:
        obj.status = ReplicationControllerStatus()
        obj.metadata.generation = 1

    def prepare_for_update(
        self, new: ReplicationController, old: ReplicationController, now: datetime
    ) -> None:
        keep_status(new, old)

    def validate(self, obj: ReplicationController) -> list[FieldError]:
        spec = obj.spec
        errors = numbers(spec, ("minReadySeconds",), _SPEC)
        if not spec.selector:
            errors.append(required(_SPEC / "selector"))
        errors += numbers(spec, ("replicas",), _SPEC)
        return errors + _template_errors(spec)

    def warnings(self, new: ReplicationController, old: ReplicationController | None) -> list[str]:
        return workload_warnings(new, old, new.spec.template, _TEMPLATE)


def _template_errors(spec: ReplicationControllerSpec) -> list[FieldError]:
    template = spec.template
    if template is None:
        return [required(_TEMPLATE)]
    errors, labels = [], template.metadata.labels
    if not Selection.from_labels(spec.selector).matches(labels):
        why = "`selector` does not match template `labels`"
        errors.append(invalid_value(_TEMPLATE / "metadata" / "labels", labels, why))
    return errors + template_errors(template, _TEMPLATE) + endless_errors(template, _TEMPLATE)


def _status_errors(new: ReplicationController, old: ReplicationController) -> list[FieldError]:
    status = new.status
    errors = numbers(status, (*_COUNTS, "observedGeneration"), Path("status"))
    return errors + order_errors(status, _COUNTS[1:])


REPLICATION_CONTROLLERS = ReplicationControllerResource(
    group="",
    version="v1",
    kind="ReplicationController",
    plural="replicationcontrollers",
    singular="replicationcontroller",
    short_names=("rc",),
    categories=("all",),
    type=ReplicationController,
    namespaced=True,
    storage_prefix="controllers",
    dependents="orphan",
    columns=(
        NAME,
        count_column("Desired", lambda r: r.spec.replicas, "Pods that are wanted."),
        count_column("Current", lambda r: r.status.replicas, "Pods that are there."),
        count_column("Ready", lambda r: r.status.readyReplicas, "Pods that are ready."),
        AGE,
        *container_columns(lambda r: r.spec.template),
        Column(
            "Selector",
            lambda rc, now: labels_text(rc.spec.selector),
            description="Labels of the pods.",
            priority=1,
        ),
    ),
    subresources=(
        Subresource("status", keep_spec, _status_errors),
        replica_scale(lambda rc: str(Selection.from_labels(rc.spec.selector))),
    ),
    field_selectors={"status.replicas": lambda r: str(r.status.replicas)},
)
