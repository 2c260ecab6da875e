"""Whether what is applied fits the type: unknown fields, wrong kinds of values, repeated keys.

Messages tell the path, as upstream's do, but never a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from strongroom.api.apply.fieldset import FieldsError, path_text
from strongroom.api.apply.shape import Form, Shape
from strongroom.api.schema import TypeSchema

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "bytes": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
}
_NUMERIC = "numeric (int or float)"
_EXPECTED = {"bytes": "string", "integer": _NUMERIC, "number": _NUMERIC}


def problems(tree: Any, shape: Shape) -> str:
    """Everything that keeps a tree from being of a type, as one text; empty when there is none."""
    found = list(_problems(tree, shape, ""))
    if len(found) < 2:
        return "".join(found)
    return "errors:\n" + "\n".join(f"  {text}" for text in found)


def _problems(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if value is None:
        return
    if shape.schema.kind in ("struct", "map"):
        yield from _in_object(value, shape, path)
    elif shape.schema.kind == "array":
        yield from _in_list(value, shape, path)
    elif not _fits(value, shape.schema):
        expected = _EXPECTED.get(shape.schema.kind, shape.schema.kind)
        yield f"{path}: expected {expected}, got {_name(value)}"


def _in_object(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: expected map, got {_name(value)}" if path else "expected map"
        return
    for name, inner in value.items():
        at = f"{path}.{name}"
        known = _known(shape, name)
        if known is None:
            yield f"{at}: field not declared in schema"
            # Upstream looks no further in this object.
            return
        yield from _problems(inner, known, at)


def _known(shape: Shape, name: str) -> Shape | None:
    # What is owned whole is looked into all the same.
    return (shape.opened if shape.form is Form.LEAF else shape).field(name)


def _in_list(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: expected list, got {_name(value)}"
        return
    seen = set()
    for i, item in enumerate(value):
        at = f"[{i}]"
        if shape.form is not Form.LEAF:
            try:
                element = shape.element(item)
            except FieldsError as error:
                yield f"{path}: element {i}: {error}"
                return
            at = path_text((element,))
            if element in seen:
                yield f"{path}: duplicate entries for key {at}"
            seen.add(element)
        yield from _problems(item, shape.item, path + at)


def _fits(value: Any, type_: TypeSchema) -> bool:
    if type_.kind == "any":
        return True
    if type_.int_or_string or type_.format == "quantity":
        return isinstance(value, (str, int, float)) and not isinstance(value, bool)
    wanted = _SCALARS[type_.kind]
    return isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))


def _name(value: Any) -> str:
    names = ((bool, "boolean"), ((int, float), "number"), (str, "string"), (list, "list"))
    return next((name for type_, name in names if isinstance(value, type_)), "map")
