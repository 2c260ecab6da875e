"""Lists of type ``set`` and ``map``: no item, and no item's keys, may be there twice.

(``apiserver/schema/listtype`` of apiextensions-apiserver)
"""

from __future__ import annotations

from typing import Any

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.findings import Path, duplicate, invalid_value
from strongroom.api.structural.model import Structural

_encoder = msgspec.json.Encoder(order="deterministic")


def has_lists(schema: Structural | None) -> bool:
    """Whether a schema, or one below it, is of a list whose items are unique."""
    if schema is None:
        return False
    known = schema.compiled.get("lists")
    if known is None:
        inner = [*schema.properties.values(), schema.values, schema.items]
        unique = schema.list_type in ("set", "map")
        known = unique or any(has_lists(child) for child in inner)
        schema.compiled["lists"] = known
    return bool(known)


def validate_lists(tree: Any, schema: Structural | None, path: Path) -> list[FieldError]:
    """All findings on items that are there twice."""
    if schema is None or not has_lists(schema):
        return []
    found = []
    if type(tree) is dict:
        for name, value in tree.items():
            field = schema.properties.get(name)
            inner = field or schema.values
            if has_lists(inner):
                at = path / name if field is not None else path.key(name)
                found += validate_lists(value, inner, at)
    elif type(tree) is list:
        found += _validate_items(tree, schema, path)
        for i, item in enumerate(tree if has_lists(schema.items) else ()):
            found += validate_lists(item, schema.items, path.index(i))
    return found


def _validate_items(items: list[Any], schema: Structural, path: Path) -> list[FieldError]:
    if schema.list_type == "set":
        return [duplicate(path.index(i), items[i]) for i in _repeated(items)]
    return _validate_map(items, schema, path) if schema.list_type == "map" else []


def _validate_map(items: list[Any], schema: Structural, path: Path) -> list[FieldError]:
    for i, item in enumerate(items):
        if item is not None and not isinstance(item, dict):
            detail = "must be an object for an array of list-type map"
            return [invalid_value(path.index(i), item, detail)]
    keys = [
        {name: item[name] for name in schema.list_keys if name in item} if item else {}
        for item in items
    ]
    return [duplicate(path.index(i), keys[i]) for i in _repeated(keys)]


def _repeated(values: list[Any]) -> list[int]:
    """Where a value stands for the second time; its third time says nothing new."""
    seen: dict[bytes, int] = {}
    found = []
    for i, value in enumerate(values):
        text = _encoder.encode(value)
        times = seen[text] = seen.get(text, 0) + 1
        if times == 2:
            found.append(i)
    return found
