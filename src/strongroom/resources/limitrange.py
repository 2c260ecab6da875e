"""LimitRange: bounds and defaults for the single objects of a namespace.

Kept and checked here; admission fills in its defaults and refuses what is out of bounds.
Rules: ``ValidateLimitRange`` in ``pkg/apis/core/validation``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import (
    Path,
    duplicate,
    forbidden_field,
    invalid_value,
    qualified_name,
    required,
)
from strongroom.resources.columns import NAME
from strongroom.resources.quantity import canonicalize_quantities, is_quantity, parse_quantity
from strongroom.resources.resource import Column, Resource
from strongroom.resources.resource_amounts import (
    QUANTITY_FORM,
    container_resource_name,
    may_overcommit,
    resource_name,
)

POD = "Pod"
CONTAINER = "Container"
CLAIM = "PersistentVolumeClaim"

_FIELDS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")


class LimitRangeItem(Struct):
    """Bounds and defaults for objects of one type."""

    type: Annotated[
        str, F(1, "To what the bounds apply: Pod, Container, PersistentVolumeClaim.", required=True)
    ] = always(str)
    max: Annotated[dict[str, str], F(2, "The most of each resource.", format="quantity")] = {}
    min: Annotated[dict[str, str], F(3, "The least of each resource.", format="quantity")] = {}
    default: Annotated[
        dict[str, str], F(4, "Limit of a container that has none.", format="quantity")
    ] = {}
    defaultRequest: Annotated[
        dict[str, str], F(5, "Request of a container that has none.", format="quantity")
    ] = {}
    maxLimitRequestRatio: Annotated[
        dict[str, str],
        F(6, "How many times its request a limit may be at most.", format="quantity"),
    ] = {}


class LimitRangeSpec(Struct):
    """The bounds."""

    limits: Annotated[
        list[LimitRangeItem], F(1, "Bounds by type.", list_type="atomic", required=True)
    ] = always(list)


class LimitRange(Object):
    """Bounds what single pods, containers and claims of a namespace may ask for."""

    spec: Annotated[LimitRangeSpec, F(2, "The bounds.")] = msgspec.field(
        default_factory=LimitRangeSpec
    )


class LimitRangeResource(Resource[LimitRange]):
    """The behaviour of LimitRanges."""

    def default(self, obj: LimitRange) -> None:
        for item in obj.spec.limits:
            if item.type == CONTAINER:
                item.default = item.max | item.default
                item.defaultRequest = item.min | item.default | item.defaultRequest
        canonicalize_quantities(obj)

    def validate(self, obj: LimitRange) -> list[FieldError]:
        path = Path("spec") / "limits"
        errors: list[FieldError] = []
        seen = set()
        for i, item in enumerate(obj.spec.limits):
            at = path.index(i)
            errors += _type_errors(item.type, at / "type")
            if item.type in seen:
                errors.append(duplicate(at / "type", item.type))
            seen.add(item.type)
            errors += _item_errors(item, at)
        return errors


def _type_errors(name: str, path: Path) -> list[FieldError]:
    errors = [invalid_value(path, name, message) for message in qualified_name(name)]
    if not errors and "/" not in name and name not in (POD, CONTAINER, CLAIM):
        detail = "must be a standard limit type or fully qualified"
        errors.append(invalid_value(path, name, detail))
    return errors


def _item_errors(item: LimitRangeItem, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    amounts: dict[str, dict[str, str]] = {}
    for field in _FIELDS:
        values: dict[str, str] = getattr(item, field)
        if item.type == POD and values and field in ("default", "defaultRequest"):
            detail = "may not be specified when `type` is 'Pod'"
            errors.append(forbidden_field(path / field, detail))
            continue
        if field == "maxLimitRequestRatio" and item.type == CLAIM:
            errors += _claim_errors(item, path)
        for name, amount in sorted(values.items()):
            at = (path / field).key(name)
            errors += _name_errors(item.type, name, at)
            if is_quantity(amount):
                amounts.setdefault(name, {})[field] = amount
            else:
                errors.append(invalid_value(at, amount, QUANTITY_FORM))
    for name in sorted(amounts):
        errors += _resource_errors(name, amounts[name], path)
    return errors


def _claim_errors(item: LimitRangeItem, path: Path) -> list[FieldError]:
    if "storage" in item.min or "storage" in item.max:
        return []
    detail = "either minimum or maximum storage value is required, but neither was provided"
    return [required(path / "limits", detail)]


def _name_errors(kind: str, name: str, path: Path) -> list[FieldError]:
    check = container_resource_name if kind in (POD, CONTAINER) else resource_name
    return check(name, path)


_ORDERS = (
    # The lesser field, the greater field, where it is reported, what is shown, what is said.
    ("min", "max", "min", "min", "min value {} is greater than max value {}"),
    (
        "min",
        "defaultRequest",
        "defaultRequest",
        "defaultRequest",
        "min value {} is greater than default request value {}",
    ),
    (
        "defaultRequest",
        "max",
        "defaultRequest",
        "defaultRequest",
        "default request value {} is greater than max value {}",
    ),
    (
        "defaultRequest",
        "default",
        "defaultRequest",
        "defaultRequest",
        "default request value {} is greater than default limit value {}",
    ),
    ("min", "default", "default", "min", "min value {} is greater than default value {}"),
    ("default", "max", "default", "max", "default value {} is greater than max value {}"),
)


def _resource_errors(name: str, amounts: dict[str, str], path: Path) -> list[FieldError]:
    values = {field: parse_quantity(amount) for field, amount in amounts.items()}
    errors = [
        invalid_value(
            (path / where).key(name), amounts[shown], text.format(amounts[low], amounts[high])
        )
        for low, high, where, shown, text in _ORDERS
        if low in values and high in values and values[low] > values[high]
    ]
    errors += _ratio_errors(name, amounts, values, path)
    if not may_overcommit(name) and "default" in values and "defaultRequest" in values:
        wanted, asked = amounts["default"], amounts["defaultRequest"]
        if values["default"] != values["defaultRequest"]:
            detail = f"default value {wanted} must equal to defaultRequest value {asked} in {name}"
            errors.append(invalid_value((path / "defaultRequest").key(name), asked, detail))
    return errors


def _ratio_errors(
    name: str, amounts: dict[str, str], values: dict[str, Decimal], path: Path
) -> list[FieldError]:
    if "maxLimitRequestRatio" not in values:
        return []
    ratio, shown = values["maxLimitRequestRatio"], amounts["maxLimitRequestRatio"]
    at = (path / "maxLimitRequestRatio").key(name)
    errors = []
    if ratio < 1:
        errors.append(invalid_value(at, shown, f"ratio {shown} is less than 1"))
    # Of a least amount of nothing every limit is infinitely many times, so that no ratio is above.
    if "min" in values and "max" in values and values["min"]:
        possible = values["max"] / values["min"]
        if ratio > possible:
            detail = f"ratio {shown} is greater than max/min = {float(possible):f}"
            errors.append(invalid_value(at, shown, detail))
    return errors


LIMIT_RANGES = LimitRangeResource(
    group="",
    version="v1",
    kind="LimitRange",
    plural="limitranges",
    singular="limitrange",
    short_names=("limits",),
    type=LimitRange,
    namespaced=True,
    columns=(
        NAME,
        Column(
            "Created At",
            lambda limits, now: limits.metadata.creationTimestamp,
            description="When the object was created.",
        ),
    ),
)
