"""IngressClass: who serves Ingresses. Kept and checked only.

Rules: ``ValidateIngressClass`` in ``pkg/apis/networking/validation``.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import (
    IMMUTABLE,
    Path,
    dns_subdomain,
    forbidden_field,
    invalid_value,
    not_supported,
    path_segment,
    regex_text,
    required,
    too_long,
)
from strongroom.resources.columns import AGE, NAME, NONE
from strongroom.resources.object_reference import TypedLocalObjectReference
from strongroom.resources.resource import Column, Resource

API_PACKAGE = "io.k8s.api.networking.v1"
"""Where OpenAPI places the types of this module."""

_CONTROLLER_LENGTH = 250
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_CLUSTER, _NAMESPACE = "Cluster", "Namespace"


class IngressClassParametersReference(Struct):
    """Names an object that holds further settings."""

    apiGroup: Annotated[str | None, F(1, "API group of the object; unset means core.")] = None
    kind: Annotated[str, F(2, "Kind of the object.", required=True)] = always(str)
    name: Annotated[str, F(3, "Name of the object.", required=True)] = always(str)
    scope: Annotated[str | None, F(4, "Cluster or Namespace: where the object is.")] = None
    namespace: Annotated[str | None, F(5, "Namespace of the object, if it is in one.")] = None


class IngressClassSpec(Struct):
    """Who serves the Ingresses of a class, and how."""

    controller: Annotated[str, F(1, "Name of the controller; cannot be changed.")] = ""
    parameters: Annotated[
        IngressClassParametersReference | None, F(2, "An object with further settings.")
    ] = None


class IngressClass(Object):
    """A class of Ingresses, which one controller serves."""

    spec: Annotated[IngressClassSpec, F(2, "Who serves them.")] = msgspec.field(
        default_factory=IngressClassSpec
    )


class IngressClassResource(Resource[IngressClass]):
    """The behaviour of IngressClasses."""

    def default(self, obj: IngressClass) -> None:
        if obj.spec.parameters is not None and obj.spec.parameters.scope is None:
            obj.spec.parameters.scope = _CLUSTER

    def prepare_for_create(self, obj: IngressClass, now: datetime) -> None:
        obj.metadata.generation = 1

    def prepare_for_update(self, new: IngressClass, old: IngressClass, now: datetime) -> None:
        new.metadata.generation = old.metadata.generation + (new.spec != old.spec)

    def validate(self, obj: IngressClass) -> list[FieldError]:
        path, controller = Path("spec") / "controller", obj.spec.controller
        errors = []
        if len(controller.encode()) > _CONTROLLER_LENGTH:
            errors.append(too_long(path, _CONTROLLER_LENGTH))
        errors += _controller_errors(controller, path)
        parameters, at = obj.spec.parameters, Path("spec") / "parameters"
        if parameters is not None:
            errors += reference_errors(parameters, at) + _scope_errors(parameters, at)
        return errors

    def validate_update(self, new: IngressClass, old: IngressClass) -> list[FieldError]:
        errors = []
        if new.spec.controller != old.spec.controller:
            path = Path("spec") / "controller"
            errors.append(invalid_value(path, new.spec.controller, IMMUTABLE))
        return errors + self.validate(new)


def _controller_errors(controller: str, path: Path) -> list[FieldError]:
    if not controller:
        return [required(path)]
    domain, slash, rest = controller.partition("/")
    if not slash or not domain or not rest:
        detail = 'must be a domain-prefixed path (such as "acme.io/foo")'
        return [invalid_value(path, controller, detail)]
    errors = [invalid_value(path, domain, text) for text in dns_subdomain(domain)]
    if not re.fullmatch(_HTTP_PATH, rest):
        text = regex_text("Invalid path", _HTTP_PATH)
        errors.append(invalid_value(path, rest, text))
    return errors


def reference_errors(
    reference: IngressClassParametersReference | TypedLocalObjectReference, path: Path
) -> list[FieldError]:
    """What is wrong with the group, kind and name of an object that is referred to."""
    errors = []
    if (group := reference.apiGroup) is not None:
        errors += [invalid_value(path / "apiGroup", group, text) for text in dns_subdomain(group)]
    for name in ("kind", "name"):
        value = getattr(reference, name)
        if not value:
            errors.append(required(path / name))
        errors += [invalid_value(path / name, value, text) for text in path_segment(value)]
    return errors


def _scope_errors(parameters: IngressClassParametersReference, path: Path) -> list[FieldError]:
    scope, namespace = parameters.scope, parameters.namespace
    at = path / "namespace"
    if scope is None:
        return [required(path / "scope")]
    if scope == _NAMESPACE:
        if namespace is None:
            return [required(at, "`parameters.scope` is set to 'Namespace'")]
        return [invalid_value(at, namespace, text) for text in dns_subdomain(namespace)]
    if scope != _CLUSTER:
        return [not_supported(path / "scope", scope, (_CLUSTER, _NAMESPACE))]
    if namespace is not None:
        return [forbidden_field(at, "`parameters.scope` is set to 'Cluster'")]
    return []


def _parameters(obj: IngressClass, now: datetime) -> str:
    found = obj.spec.parameters
    if found is None:
        return NONE
    group = f".{found.apiGroup}" if found.apiGroup is not None else ""
    return f"{found.kind}{group}/{found.name}"


INGRESS_CLASSES = IngressClassResource(
    group="networking.k8s.io",
    version="v1",
    kind="IngressClass",
    plural="ingressclasses",
    singular="ingressclass",
    type=IngressClass,
    namespaced=False,
    columns=(
        NAME,
        Column("Controller", lambda obj, now: obj.spec.controller, description="Who serves them."),
        Column("Parameters", _parameters, description="An object with further settings."),
        AGE,
    ),
)
