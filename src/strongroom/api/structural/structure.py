"""What makes a schema structural (``apiserver/schema/validation.go``, ``complete.go``).

Every field's type is said once, outside of all junctors, which only restrict values.
"""

from __future__ import annotations

from strongroom.api.errors import FieldError
from strongroom.api.findings import Path, forbidden_field, invalid_value, required
from strongroom.api.regexps import PatternError, compile_pattern
from strongroom.api.structural.model import Structural, Tree

_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_ROOT, _ITEM, _FIELD = "at the root", "for specified array items", "for specified object fields"
_METADATA_DETAIL = (
    "must not specify anything other than name and generateName, but metadata is implicitly "
    "specified"
)
_EMPTY_DETAIL = (
    "must not be empty if x-kubernetes-embedded-resource is true without "
    "x-kubernetes-preserve-unknown-fields"
)
_EMBEDDED_DETAIL = "must be object if x-kubernetes-embedded-resource is true"


def validate_structure(schema: Structural, path: Path) -> list[FieldError]:
    """All findings on the structure of a schema for whole objects, in upstream's order."""
    found = _structure(schema, path, _ROOT) + _complete(schema, schema, path, path)
    return sorted(found, key=str)


def is_int_or_string_any_of(schema: Structural) -> bool:
    """Whether ``anyOf`` says again that the value is an integer or a string."""
    return bool(schema.tree.get("anyOf") == _INT_OR_STRING)


def is_int_or_string_all_of(schema: Structural) -> bool:
    """Whether the first of ``allOf`` says so."""
    return bool(schema.all_of) and is_int_or_string_any_of(schema.all_of[0])


def _structure(schema: Structural, path: Path, level: str) -> list[FieldError]:
    found = []
    if schema.type == "array" and schema.items is None:
        found.append(required(path / "items", "must be specified"))
    if schema.items is not None:
        found += _structure(schema.items, path / "items", _ITEM)
    for name, field in schema.properties.items():
        found += _structure(field, (path / "properties").key(name), _FIELD)
    if schema.additional is not None and level == _ROOT:
        found.append(forbidden_field(path / "additionalProperties", "must not be used at the root"))
    if schema.values is not None:
        found += _structure(schema.values, path / "additionalProperties", _FIELD)
    found += _extensions(schema, path)
    found += _values(
        schema,
        path,
        any_of=not is_int_or_string_any_of(schema),
        first_any_of=not is_int_or_string_all_of(schema),
    )
    found += _type(schema, path, level)
    if level == _ROOT or schema.embedded:
        found += _type_meta(schema, path)
    if "metadata" in schema.properties:
        found += _metadata(schema, (path / "properties").key("metadata"), level)
    if schema.embedded and not schema.preserve and not schema.properties:
        found.append(required(path / "properties", _EMPTY_DETAIL))
    return found


def _extensions(schema: Structural, path: Path) -> list[FieldError]:
    detail = "must be false if x-kubernetes-int-or-string is true"
    found = []
    if schema.int_or_string and schema.preserve:
        where = path / "x-kubernetes-preserve-unknown-fields"
        found.append(invalid_value(where, True, detail))
    if schema.int_or_string and schema.embedded:
        found.append(invalid_value(path / "x-kubernetes-embedded-resource", True, detail))
    return found


def _type(schema: Structural, path: Path, level: str) -> list[FieldError]:
    at, found = path / "type", []
    if schema.embedded and schema.type != "object":
        if schema.type:
            found.append(invalid_value(at, schema.type, _EMBEDDED_DETAIL))
        else:
            found.append(required(at, _EMBEDDED_DETAIL))
    elif not schema.type and not schema.int_or_string and not schema.preserve:
        found.append(required(at, f"must not be empty {level}"))
    if schema.embedded and schema.additional is not None:
        detail = "must not be used if x-kubernetes-embedded-resource is set"
        found.append(forbidden_field(path / "additionalProperties", detail))
    if level == _ROOT and schema.type not in ("", "object"):
        found.append(invalid_value(at, schema.type, "must be object at the root"))
    return found


def _type_meta(schema: Structural, path: Path) -> list[FieldError]:
    found = []
    for name in ("kind", "apiVersion"):
        field = schema.properties.get(name)
        if field is not None and field.type != "string":
            at = (path / "properties").key(name) / "type"
            found.append(invalid_value(at, field.type, "must be string"))
    return found


def _metadata(schema: Structural, path: Path, level: str) -> list[FieldError]:
    metadata, found = schema.properties["metadata"], []
    if (level == _ROOT or schema.embedded) and metadata.type != "object":
        found.append(invalid_value(path / "type", metadata.type, "must be object"))
    if level == _ROOT and not _restricts_names_only(metadata):
        found.append(forbidden_field(path, _METADATA_DETAIL))
    return found


def _restricts_names_only(metadata: Structural) -> bool:
    said: Tree = {name: value for name, value in metadata.tree.items() if value}
    said.pop("type", None)
    said.pop("default", None)
    if metadata.properties.keys() <= {"name", "generateName"}:
        said.pop("properties", None)
    return not said


def _values(
    schema: Structural, path: Path, *, any_of: bool = True, first_any_of: bool = True
) -> list[FieldError]:
    """Findings on what restricts values. The flags say which ``anyOf`` need not be structural."""
    found = []
    for i, nested in enumerate(schema.any_of if any_of else ()):
        found += _nested(nested, (path / "anyOf").index(i))
    for i, nested in enumerate(schema.all_of):
        found += _nested(nested, (path / "allOf").index(i), any_of=first_any_of or i > 0)
    for i, nested in enumerate(schema.one_of):
        found += _nested(nested, (path / "oneOf").index(i))
    if schema.not_ is not None:
        found += _nested(schema.not_, path / "not")
    if schema.pattern:
        try:
            compile_pattern(schema.pattern)
        except PatternError as error:
            detail = f"must be a valid regular expression, but isn't: {error}"
            found.append(invalid_value(path / "pattern", schema.pattern, detail))
    return found


_MUST_BE_EMPTY = (
    ("type", "empty"),
    ("additionalProperties", "undefined"),
    ("default", "undefined"),
    ("title", "empty"),
    ("description", "empty"),
    ("nullable", "false"),
    ("x-kubernetes-preserve-unknown-fields", "false"),
    ("x-kubernetes-embedded-resource", "false"),
    ("x-kubernetes-int-or-string", "false"),
    ("x-kubernetes-list-map-keys", "empty"),
    ("x-kubernetes-list-type", "undefined"),
    ("x-kubernetes-map-type", "undefined"),
    ("x-kubernetes-validations", "empty"),
)
_BY_PRESENCE = ("default", "x-kubernetes-list-type", "x-kubernetes-map-type")


def _nested(schema: Structural, path: Path, *, any_of: bool = True) -> list[FieldError]:
    found = _values(schema, path, any_of=any_of)
    if schema.items is not None:
        found += _nested(schema.items, path / "items")
    for name, field in schema.properties.items():
        found += _nested(field, (path / "properties").key(name))
    for word, state in _MUST_BE_EMPTY:
        value = schema.tree.get(word)
        if value is not None and (word in _BY_PRESENCE or isinstance(value, dict) or value):
            found.append(forbidden_field(path / word, f"must be {state} to be structural"))
    if "metadata" in schema.properties:
        at = (path / "properties").key("metadata")
        found.append(forbidden_field(at, "must not be specified in a nested context"))
    return found


def _complete(
    restricting: Structural, schema: Structural | None, at: Path, by: Path
) -> list[FieldError]:
    """Findings where a junctor speaks of what the structure does not have."""
    found = []
    if restricting.not_ is not None:
        found += _nested_complete(restricting.not_, schema, at, by / "not")
    for word, nested in (
        ("allOf", restricting.all_of),
        ("anyOf", restricting.any_of),
        ("oneOf", restricting.one_of),
    ):
        for i, alternative in enumerate(nested):
            found += _nested_complete(alternative, schema, at, (by / word).index(i))
    return found


def _nested_complete(
    nested: Structural, schema: Structural | None, at: Path, by: Path
) -> list[FieldError]:
    if schema is None:
        return [required(at, f"because it is defined in {by}")]
    found = _complete(nested, schema, at, by)
    if nested.items is not None:
        found += _nested_complete(nested.items, schema.items, at / "items", by / "items")
    for name, field in nested.properties.items():
        where, cause = (at / "properties").key(name), (by / "properties").key(name)
        if name in schema.properties:
            found += _nested_complete(field, schema.properties[name], where, cause)
        else:
            found.append(required(where, f"because it is defined in {cause}"))
    return found
