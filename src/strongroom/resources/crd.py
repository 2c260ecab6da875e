"""CustomResourceDefinition: a kind that the API serves in addition to its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.meta import DeleteOptions
from strongroom.api.times import format_time
from strongroom.api.validation import Path, dns_subdomain, invalid_value
from strongroom.resources.columns import NAME
from strongroom.resources.crd_names import validate_names
from strongroom.resources.crd_object import (
    CLEANUP,
    NONE,
    TERMINATING,
    CustomResourceConversion,
    CustomResourceDefinition,
    CustomResourceDefinitionCondition,
    set_condition,
    storage_version,
)
from strongroom.resources.crd_validation import validate_crd, validate_crd_update
from strongroom.resources.crd_warnings import schema_warnings
from strongroom.resources.resource import Column, Resource, Subresource


class CustomResourceDefinitionResource(Resource[CustomResourceDefinition]):
    """The behaviour of definitions. The server sees to their status and to their objects' end."""

    def default(self, obj: CustomResourceDefinition) -> None:
        names = obj.spec.names
        names.singular = names.singular or names.kind.lower()
        if names.kind and not names.listKind:
            names.listKind = f"{names.kind}List"
        if obj.spec.conversion is None:
            obj.spec.conversion = CustomResourceConversion(strategy=NONE)
        conversion = obj.spec.conversion.webhook
        service = conversion and conversion.clientConfig and conversion.clientConfig.service
        if service and service.port is None:
            service.port = 443
        _note_storage_version(obj, only_first=True)

    def prepare_for_create(self, obj: CustomResourceDefinition, now: datetime) -> None:
        obj.status = type(obj.status)()
        obj.metadata.generation = 1
        _note_storage_version(obj)

    def prepare_for_update(
        self, new: CustomResourceDefinition, old: CustomResourceDefinition, now: datetime
    ) -> None:
        new.status = old.status
        if new.spec != old.spec:
            new.metadata.generation = old.metadata.generation + 1
        _note_storage_version(new)

    def validate(self, obj: CustomResourceDefinition) -> list[FieldError]:
        errors = validate_crd(obj)
        name = obj.metadata.name
        if name and name != f"{obj.spec.names.plural}.{obj.spec.group}":
            where = Path("metadata") / "name"
            detail = 'must be spec.names.plural+"."+spec.group'
            errors.insert(0, invalid_value(where, name, detail))
        return errors

    def validate_update(
        self, new: CustomResourceDefinition, old: CustomResourceDefinition
    ) -> list[FieldError]:
        return validate_crd_update(new, old)

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return dns_subdomain(name, prefix=prefix)

    def warnings(
        self, new: CustomResourceDefinition, old: CustomResourceDefinition | None
    ) -> list[str]:
        known = schema_warnings(old) if old is not None else []
        return [text for text in schema_warnings(new) if text not in known]

    def begin_deletion(
        self, obj: CustomResourceDefinition, options: DeleteOptions, now: datetime
    ) -> bool:
        if not obj.metadata.deletionTimestamp:
            if CLEANUP not in obj.metadata.finalizers:
                obj.metadata.finalizers.append(CLEANUP)
            text = (
                "CustomResourceDefinition marked for deletion; "
                "CustomResource deletion will begin soon"
            )
            pending = CustomResourceDefinitionCondition(
                type=TERMINATING, status="True", reason="InstanceDeletionPending", message=text
            )
            set_condition(obj, pending, format_time(now))
        return True


def _note_storage_version(crd: CustomResourceDefinition, *, only_first: bool = False) -> None:
    stored, version = crd.status.storedVersions, storage_version(crd.spec)
    if version and version not in stored and not (only_first and stored):
        stored.append(version)


def _merge_status(
    new: CustomResourceDefinition, old: CustomResourceDefinition
) -> CustomResourceDefinition:
    new.spec = old.spec
    return new


def _validate_status(
    new: CustomResourceDefinition, old: CustomResourceDefinition
) -> list[FieldError]:
    return validate_names(new.status.acceptedNames, Path("status") / "acceptedNames")


def _created(crd: CustomResourceDefinition, now: datetime) -> Any:
    return crd.metadata.creationTimestamp


CUSTOM_RESOURCE_DEFINITIONS = CustomResourceDefinitionResource(
    group="apiextensions.k8s.io",
    version="v1",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    singular="customresourcedefinition",
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    type=CustomResourceDefinition,
    namespaced=False,
    columns=(
        NAME,
        Column("Created At", _created, type="date", description="When it was created."),
    ),
    subresources=(Subresource("status", _merge_status, _validate_status),),
    storage_prefix="apiextensions.k8s.io/customresourcedefinitions",
    any_finalizer=True,
    unconditional_update=False,
)
