"""ReplicaSet: so many pods of one description (stored, driven by no controller of ours)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import LabelSelector, Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import Path, immutable_field
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.pod_template_spec import PodTemplateSpec, default_template
from strongroom.resources.resource import Resource, Subresource
from strongroom.resources.workload import (
    WorkloadCondition,
    container_columns,
    count_column,
    keep_spec,
    keep_status,
    numbers,
    order_errors,
    replica_scale,
    replicated_template_errors,
    selector_column,
    selector_errors,
    workload_warnings,
)

API_PACKAGE = "io.k8s.api.apps.v1"

_SPEC = Path("spec")
_TEMPLATE = _SPEC / "template"
_COUNTS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas")


class ReplicaSetSpec(Struct):
    """What a ReplicaSet is to be."""

    replicas: Annotated[int | None, F(1, "How many pods; 1 if unset.", format="int32")] = None
    minReadySeconds: Annotated[
        int, F(4, "Seconds that a pod must be ready to count as available.", format="int32")
    ] = 0
    selector: Annotated[
        LabelSelector | None,
        F(2, "The pods, by the labels of the template; cannot be changed.", required=True),
    ] = None
    template: Annotated[PodTemplateSpec, F(3, "The pods to make.")] = msgspec.field(
        default_factory=PodTemplateSpec
    )


class ReplicaSetCondition(WorkloadCondition):
    """One aspect of a ReplicaSet's state."""


class ReplicaSetStatus(Struct):
    """What was last seen of a ReplicaSet's pods."""

    replicas: Annotated[int, F(1, "Pods that are not ending.", format="int32", required=True)] = (
        always(int)
    )
    fullyLabeledReplicas: Annotated[
        int, F(2, "Those that bear all labels of the template.", format="int32")
    ] = 0
    readyReplicas: Annotated[int, F(4, "Those that are ready.", format="int32")] = 0
    availableReplicas: Annotated[
        int, F(5, "Those that have been ready for long enough.", format="int32")
    ] = 0
    terminatingReplicas: Annotated[int | None, F(7, "Pods that are ending.", format="int32")] = None
    observedGeneration: Annotated[
        int, F(3, "The generation that the controller has acted on.", format="int64")
    ] = 0
    conditions: Annotated[
        list[ReplicaSetCondition],
        F(
            6,
            "Aspects of the present state.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []


class ReplicaSet(Object):
    """So many pods of one description, whichever they are.

    Stored and validated; no controller of ours makes its pods.
    """

    spec: Annotated[ReplicaSetSpec, F(2, "What is wanted.", required=True)] = msgspec.field(
        default_factory=ReplicaSetSpec
    )
    status: Annotated[ReplicaSetStatus, F(3, "What is there.")] = msgspec.field(
        default_factory=ReplicaSetStatus
    )


class ReplicaSetResource(Resource[ReplicaSet]):
    """The behaviour of ReplicaSets."""

    def default(self, obj: ReplicaSet) -> None:
        default_template(obj.spec.template)
        if obj.spec.replicas is None:
            obj.spec.replicas = 1

    def prepare_for_create(self, obj: ReplicaSet, now: datetime) -> None:
        obj.status = ReplicaSetStatus()
        obj.metadata.generation = 1

    def prepare_for_update(self, new: ReplicaSet, old: ReplicaSet, now: datetime) -> None:
        keep_status(new, old)

    def validate(self, obj: ReplicaSet) -> list[FieldError]:
        spec = obj.spec
        errors = numbers(spec, ("replicas", "minReadySeconds"), _SPEC)
        errors += selector_errors(spec.selector, _SPEC / "selector", "invalid for deployment")
        return errors + replicated_template_errors(spec.selector, spec.template, _TEMPLATE)

    def validate_update(self, new: ReplicaSet, old: ReplicaSet) -> list[FieldError]:
        errors = self.validate(new)
        return errors + immutable_field(new.spec.selector, old.spec.selector, _SPEC / "selector")

    def warnings(self, new: ReplicaSet, old: ReplicaSet | None) -> list[str]:
        return workload_warnings(new, old, new.spec.template, _TEMPLATE)


def _status_errors(new: ReplicaSet, old: ReplicaSet) -> list[FieldError]:
    status = new.status
    counts = (*_COUNTS, "observedGeneration", "terminatingReplicas")
    errors = numbers(status, counts, Path("status"))
    return errors + order_errors(status, _COUNTS[1:])


REPLICA_SETS = ReplicaSetResource(
    group="apps",
    version="v1",
    kind="ReplicaSet",
    plural="replicasets",
    singular="replicaset",
    short_names=("rs",),
    categories=("all",),
    type=ReplicaSet,
    namespaced=True,
    columns=(
        NAME,
        count_column("Desired", lambda r: r.spec.replicas, "Pods that are wanted."),
        count_column("Current", lambda r: r.status.replicas, "Pods that are there."),
        count_column("Ready", lambda r: r.status.readyReplicas, "Pods that are ready."),
        AGE,
        *container_columns(lambda r: r.spec.template),
        selector_column(lambda r: r.spec.selector),
    ),
    subresources=(
        Subresource("status", keep_spec, _status_errors),
        replica_scale(),
    ),
    field_selectors={"status.replicas": lambda r: str(r.status.replicas)},
)
