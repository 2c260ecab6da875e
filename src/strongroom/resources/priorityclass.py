"""PriorityClass: a name for a priority of pods.

Rules: ``pkg/apis/scheduling``. Admission gives pods the priority of their class.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object, ObjectMeta
from strongroom.api.schema import F, always
from strongroom.api.validation import IMMUTABLE, Path, forbidden_field, invalid_value, not_supported
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.resource import Column, Resource

API_PACKAGE = "io.k8s.api.scheduling.v1"
"""Where OpenAPI places the types of this module."""

HIGHEST_OF_USERS = 1_000_000_000
SYSTEM_PREFIX = "system-"
PREEMPT_LOWER = "PreemptLowerPriority"
_POLICIES = ("Never", PREEMPT_LOWER)


class PriorityClass(Object):
    """Gives pods that name it a priority."""

    value: Annotated[int, F(2, "The priority; the higher, the more important.", format="int32")] = (
        always(int)
    )
    globalDefault: Annotated[
        bool, F(3, "Whether pods that name no class get this one; true of one class at most.")
    ] = False
    description: Annotated[str, F(4, "When the class is to be used.")] = ""
    preemptionPolicy: Annotated[
        str | None,
        F(
            5,
            "Whether pods of lower priority may be ended to make room; they may by default.",
            enum=_POLICIES,
        ),
    ] = None


SYSTEM_CLASSES = (
    PriorityClass(
        metadata=ObjectMeta(name="system-cluster-critical"),
        value=2 * HIGHEST_OF_USERS,
        description=(
            "Used for system critical pods that must run in the cluster, but can be moved to "
            "another node if necessary."
        ),
    ),
    PriorityClass(
        metadata=ObjectMeta(name="system-node-critical"),
        value=2 * HIGHEST_OF_USERS + 1000,
        description=(
            "Used for system critical pods that must not be moved from their current node."
        ),
    ),
)
"""The classes that every cluster has; no other may bear a name that starts as theirs do."""


class PriorityClassResource(Resource[PriorityClass]):
    """The behaviour of PriorityClasses."""

    def default(self, obj: PriorityClass) -> None:
        if obj.preemptionPolicy is None:
            obj.preemptionPolicy = PREEMPT_LOWER

    def prepare_for_create(self, obj: PriorityClass, now: datetime) -> None:
        obj.metadata.generation = 1

    def validate(self, obj: PriorityClass) -> list[FieldError]:
        errors = []
        if obj.metadata.name.startswith(SYSTEM_PREFIX):
            errors += _system_errors(obj)
        elif obj.value > HIGHEST_OF_USERS:
            detail = f"maximum allowed value of a user defined priority is {HIGHEST_OF_USERS}"
            errors.append(forbidden_field(Path("value"), detail))
        policy = obj.preemptionPolicy
        if policy is not None and policy not in _POLICIES:
            errors.append(not_supported(Path("preemptionPolicy"), policy, _POLICIES[::-1]))
        return errors

    def validate_update(self, new: PriorityClass, old: PriorityClass) -> list[FieldError]:
        errors = []
        if new.value != old.value:
            errors.append(forbidden_field(Path("value"), "may not be changed in an update."))
        if new.preemptionPolicy != old.preemptionPolicy:
            path = Path("preemptionPolicy")
            errors.append(invalid_value(path, new.preemptionPolicy, IMMUTABLE))
        return errors


def _system_errors(obj: PriorityClass) -> list[FieldError]:
    name = obj.metadata.name
    known = next((c for c in SYSTEM_CLASSES if c.metadata.name == name), None)
    if known is None:
        problem = f"{name} is not a known system priority class"
    elif obj.value != known.value:
        problem = f"value of {name} PriorityClass must be {known.value}"
    elif obj.globalDefault:
        problem = f"globalDefault of {name} PriorityClass must be false"
    else:
        return []
    detail = "priority class names with 'system-' prefix are reserved for system use only. error: "
    return [forbidden_field(Path("metadata") / "name", detail + problem)]


PRIORITY_CLASSES = PriorityClassResource(
    group="scheduling.k8s.io",
    version="v1",
    kind="PriorityClass",
    plural="priorityclasses",
    singular="priorityclass",
    short_names=("pc",),
    type=PriorityClass,
    namespaced=False,
    columns=(
        NAME,
        Column("Value", lambda obj, now: obj.value, type="integer", description="The priority."),
        Column(
            "Global-Default",
            lambda obj, now: obj.globalDefault,
            type="boolean",
            description="Whether pods without a class get this one.",
        ),
        AGE,
        Column(
            "PreemptionPolicy",
            lambda obj, now: obj.preemptionPolicy or "",
            description="Whether pods of lower priority may be ended.",
        ),
    ),
)
