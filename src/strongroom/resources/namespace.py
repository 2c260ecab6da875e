"""Namespace: the scope of names, and the life and death of everything inside it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import DeleteOptions, Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.times import format_time
from strongroom.api.validation import Path, dns_label, invalid_value, qualified_name
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.secret_history import unusable

ACTIVE = "Active"
TERMINATING = "Terminating"
FINALIZER = "kubernetes"
"""Held in ``spec.finalizers`` until the namespace controller has emptied the namespace."""
NAME_LABEL = "kubernetes.io/metadata.name"
"""Label that always equals the name, so that label selectors can name namespaces."""

_STANDARD_FINALIZERS = (FINALIZER, "orphan", "foregroundDeletion")


class NamespaceSpec(Struct):
    """What must be finished before a namespace may go."""

    finalizers: Annotated[
        list[str],
        F(1, "Must be empty before the namespace is removed from storage.", list_type="atomic"),
    ] = []


class NamespaceCondition(Struct):
    """One observation about a namespace, mostly about why its deletion takes long."""

    type: Annotated[str, F(1, "What is observed.", required=True)] = always(str)
    status: Annotated[str, F(2, "True, False or Unknown.", required=True)] = always(str)
    lastTransitionTime: Annotated[
        str, F(4, "When the status last changed.", format="date-time", by_value=True)
    ] = ""
    reason: Annotated[str, F(5, "Machine-readable reason of the last change.")] = ""
    message: Annotated[str, F(6, "What was observed, for people.")] = ""


class NamespaceStatus(Struct):
    """The life phase of a namespace."""

    phase: Annotated[
        str, F(1, "Active, or Terminating once deletion began.", enum=(ACTIVE, TERMINATING))
    ] = ""
    conditions: Annotated[
        list[NamespaceCondition],
        F(
            2,
            "The latest observations.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []


class Namespace(Object):
    """A scope for names; objects in different namespaces may share a name."""

    spec: Annotated[NamespaceSpec, F(2, "What holds up the deletion.")] = msgspec.field(
        default_factory=NamespaceSpec
    )
    status: Annotated[NamespaceStatus, F(3, "The current life phase.")] = msgspec.field(
        default_factory=NamespaceStatus
    )


class NamespaceResource(Resource[Namespace]):
    """The behaviour of Namespaces: they go in two steps, marked first, removed when empty."""

    def default(self, obj: Namespace) -> None:
        obj.status.phase = obj.status.phase or ACTIVE
        if obj.metadata.name:
            obj.metadata.labels[NAME_LABEL] = obj.metadata.name

    def prepare_for_create(self, obj: Namespace, now: datetime) -> None:
        self.default(obj)  # a generated name is known only now
        obj.status = NamespaceStatus(phase=ACTIVE)
        if FINALIZER not in obj.spec.finalizers:
            obj.spec.finalizers.append(FINALIZER)

    def prepare_for_update(self, new: Namespace, old: Namespace, now: datetime) -> None:
        new.spec, new.status = old.spec, old.status

    def validate(self, obj: Namespace) -> list[FieldError]:
        return _finalizer_errors(obj)

    def validate_update(self, new: Namespace, old: Namespace) -> list[FieldError]:
        return []  # only metadata can differ, and the registry has judged that

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return dns_label(name, prefix=prefix)

    def warnings(self, new: Namespace, old: Namespace | None) -> list[str]:
        text = unusable(new.metadata.annotations)
        return [text] if text else []

    def begin_deletion(self, obj: Namespace, options: DeleteOptions, now: datetime) -> bool:
        if obj.metadata.deletionTimestamp:
            return not obj.spec.finalizers
        obj.metadata.deletionTimestamp = format_time(now)
        obj.status.phase = TERMINATING
        return False

    def removed_by_update(self, new: Namespace, old: Namespace) -> bool:
        return not new.spec.finalizers and super().removed_by_update(new, old)


def _finalizer_errors(namespace: Namespace) -> list[FieldError]:
    path = Path("spec") / "finalizers"
    errors = []
    for i, finalizer in enumerate(namespace.spec.finalizers):
        messages = qualified_name(finalizer)
        if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
            messages.append("name is neither a standard finalizer name nor is it fully qualified")
        errors += [invalid_value(path.index(i), finalizer, message) for message in messages]
    return errors


def _merge_status(new: Namespace, old: Namespace) -> Namespace:
    new.spec = old.spec
    return new


def _validate_status(new: Namespace, old: Namespace) -> list[FieldError]:
    path = Path("status") / "Phase"  # upstream's own spelling of this path
    phase = new.status.phase
    if not new.metadata.deletionTimestamp and phase != ACTIVE:
        detail = "may only be 'Active' if `deletionTimestamp` is empty"
        return [invalid_value(path, phase, detail)]
    if new.metadata.deletionTimestamp and phase != TERMINATING:
        detail = "may only be 'Terminating' if `deletionTimestamp` is not empty"
        return [invalid_value(path, phase, detail)]
    return []


def _merge_finalize(new: Namespace, old: Namespace) -> Namespace:
    new.status = old.status
    return new


NAMESPACES = NamespaceResource(
    group="",
    version="v1",
    kind="Namespace",
    plural="namespaces",
    singular="namespace",
    short_names=("ns",),
    type=Namespace,
    namespaced=False,
    columns=(
        NAME,
        Column("Status", lambda ns, now: ns.status.phase, description="Life phase."),
        AGE,
    ),
    subresources=(
        Subresource("status", _merge_status, _validate_status),
        Subresource(
            "finalize",
            _merge_finalize,
            lambda new, old: _finalizer_errors(new),
            verbs=("update",),
        ),
    ),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    field_selectors={
        "name": lambda ns: ns.metadata.name,
        "status.phase": lambda ns: ns.status.phase,
    },
)
