"""PodDisruptionBudget: how many pods may be missing at a time (heeded by no eviction of ours)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Condition, LabelSelector, Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import Path, invalid_value, not_supported
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.pod_scheduling_validation import label_selector_errors
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.workload import (
    count_column,
    keep_spec,
    keep_status,
    numbers,
    percentage_errors,
    share_errors,
)

API_PACKAGE = "io.k8s.api.policy.v1"

_SPEC = Path("spec")
_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


class PodDisruptionBudgetSpec(Struct):
    """How many pods of which may be evicted."""

    minAvailable: Annotated[
        int | str | None,
        F(1, "Pods that must stay: a number, or a share such as 50%.", format="int-or-string"),
    ] = None
    selector: Annotated[
        LabelSelector | None, F(2, "The pods; none if unset, all if empty.", patch="replace")
    ] = None
    maxUnavailable: Annotated[
        int | str | None,
        F(3, "Pods that may be missing: a number, or a share.", format="int-or-string"),
    ] = None
    unhealthyPodEvictionPolicy: Annotated[
        str | None,
        F(4, "Whether pods that are not ready may always be evicted.", enum=_POLICIES),
    ] = None


class PodDisruptionBudgetStatus(Struct):
    """What was last seen of a budget's pods."""

    observedGeneration: Annotated[
        int, F(1, "The generation that the controller has acted on.", format="int64")
    ] = 0
    disruptedPods: Annotated[
        dict[str, str],
        F(2, "Pods whose eviction has begun, and when, by name.", format="date-time"),
    ] = {}
    disruptionsAllowed: Annotated[int, F(3, "Pods that may be evicted now.", format="int32")] = (
        always(int)
    )
    currentHealthy: Annotated[int, F(4, "Pods that are ready.", format="int32")] = always(int)
    desiredHealthy: Annotated[int, F(5, "Pods that must be ready.", format="int32")] = always(int)
    expectedPods: Annotated[int, F(6, "Pods that the budget is about.", format="int32")] = always(
        int
    )
    conditions: Annotated[
        list[Condition],
        F(
            7,
            "Aspects of the present state.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []


class PodDisruptionBudget(Object):
    """How many pods of a set may be taken away at a time on purpose.

    Stored and validated; we have no evictions that it could limit, and no controller counts pods.
    """

    spec: Annotated[PodDisruptionBudgetSpec, F(2, "What is wanted.")] = msgspec.field(
        default_factory=PodDisruptionBudgetSpec
    )
    status: Annotated[PodDisruptionBudgetStatus, F(3, "What is there.")] = msgspec.field(
        default_factory=PodDisruptionBudgetStatus
    )


class PodDisruptionBudgetResource(Resource[PodDisruptionBudget]):
    """The behaviour of PodDisruptionBudgets."""

    def prepare_for_create(self, obj: PodDisruptionBudget, now: datetime) -> None:
        obj.status = PodDisruptionBudgetStatus()
        obj.metadata.generation = 1

    def prepare_for_update(
        self, new: PodDisruptionBudget, old: PodDisruptionBudget, now: datetime
    ) -> None:
        keep_status(new, old)

    def validate(self, obj: PodDisruptionBudget) -> list[FieldError]:
        spec, errors = obj.spec, []
        if spec.minAvailable is not None and spec.maxUnavailable is not None:
            why = "minAvailable and maxUnavailable cannot be both set"
            errors.append(invalid_value(_SPEC, spec, why))
        for name in ("minAvailable", "maxUnavailable"):
            value = getattr(spec, name)
            errors += share_errors(value, _SPEC / name)
            errors += percentage_errors(value, _SPEC / name)
        errors += label_selector_errors(spec.selector, _SPEC / "selector")
        policy = spec.unhealthyPodEvictionPolicy
        if policy is not None and policy not in _POLICIES:
            where = _SPEC / "unhealthyPodEvictionPolicy"
            errors.append(not_supported(where, policy, _POLICIES))
        return errors


def _status_errors(new: PodDisruptionBudget, old: PodDisruptionBudget) -> list[FieldError]:
    return numbers(new.status, _COUNTS, Path("status"))


def _amount(value: int | str | None) -> str:
    return "N/A" if value is None else str(value)


POD_DISRUPTION_BUDGETS = PodDisruptionBudgetResource(
    group="policy",
    version="v1",
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    singular="poddisruptionbudget",
    short_names=("pdb",),
    type=PodDisruptionBudget,
    namespaced=True,
    unconditional_update=False,
    columns=(
        NAME,
        Column(
            "Min Available",
            lambda pdb, now: _amount(pdb.spec.minAvailable),
            description="Pods that must stay.",
        ),
        Column(
            "Max Unavailable",
            lambda pdb, now: _amount(pdb.spec.maxUnavailable),
            description="Pods that may be missing.",
        ),
        count_column(
            "Allowed Disruptions",
            lambda pdb: pdb.status.disruptionsAllowed,
            "Pods that may be evicted now.",
        ),
        AGE,
    ),
    subresources=(Subresource("status", keep_spec, _status_errors),),
)
