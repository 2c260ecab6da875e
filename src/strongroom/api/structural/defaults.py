"""Defaults of a schema must themselves be as it says (``schema/defaulting/validation.go``)."""

from __future__ import annotations

from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.findings import Path, invalid_value
from strongroom.api.jsontext import copy_tree
from strongroom.api.structural.checking import check
from strongroom.api.structural.correlation import same
from strongroom.api.structural.embedded import coerce, validate_embedded
from strongroom.api.structural.model import Structural, Tree, has_rules
from strongroom.api.structural.walking import META, drop_unknown

_TYPE_META = {"apiVersion": "validation/v1", "kind": "Validation"}


def validate_defaults(schema: Structural, path: Path) -> list[FieldError]:
    """All findings on the defaults below a whole object's schema."""
    return _below(schema, path, _Surroundings(schema, ()), in_meta=False, root=True)


class _Surroundings:
    """The object around a default: a default in metadata is judged by the metadata it makes."""

    def __init__(self, schema: Structural, steps: tuple[str, ...]) -> None:
        self.schema = schema
        self._steps = steps

    def child(self, step: str) -> _Surroundings:
        """The surroundings one field (or, with "", one item) further down."""
        return _Surroundings(self.schema, (*self._steps, step))

    def around(self, value: Any) -> Tree:
        """An object that has the value in its place."""
        for step in reversed(self._steps):
            value = {step: value} if step else [value]
        return {**_TYPE_META, **value}


def _below(
    schema: Structural, path: Path, around: _Surroundings, *, in_meta: bool, root: bool = False
) -> list[FieldError]:
    found: list[FieldError] = []
    if schema.embedded:
        in_meta, around = False, _Surroundings(schema, ())
    if schema.default is not None:
        found += _default(schema, path / "default", around if in_meta else None)
    if schema.items is not None:
        found += _below(schema.items, path / "items", around.child(""), in_meta=in_meta)
    for name, field in schema.properties.items():
        inner = in_meta or ((root or schema.embedded) and name in META)
        at = (path / "properties").key(name)
        found += _below(field, at, around.child(name), in_meta=inner)
    return found


def _default(schema: Structural, path: Path, around: _Surroundings | None) -> list[FieldError]:
    found: list[FieldError] = []
    value = copy_tree(schema.default)
    if around is not None:
        found += _in_metadata(around, value, path)
    else:
        drop_unknown(value, schema, root=schema.embedded)
        if not same(value, schema.default):
            found.append(invalid_value(path, schema.default, "must not have unknown fields"))
        value = copy_tree(schema.default)
        wrong = coerce(value, schema, path)
        embedded = [wrong] if wrong else validate_embedded(value, schema, path)
        if embedded:
            return found + embedded
    if found and around is not None:
        return found
    wrong_values = check(schema.default, schema, path=path)
    if wrong_values or not has_rules(schema):
        return found + wrong_values
    # With the rules comes the CEL library, which takes a tenth of a server's start.
    from strongroom.api.structural.rules import check_rules

    return found + check_rules(schema.default, schema, path=path)


def _in_metadata(around: _Surroundings, value: Any, path: Path) -> list[FieldError]:
    tree = around.around(value)
    # The surrounding object counts as embedded even where it is the whole one.
    schema = Structural(tree={}, embedded=True, properties=around.schema.properties)
    wrong = coerce(tree, schema, Path())
    told = [wrong] if wrong else validate_embedded(tree, schema, Path())
    if not told:
        return []
    texts = list(dict.fromkeys(str(finding) for finding in told))
    text = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    return [invalid_value(path, value, f"must result in valid metadata: {text}")]
