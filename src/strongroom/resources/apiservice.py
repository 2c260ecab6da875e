"""APIService: who serves a version of an API group. All are served here.

Those of the groups that are served are made by the server; ones that lead elsewhere are refused,
because strongroom does not aggregate. Rules: ``k8s.io/kube-aggregator``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.times import format_time
from strongroom.api.validation import (
    Path,
    dns_1035_label,
    dns_subdomain,
    forbidden_field,
    invalid_value,
    not_supported,
    path_segment,
    required,
)
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.resource import Column, Resource, Subresource

API_PACKAGE = "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1"
"""Where OpenAPI places the types of this module."""

AVAILABLE = "Available"
_NO_AGGREGATION = (
    "strongroom serves all of its APIs itself and does not pass requests on to other servers: "
    "aggregation is not offered"
)


class ServiceReference(Struct):
    """The service that answers for an API."""

    namespace: Annotated[str, F(1, "Namespace of the service.")] = ""
    name: Annotated[str, F(2, "Name of the service.")] = ""
    port: Annotated[int | None, F(3, "Its port; 443 by default.", format="int32")] = None


class APIServiceSpec(Struct):
    """Which version of which group, and who serves it."""

    service: Annotated[ServiceReference | None, F(1, "Who serves it; unset: this server.")] = None
    group: Annotated[str, F(2, "The API group.")] = ""
    version: Annotated[str, F(3, "The version, such as v1.")] = ""
    insecureSkipTLSVerify: Annotated[
        bool, F(4, "Whether the service's certificate goes unchecked.")
    ] = False
    caBundle: Annotated[
        bytes, F(5, "Authorities of the service's certificate, as PEM.", list_type="atomic")
    ] = b""
    groupPriorityMinimum: Annotated[
        int, F(7, "Order of the group; higher ones come first.", format="int32", required=True)
    ] = always(int)
    versionPriority: Annotated[
        int, F(8, "Order of the version within the group.", format="int32", required=True)
    ] = always(int)


class APIServiceCondition(Struct):
    """One observation about an API."""

    type: Annotated[str, F(1, "What is observed, such as Available.", required=True)] = always(str)
    status: Annotated[str, F(2, "True, False or Unknown.", required=True)] = always(str)
    lastTransitionTime: Annotated[
        str, F(3, "When the status last changed.", format="date-time", by_value=True)
    ] = ""
    reason: Annotated[str, F(4, "Why, for programs.")] = ""
    message: Annotated[str, F(5, "Why, for people.")] = ""


class APIServiceStatus(Struct):
    """Whether the API is there."""

    conditions: Annotated[
        list[APIServiceCondition],
        F(
            1,
            "The latest observations.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []


class APIService(Object):
    """A version of an API group, and who serves it."""

    spec: Annotated[APIServiceSpec, F(2, "What is served by whom.")] = msgspec.field(
        default_factory=APIServiceSpec
    )
    status: Annotated[APIServiceStatus, F(3, "Whether it is there.")] = msgspec.field(
        default_factory=APIServiceStatus
    )


class APIServiceResource(Resource[APIService]):
    """The behaviour of APIServices."""

    def default(self, obj: APIService) -> None:
        if obj.spec.service is not None and obj.spec.service.port is None:
            obj.spec.service.port = 443

    def prepare_for_create(self, obj: APIService, now: datetime) -> None:
        local = APIServiceCondition(
            type=AVAILABLE,
            status="True",
            lastTransitionTime=format_time(now),
            reason="Local",
            message="Local APIServices are always available",
        )
        obj.status = APIServiceStatus(conditions=[] if obj.spec.service else [local])

    def prepare_for_update(self, new: APIService, old: APIService, now: datetime) -> None:
        new.status = old.status

    def validate(self, obj: APIService) -> list[FieldError]:
        spec, path = obj.spec, Path("spec")
        errors = _name_errors(obj)
        if not spec.group and spec.version != "v1":
            detail = "only v1 may have an empty group and it better be legacy kube"
            errors.append(required(path / "group", detail))
        if spec.group:
            errors += [
                invalid_value(path / "group", spec.group, text)
                for text in dns_subdomain(spec.group)
            ]
        errors += [
            invalid_value(path / "version", spec.version, text)
            for text in dns_1035_label(spec.version)
        ]
        for name, most in (("groupPriorityMinimum", 20000), ("versionPriority", 1000)):
            value = getattr(spec, name)
            if not 0 < value <= most:
                detail = f"must be positive and less than {most}"
                errors.append(invalid_value(path / name, value, detail))
        return errors + _local_errors(spec)

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return path_segment(name, prefix=prefix)


def _name_errors(obj: APIService) -> list[FieldError]:
    name, wanted = obj.metadata.name, f"{obj.spec.version}.{obj.spec.group}"
    if name == wanted or path_segment(name):
        return []
    detail = f'must be `spec.version+"."+spec.group`: "{wanted}"'
    return [invalid_value(Path("metadata") / "name", name, detail)]


def _local_errors(spec: APIServiceSpec) -> list[FieldError]:
    path = Path("spec")
    if spec.service is not None:
        return [forbidden_field(path / "service", _NO_AGGREGATION)]
    errors = []
    if spec.caBundle:
        detail = "local APIServices may not have a caBundle"
        errors.append(invalid_value(path / "caBundle", f"{len(spec.caBundle)} bytes", detail))
    if spec.insecureSkipTLSVerify:
        detail = "local APIServices may not have insecureSkipTLSVerify"
        errors.append(invalid_value(path / "insecureSkipTLSVerify", True, detail))
    return errors


def _merge_status(new: APIService, old: APIService) -> APIService:
    new.spec = old.spec
    meta, kept = new.metadata, old.metadata
    meta.labels, meta.annotations = kept.labels, kept.annotations
    meta.finalizers, meta.ownerReferences = kept.finalizers, kept.ownerReferences
    return new


def _validate_status(new: APIService, old: APIService) -> list[FieldError]:
    states, path = ("True", "False", "Unknown"), Path("status") / "conditions"
    return [
        not_supported(path.index(i) / "status", condition.status, states)
        for i, condition in enumerate(new.status.conditions)
        if condition.status not in states
    ]


def _available(obj: APIService, now: datetime) -> str:
    found = next((c for c in obj.status.conditions if c.type == AVAILABLE), None)
    if found is None:
        return "Unknown"
    why = f" ({found.reason})" if found.status != "True" and found.reason else ""
    return found.status + why


def _service(obj: APIService, now: datetime) -> str:
    service = obj.spec.service
    return f"{service.namespace}/{service.name}" if service else "Local"


API_SERVICES = APIServiceResource(
    group="apiregistration.k8s.io",
    version="v1",
    kind="APIService",
    plural="apiservices",
    singular="apiservice",
    categories=("api-extensions",),
    type=APIService,
    namespaced=False,
    columns=(
        NAME,
        Column("Service", _service, description="Who serves the API."),
        Column("Available", _available, description="Whether the API is there."),
        AGE,
    ),
    subresources=(Subresource("status", _merge_status, _validate_status),),
    storage_prefix="apiregistration.k8s.io/apiservices",
    unconditional_update=False,
)
