"""The rules of ObjectMeta (``k8s.io/apimachinery/pkg/api/validation/objectmeta.go``).

Import these names from :mod:`strongroom.api.validation`. Maps are judged in the order of their
keys, so that the same object always gives the same message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.findings import (
    IMMUTABLE,
    Path,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from strongroom.api.gotext import strings
from strongroom.api.meta import ManagedFieldsEntry, ObjectMeta, OwnerReference
from strongroom.api.names import NameCheck, dns_label, label_value, qualified_name

ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes of all annotation keys and values together."""

_METADATA = Path("metadata")
_STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})


def validate_object_meta(
    meta: ObjectMeta,
    namespaced: bool,
    name_check: NameCheck,
    path: Path = _METADATA,
    *,
    any_finalizer: bool = False,
) -> list[FieldError]:
    """All findings on the metadata of a new object, whose name has been generated already.

    ``any_finalizer`` allows finalizers that are neither Kubernetes' own nor qualified by a domain.
    """
    found = []
    if meta.generateName:
        wrong = name_check(meta.generateName, prefix=True)
        found += [invalid_value(path / "generateName", meta.generateName, t) for t in wrong]
    if not meta.name:
        found.append(required(path / "name", "name or generateName is required"))
    else:
        found += [invalid_value(path / "name", meta.name, t) for t in name_check(meta.name)]
    found += _validate_namespace(meta.namespace, namespaced, path / "namespace")
    found += non_negative(meta.generation, path / "generation")
    return found + _validate_common(meta, path, finalizers=True, any_finalizer=any_finalizer)


def validate_object_meta_update(
    new: ObjectMeta, old: ObjectMeta, path: Path = _METADATA, *, any_finalizer: bool = False
) -> list[FieldError]:
    """All findings on a change of metadata. ``new.resourceVersion`` must be filled in before."""
    found = []
    if old.deletionTimestamp:
        found += _no_new_finalizers(new.finalizers, old.finalizers, path / "finalizers")
    if not new.resourceVersion:
        found.append(invalid_value(path / "resourceVersion", "", "must be specified for an update"))
    found += non_negative(new.generation, path / "generation")
    if new.generation < old.generation:
        found.append(invalid_value(path / "generation", new.generation, "must not be decremented"))
    for name in ("name", "namespace", "uid"):
        found += immutable_field(getattr(new, name), getattr(old, name), path / name)
    for name in ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
        # An unset time or grace period prints as null, as a Go pointer does.
        found += immutable_field(
            getattr(new, name) if getattr(new, name) != "" else None,
            getattr(old, name) if getattr(old, name) != "" else None,
            path / name,
        )
    return found + _validate_common(new, path, finalizers=False, any_finalizer=any_finalizer)


def immutable_field(new: Any, old: Any, path: Path) -> list[FieldError]:
    """A finding when the value changed. The new value is printed."""
    return [] if new == old else [invalid_value(path, new, IMMUTABLE)]


def non_negative(value: int, path: Path) -> list[FieldError]:
    """A finding when the number is below zero."""
    if value >= 0:
        return []
    return [invalid_value(path, value, "must be greater than or equal to 0")]


def validate_labels(labels: Mapping[str, str], path: Path) -> list[FieldError]:
    """All findings on keys and values of labels."""
    found = []
    for key, value in sorted(labels.items()) if len(labels) > 1 else labels.items():
        found += [invalid_value(path, key, text) for text in qualified_name(key)]
        found += [invalid_value(path, value, text) for text in label_value(value)]
    return found


def validate_annotations(annotations: Mapping[str, str], path: Path) -> list[FieldError]:
    """All findings on keys and on the total size; values are free and never printed."""
    found = []
    for key in sorted(annotations):
        # Capital letters are allowed in the prefix, for annotations only.
        found += [invalid_value(path, key, text) for text in qualified_name(key.lower())]
    size = sum(len(k.encode()) + len(v.encode()) for k, v in annotations.items())
    if size > ANNOTATIONS_LIMIT:
        found.append(too_long(path, ANNOTATIONS_LIMIT))
    return found


def _validate_namespace(namespace: str, namespaced: bool, path: Path) -> list[FieldError]:
    if not namespaced:
        return [forbidden_field(path, "not allowed on this type")] if namespace else []
    if not namespace:
        return [required(path)]
    return [invalid_value(path, namespace, text) for text in dns_label(namespace)]


def _validate_common(
    meta: ObjectMeta, path: Path, *, finalizers: bool, any_finalizer: bool
) -> list[FieldError]:
    found = []
    # Every write comes here and most have little metadata: nothing is made for what is not there.
    if meta.labels:
        found += validate_labels(meta.labels, path / "labels")
    if meta.annotations:
        found += validate_annotations(meta.annotations, path / "annotations")
    if meta.ownerReferences:
        found += _validate_owners(meta.ownerReferences, path / "ownerReferences")
    if meta.finalizers:
        at = path / "finalizers"
        if finalizers:
            found += _validate_finalizers(meta.finalizers, at)
        if not any_finalizer:
            found += _validate_unqualified(meta.finalizers, at)
    if meta.managedFields:
        found += _validate_managed_fields(meta.managedFields, path / "managedFields")
    return found


def _validate_owners(owners: Sequence[OwnerReference], path: Path) -> list[FieldError]:
    found = []
    controller = ""
    for i, owner in enumerate(owners):
        found += _validate_owner(owner, path.index(i))
        if owner.controller:
            this = f"{owner.kind}/{owner.name}"
            if controller:
                detail = (
                    "Only one reference can have Controller set to true. "
                    f'Found "true" in references for {controller} and {this}'
                )
                found.append(invalid_value(path, list(owners), detail))
            else:
                controller = this
    return found


def _validate_owner(owner: OwnerReference, path: Path) -> list[FieldError]:
    found = []
    group, _, version = owner.apiVersion.rpartition("/")
    if not owner.apiVersion:
        found.append(required(path / "apiVersion", "must not be empty"))
    elif "/" in group or not version:
        found.append(
            invalid_value(
                path / "apiVersion", owner.apiVersion, "must be <group>/<version> or <version>"
            )
        )
    empty = [name for name in ("kind", "name", "uid") if not getattr(owner, name)]
    found += [required(path / name, "must not be empty") for name in empty]
    if (owner.apiVersion, owner.kind) == ("v1", "Event"):
        detail = "/v1, Kind=Event is disallowed from being an owner"
        found.append(invalid_value(path, owner, detail))
    return found


def _validate_finalizers(finalizers: Sequence[str], path: Path) -> list[FieldError]:
    found = []
    for finalizer in finalizers:
        found += [invalid_value(path, finalizer, text) for text in qualified_name(finalizer)]
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        detail = "finalizer orphan and foregroundDeletion cannot be both set"
        found.append(invalid_value(path, list(finalizers), detail))
    return found


def _validate_unqualified(finalizers: Sequence[str], path: Path) -> list[FieldError]:
    """A name without a domain belongs to Kubernetes, which has only a few (core/validation)."""
    detail = "name is neither a standard finalizer name nor is it fully qualified"
    return [
        invalid_value(path.index(i), name, detail)
        for i, name in enumerate(finalizers)
        if "/" not in name and name not in _STANDARD_FINALIZERS
    ]


def _no_new_finalizers(new: Sequence[str], old: Sequence[str], path: Path) -> list[FieldError]:
    extra = sorted(set(new) - set(old))
    if not extra:
        return []
    detail = (
        "no new finalizers can be added if the object is being deleted, "
        f"found new finalizers {strings(extra)}"
    )
    return [forbidden_field(path, detail)]


def _validate_managed_fields(entries: Sequence[ManagedFieldsEntry], path: Path) -> list[FieldError]:
    found = []
    for i, entry in enumerate(entries):
        at = path.index(i)
        if not entry.operation:
            found.append(required(at / "operation", "must not be empty"))
        elif entry.operation not in ("Apply", "Update"):
            found.append(not_supported(at / "operation", entry.operation, ("Apply", "Update")))
        if entry.fieldsType not in ("", "FieldsV1"):
            found.append(invalid_value(at / "fieldsType", entry.fieldsType, "must be `FieldsV1`"))
        found += validate_field_manager(entry.manager, at / "manager")
        if len(entry.subresource.encode()) > 256:
            found.append(too_long(at / "subresource", 256))
    return found


def validate_field_manager(manager: str, path: Path) -> list[FieldError]:
    """All findings on the name of a field manager: at most 128 bytes, printable."""
    found = []
    if len(manager.encode()) > 128:
        found.append(too_long(path, 128))
    if manager.isprintable():
        return found
    offset = 0
    for character in manager:
        if not character.isprintable():
            detail = f"invalid character U+{ord(character):04X} (at position {offset})"
            found.append(invalid_value(path, manager, detail))
        offset += len(character.encode())
    return found
