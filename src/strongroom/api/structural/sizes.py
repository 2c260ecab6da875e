"""How many values of a schema one request can hold.

(``k8s.io/apiserver/pkg/cel/common/schemas.go``)
"""

from __future__ import annotations

from strongroom.api.structural.model import Structural

REQUEST = 3 * 1024 * 1024
"""Bytes of the largest request, as upstream reckons; ours may be smaller."""

_BRACKETS = 2
_TEXT = 2
_TEXTS = {"date": 12, "date-time": 22, "duration": 4}
_SCALARS = {"boolean": 4, "integer": 1, "number": 1}


def smallest(schema: Structural) -> int:
    """Bytes of the shortest JSON that is of a schema."""
    known: int | None = schema.compiled.get("smallest")
    if known is None:
        known = schema.compiled["smallest"] = _smallest(schema)
    return known


def _smallest(schema: Structural) -> int:
    if schema.type == "string":
        return _TEXTS.get(schema.format, _TEXT)
    if schema.type != "object":
        return _BRACKETS if schema.type == "array" else _SCALARS.get(schema.type, 1)
    fields = [(n, schema.properties[n]) for n in schema.required if n in schema.properties]
    # What has a default need not be sent; quotes, colon and comma are four bytes.
    told = sum(len(name) + smallest(field) + 4 for name, field in fields if field.default is None)
    return _BRACKETS + told


def most(schema: Structural) -> int:
    """How many items a list of a schema, or entries a map of it, can have."""
    if schema.items is not None:
        if schema.max_items is not None:
            return max(int(schema.max_items), 0)
        return (REQUEST - _BRACKETS) // (smallest(schema.items) + 1)
    if schema.values is not None:
        if schema.max_properties is not None:
            return max(int(schema.max_properties), 0)
        return (REQUEST - _BRACKETS) // (smallest(schema.values) + 6)
    return 1


def occurrences(schema: Structural) -> int:
    """How often a value of a schema can stand in an object."""
    return REQUEST // (smallest(schema) + 1)


def inside(times: int | None, bound: int | None) -> int | None:
    """How often something stands in what stands so many times and holds so many; None: no bound."""
    return None if times is None or bound is None else times * max(int(bound), 0)
