"""The rules of a CRD's schema beyond its structure (``apis/apiextensions/validation``).

What is judged here word by word: what upstream does not support, what belongs together, and the
``x-kubernetes-*`` words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.findings import Path, forbidden_field, invalid_value, not_supported, required
from strongroom.api.structural.model import Rule, Structural
from strongroom.api.structural.paths import PathError, resolve

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_META = ("metadata", "kind", "apiVersion")
_REASONS = (
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
)
_UNSUPPORTED = (
    ("id", "id is not supported"),
    ("additionalItems", "additionalItems is not supported"),
    ("patternProperties", "patternProperties is not supported"),
    ("definitions", "definitions is not supported"),
    ("dependencies", "dependencies is not supported"),
    ("$ref", "$ref is not supported"),
)
_UNIQUE_DETAIL = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
_KEY_DETAIL = (
    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required "
    "property"
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the schema one stands: whether in metadata, and why there may be no default."""

    in_meta: bool = False
    no_default: str = ""


def validate_words(schema: Structural, path: Path) -> list[FieldError]:
    """All findings on the words of a whole object's schema."""
    return _words(schema, path, _Place(), root=True)


def _words(
    schema: Structural, path: Path, place: _Place, *, root: bool = False
) -> list[FieldError]:
    found = _plain(schema, path, place)
    if schema.additional is not None:
        found += _additional(schema, path, place)
    for name, field in schema.properties.items():
        inner = place
        if (root or schema.embedded) and name in _META:
            reason = f"in top-level {name}" if root else place.no_default
            inner = _Place(in_meta=True, no_default=reason)
        found += _words(field, (path / "properties").key(name), inner)
    found += _junctors(schema, path, place)
    if schema.items is not None:
        found += _words(schema.items, path / "items", place)
    found += _extensions(schema, path)
    for i, rule in enumerate(schema.rules):
        found += _rule(rule, schema, (path / "x-kubernetes-validations").index(i))
    return found


def _additional(schema: Structural, path: Path, place: _Place) -> list[FieldError]:
    found, at = [], path / "additionalProperties"
    if schema.properties and schema.additional is not True:
        detail = "additionalProperties and properties are mutual exclusive"
        found.append(forbidden_field(at, detail))
    if schema.values is not None:
        reason = "inside additionalProperties applying to object metadata"
        inner = replace(place, no_default=reason) if place.in_meta else place
        found += _words(schema.values, at, inner)
    return found


def _junctors(schema: Structural, path: Path, place: _Place) -> list[FieldError]:
    found = _words(schema.not_, path / "not", place) if schema.not_ is not None else []
    for word, nested in (
        ("allOf", schema.all_of),
        ("oneOf", schema.one_of),
        ("anyOf", schema.any_of),
    ):
        for i, alternative in enumerate(nested):
            found += _words(alternative, (path / word).index(i), place)
    return found


def _plain(schema: Structural, path: Path, place: _Place) -> list[FieldError]:
    found = []
    if schema.type and schema.type not in _TYPES:
        found.append(not_supported(path / "type", schema.type, _TYPES))
    if schema.default is not None and place.no_default:
        found.append(forbidden_field(path / "default", f"must not be set {place.no_default}"))
    for word, detail in _UNSUPPORTED:
        value = schema.tree.get(word)
        if value is not None and (value or word in ("additionalItems", "dependencies", "$ref")):
            found.append(forbidden_field(path / word, detail))
    if schema.type == "null":
        detail = "type cannot be set to null, use nullable as an alternative"
        found.append(forbidden_field(path / "type", detail))
    if schema.tree.get("items") and isinstance(schema.tree["items"], list):
        detail = "items must be a schema object and not an array"
        found.append(forbidden_field(path / "items", detail))
    if place.in_meta and schema.embedded:
        detail = "must not be used inside of resource meta"
        found.append(forbidden_field(path / "x-kubernetes-embedded-resource", detail))
    if schema.tree.get("uniqueItems") is True:
        found.append(forbidden_field(path / "uniqueItems", _UNIQUE_DETAIL))
    return found


def _extensions(schema: Structural, path: Path) -> list[FieldError]:
    found = []
    if schema.tree.get("x-kubernetes-preserve-unknown-fields") is False:
        at = path / "x-kubernetes-preserve-unknown-fields"
        found.append(invalid_value(at, False, "must be true or undefined"))
    if schema.map_type is not None:
        found += _must_be("object", schema, path, "x-kubernetes-map-type")
        if schema.map_type not in ("atomic", "granular"):
            at, known = path / "x-kubernetes-map-type", ("atomic", "granular")
            found.append(not_supported(at, schema.map_type, known))
    if schema.list_type is not None:
        wrong = _must_be("array", schema, path, "x-kubernetes-list-type")
        found += wrong or _set_items(schema, path)
        if schema.list_type not in ("atomic", "set", "map"):
            at = path / "x-kubernetes-list-type"
            found.append(not_supported(at, schema.list_type, ("atomic", "set", "map")))
    if schema.list_keys and schema.list_type != "map":
        at = path / "x-kubernetes-list-type"
        detail = "must be map if x-kubernetes-list-map-keys is non-empty"
        if schema.list_type is None:
            found.append(required(at, detail))
        else:
            found.append(invalid_value(at, schema.list_type, detail))
    if schema.list_type == "map":
        found += _list_map(schema, path)
    return found + _unique_items(schema, path)


def _must_be(type_: str, schema: Structural, path: Path, word: str) -> list[FieldError]:
    detail = f"must be {type_} if {word} is specified"
    if schema.type == type_:
        return []
    if not schema.type:
        return [required(path / "type", detail)]
    return [invalid_value(path / "type", schema.type, detail)]


def _set_items(schema: Structural, path: Path) -> list[FieldError]:
    """Items of a set are atomic: lists are by default, objects are not."""
    items = schema.items
    if schema.list_type != "set" or items is None:
        return []
    detail = "must be atomic as item of a list with x-kubernetes-list-type=set"
    if items.type == "array" and items.list_type not in (None, "atomic"):
        return [invalid_value(path / "items" / "x-kubernetes-list-type", items.list_type, detail)]
    if items.type == "object" and items.map_type != "atomic":
        # Upstream prints the list type of the items here, too.
        return [invalid_value(path / "items" / "x-kubernetes-map-type", items.list_type, detail)]
    return []


def _list_map(schema: Structural, path: Path) -> list[FieldError]:
    found, at, items = [], path / "x-kubernetes-list-map-keys", schema.items
    if not schema.list_keys:
        found.append(required(at, "must not be empty if x-kubernetes-list-type is map"))
    if items is None:
        detail = "must have a schema if x-kubernetes-list-type is map"
        return [*found, required(path / "items", detail)]
    if items.type != "object":
        detail = "must be object if parent array's x-kubernetes-list-type is map"
        return [*found, invalid_value(path / "items" / "type", items.type, detail)]
    seen = set()
    for key in schema.list_keys:
        field = items.properties.get(key)
        if field is None:
            detail = "entries must all be names of item properties"
            found.append(invalid_value(at, schema.list_keys, detail))
        elif field.type in ("array", "object"):
            detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            where = (path / "items" / "properties").key(key) / "type"
            found.append(invalid_value(where, items.type, detail))
        if key in seen:
            found.append(invalid_value(at, schema.list_keys, "must not contain duplicate entries"))
        seen.add(key)
    return found


def _unique_items(schema: Structural, path: Path) -> list[FieldError]:
    items, found = schema.items, []
    if items is None or schema.list_type not in ("set", "map"):
        return []
    if items.nullable:
        detail = f"cannot be nullable when x-kubernetes-list-type is {schema.list_type}"
        found.append(forbidden_field(path / "items" / "nullable", detail))
    for key in schema.list_keys if schema.list_type == "map" else ():
        field, at = items.properties.get(key), (path / "items" / "properties").key(key)
        if field is None:
            continue
        if key not in items.required and field.default is None:
            found.append(required(at / "default", _KEY_DETAIL))
        if field.nullable:
            detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
            found.append(forbidden_field(at / "nullable", detail))
    return found


def _rule(rule: Rule, schema: Structural, path: Path) -> list[FieldError]:
    found = _rule_texts(rule, path)
    if rule.message_expression and not rule.message_expression.strip():
        detail = "messageExpression must be non-empty if specified"
        found.append(required(path / "messageExpression", detail))
    if rule.reason is not None and rule.reason not in _REASONS:
        found.append(not_supported(path / "reason", rule.reason, _REASONS))
    at, field_path = path / "fieldPath", rule.field_path
    if field_path and not field_path.strip():
        found.append(invalid_value(at, field_path, "must be non-empty if specified"))
    if has_line_break(field_path):
        found.append(invalid_value(at, field_path, "must not contain line breaks"))
    if field_path:
        try:
            resolve(field_path, schema)
        except PathError:
            found.append(invalid_value(at, field_path, "must be a valid path"))
    return found


def _rule_texts(rule: Rule, path: Path) -> list[FieldError]:
    text, message, at = rule.rule.strip(), rule.message.strip(), path / "message"
    if not text:
        return [required(path / "rule", "rule is not specified")]
    if rule.message and not message:
        return [invalid_value(at, rule.message, "must be non-empty if specified")]
    if has_line_break(message):
        return [invalid_value(at, rule.message, "must not contain line breaks")]
    if has_line_break(text) and not message:
        return [required(at, "message must be specified if rule contains line breaks")]
    return []


def has_line_break(text: Any) -> bool:
    """Whether a text is more than one line."""
    return "\n" in text or "\r" in text
