"""Columns and selectable fields of custom kinds: values that paths lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from strongroom.api.custom import CustomObject, view_tree
from strongroom.api.jsonpath import JSONPath, JSONPathError, printed
from strongroom.api.table import human_age
from strongroom.resources.columns import NAME
from strongroom.resources.crd_object import CustomResourceColumnDefinition, SelectableField
from strongroom.resources.resource import Column

_CREATED = CustomResourceColumnDefinition(
    name="Age",
    type="date",
    description="When the object was created.",
    jsonPath=".metadata.creationTimestamp",
)


def columns(declared: list[CustomResourceColumnDefinition]) -> tuple[Column[CustomObject], ...]:
    """The columns: the name, then those that are declared, or the age if none is.

    Of columns with a path that cannot be read none is shown from there on, as upstream does.
    """
    made: list[Column[CustomObject]] = [NAME]
    for each in declared or [_CREATED]:
        try:
            path = JSONPath(each.jsonPath)
        except JSONPathError:
            break
        described = f"Custom resource definition column (in JSONPath format): {each.jsonPath}"
        made.append(
            Column(
                each.name,
                partial(_shown, path, each.type),
                type=each.type,
                format=each.format,
                description=each.description or described,
                priority=each.priority,
            )
        )
    return tuple(made)


def _shown(path: JSONPath, type_: str, obj: CustomObject, now: datetime) -> Any:
    """The cell of an object: null where there is nothing, or nothing of the column's type."""
    found = path.find(view_tree(obj))
    if not found or found[0] is None:
        return "<nil>" if found and type_ == "string" else None
    value = found[0]
    if type_ == "string":
        return printed(value)
    if type_ == "boolean":
        return value if isinstance(value, bool) else None
    if type_ == "date":
        return _age(value, now)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if type_ == "integer" else float(value)


def _age(value: Any, now: datetime) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return human_age(value, now)
    except ValueError:
        return "<invalid>"


def selectable(fields: list[SelectableField]) -> Mapping[str, Callable[[CustomObject], str]]:
    """What field selectors may name: paths without their first dot."""
    return {
        field.jsonPath.removeprefix("."): partial(_text, JSONPath(field.jsonPath))
        for field in fields
    }


def _text(path: JSONPath, obj: CustomObject) -> str:
    found = path.find(view_tree(obj))
    return printed(found[0]) if found and found[0] is not None else ""
