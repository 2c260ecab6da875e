"""Custom kinds: what a version of a definition makes the API serve.

A version becomes a Resource twice. :func:`outline` reads none of its schema and tells discovery all
that it needs; :func:`custom_resource` makes the kind with its type, rules and columns.
(``pkg/registry/customresource`` of apiextensions-apiserver)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from msgspec.structs import replace

from strongroom.api.codec import to_tree
from strongroom.api.custom import CustomObject, custom_type, set_defaults, view_tree
from strongroom.api.errors import FieldError, internal_error
from strongroom.api.structural import Structural, parse, validate
from strongroom.api.validation import Path
from strongroom.api.versions import priority
from strongroom.resources.crd_object import (
    NAMESPACED,
    TERMINATING,
    CustomResourceDefinition,
    CustomResourceDefinitionVersion,
    CustomResourceSubresourceScale,
    is_true,
    storage_version,
)
from strongroom.resources.custom_columns import columns, selectable
from strongroom.resources.custom_scale import scale_part, status_errors, wanted_errors
from strongroom.resources.custom_warnings import finalizer_warnings
from strongroom.resources.resource import Resource, StoredForm, Subresource

_ENDING = ("delete", "deletecollection", "get", "list", "patch", "update", "watch")
"""What can be done while the definition goes: finalizers are taken off, nothing is made."""

_VERBS = ("create", *_ENDING)


@dataclass(frozen=True, slots=True)
class CustomResource(Resource[CustomObject]):
    """The behaviour of a custom kind in one version."""

    schema: Structural | None = None
    has_status: bool = False
    scale: CustomResourceSubresourceScale | None = None

    def default(self, obj: CustomObject) -> None:
        set_defaults(obj)

    def prepare_for_create(self, obj: CustomObject, now: datetime) -> None:
        if self.has_status:
            obj.content.pop("status", None)
        obj.metadata.generation = 1

    def prepare_for_update(self, new: CustomObject, old: CustomObject, now: datetime) -> None:
        if self.has_status:
            _carry_status(new, old)
        if new.content != old.content:
            new.metadata.generation = old.metadata.generation + 1

    def validate(self, obj: CustomObject) -> list[FieldError]:
        return self._findings(obj, None)

    def validate_update(self, new: CustomObject, old: CustomObject) -> list[FieldError]:
        return self._findings(new, old)

    def warnings(self, new: CustomObject, old: CustomObject | None) -> list[str]:
        return finalizer_warnings(new.metadata, old.metadata if old is not None else None)

    def _findings(self, obj: CustomObject, old: CustomObject | None) -> list[FieldError]:
        errors: list[FieldError] = []
        if self.schema is not None:
            before = view_tree(old) if old is not None else None
            errors += validate(view_tree(obj), self.schema, before)
        return errors + wanted_errors(obj, self.scale) + status_errors(obj, self.scale)


def _status_findings(
    schema: Structural | None,
    scale: CustomResourceSubresourceScale | None,
    new: CustomObject,
    old: CustomObject,
) -> list[FieldError]:
    """Findings on a change of the status; the rest is as it was, which may be wrong."""
    errors: list[FieldError] = []
    if schema is not None:
        errors += validate(view_tree(new), schema, view_tree(old))
    return errors + status_errors(new, scale)


def _carry_status(new: CustomObject, old: CustomObject) -> None:
    if "status" in old.content:
        new.content["status"] = old.content["status"]
    else:
        new.content.pop("status", None)


def _merge_status(new: CustomObject, old: CustomObject) -> CustomObject:
    status = {"status": new.content["status"]} if "status" in new.content else {}
    new.content = {name: value for name, value in old.content.items() if name != "status"} | status
    new.metadata = replace(old.metadata)
    return new


def outline(
    crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion
) -> Resource[Any]:
    """The kind as discovery tells of it: its names and subresources."""
    return Resource(**_names(crd, version), type=CustomObject, subresources=_outlined(version))


def custom_resource(
    crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion
) -> CustomResource:
    """The whole kind. The definition must be valid."""
    spec = crd.spec
    schema = _schema(spec.names.kind, version)
    struct = custom_type(spec.group, version.name, spec.names.kind, schema)
    parts = version.subresources
    has_status = parts is not None and parts.status is not None
    scale = parts.scale if parts is not None else None
    judge = partial(_status_findings, schema, scale)
    served = [Subresource("status", _merge_status, judge)] if has_status else []
    served += [scale_part(scale)] if scale is not None else []
    return CustomResource(
        **_names(crd, version),
        type=struct,
        columns=columns(version.additionalPrinterColumns),
        subresources=tuple(served),
        field_selectors=selectable(version.selectableFields),
        stored=_stored(crd, struct),
        schema=schema,
        has_status=has_status,
        scale=scale,
    )


def _schema(kind: str, version: CustomResourceDefinitionVersion) -> Structural | None:
    """The schema. Raises StatusError 500 for one that another server has taken and we would not."""
    schema = version.schema.openAPIV3Schema if version.schema is not None else None
    if schema is None:
        return None
    structural, found = parse(to_tree(schema), Path("spec"))
    if structural is None:
        # Without it, anything at all would be taken as an object of the kind.
        where = f"{kind} {version.name}: {found[0]}" if found else f"{kind} {version.name}"
        raise internal_error(f"the schema of {where}")
    return structural


def _stored(crd: CustomResourceDefinition, struct: type[CustomObject]) -> StoredForm[CustomObject]:
    """Objects are stored under the storage version's name, in whichever version they came.

    Versions differ in nothing else: what another version's schema does not have is taken out when
    the object is read by it.
    """

    def from_stored(obj: CustomObject) -> CustomObject:
        set_defaults(obj)
        return obj

    version = f"{crd.spec.group}/{storage_version(crd.spec)}"
    return StoredForm(version, crd.spec.names.kind, struct, _same, from_stored)


def _same(obj: CustomObject) -> CustomObject:
    return obj


def _names(
    crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion
) -> dict[str, Any]:
    spec, names = crd.spec, crd.status.acceptedNames
    return {
        "group": spec.group,
        "version": version.name,
        "kind": names.kind,
        "plural": names.plural,
        "namespaced": spec.scope == NAMESPACED,
        "singular": names.singular,
        "list_kind": names.listKind,
        "short_names": tuple(names.shortNames),
        "categories": tuple(names.categories),
        "storage_prefix": f"{spec.group}/{names.plural}",
        "any_finalizer": True,
        "unconditional_update": False,
        "deprecation": _deprecation(crd, version),
        "verbs": _ENDING if is_true(crd, TERMINATING) else _VERBS,
    }


def _outlined(version: CustomResourceDefinitionVersion) -> tuple[Subresource[Any], ...]:
    parts = version.subresources
    if parts is None:
        return ()
    status = [Subresource("status", _merge_status)] if parts.status is not None else []
    scale = [scale_part(parts.scale)] if parts.scale is not None else []
    return (*status, *scale)


def _deprecation(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion) -> str:
    if not version.deprecated:
        return ""
    if version.deprecationWarning is not None:
        return version.deprecationWarning
    spec = crd.spec
    text = f"{spec.group}/{version.name} {spec.names.kind} is deprecated"
    others = [v.name for v in spec.versions if v.served and not v.deprecated]
    best = min(others, key=priority, default="")
    if not best or priority(best) > priority(version.name):
        return text
    return f"{text}; use {spec.group}/{best} {spec.names.kind}"
