"""A schema of a custom resource (``JSONSchemaProps``), read once from its plain tree.

One type serves for what gives an object its structure and for what only restricts its values
(``allOf``, ``anyOf``, ``oneOf``, ``not``); which words may stand where is judged elsewhere. Reading
is bounded in depth and size: a schema is walked by recursion, and many times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.findings import Path, forbidden_field, type_invalid
from strongroom.api.gotext import quote

MAX_RULES = 500
"""Most rules in one schema: each is compiled. Schemas with a hundred are rare."""

Tree = dict[str, Any]

MAX_DEPTH = 60
"""Deepest nesting of schemas. Upstream bounds the JSON only; real ones have less than half."""

MAX_NODES = 50_000
"""Most schemas in one. The largest known CRDs have about ten thousand."""


@dataclass(slots=True, eq=False, kw_only=True)
class Rule:
    """One entry of ``x-kubernetes-validations``."""

    rule: str = ""
    message: str = ""
    message_expression: str = ""
    reason: str | None = None
    field_path: str = ""
    optional_old_self: bool | None = None

    @property
    def printed(self) -> Tree:
        """The rule as upstream's messages show it."""
        return {
            "Rule": self.rule,
            "Message": self.message,
            "MessageExpression": self.message_expression,
            "Reason": self.reason,
            "FieldPath": self.field_path,
            "OptionalOldSelf": self.optional_old_self,
        }


@dataclass(slots=True, eq=False, kw_only=True)
class Structural:
    """A schema. ``tree`` is what it was read from; nothing here may be changed.

    ``additional`` is the schema of the other entries of a map, or whether there may be any.
    ``default`` is None when there is none: a default of null says the same.
    """

    tree: Tree
    type: str = ""
    format: str = ""
    nullable: bool = False
    default: Any = None
    properties: dict[str, Structural] = field(default_factory=dict)
    additional: Structural | bool | None = None
    items: Structural | None = None
    required: list[str] = field(default_factory=list)
    enum: list[Any] = field(default_factory=list)
    maximum: float | None = None
    minimum: float | None = None
    exclusive_maximum: bool = False
    exclusive_minimum: bool = False
    multiple_of: float | None = None
    max_length: int | None = None
    min_length: int | None = None
    max_items: int | None = None
    min_items: int | None = None
    max_properties: int | None = None
    min_properties: int | None = None
    pattern: str = ""
    all_of: list[Structural] = field(default_factory=list)
    any_of: list[Structural] = field(default_factory=list)
    one_of: list[Structural] = field(default_factory=list)
    not_: Structural | None = None
    preserve: bool = False
    embedded: bool = False
    int_or_string: bool = False
    list_type: str | None = None
    list_keys: list[str] = field(default_factory=list)
    map_type: str | None = None
    rules: list[Rule] = field(default_factory=list)
    compiled: dict[str, Any] = field(default_factory=dict)
    """What other modules made of the schema, by their own names: each makes it once."""

    def __repr__(self) -> str:
        return f"<Structural {self.type or 'untyped'}>"

    @property
    def values(self) -> Structural | None:
        """The schema of the other entries of a map, if it has one."""
        return self.additional if isinstance(self.additional, Structural) else None

    def field(self, name: str) -> Structural | None:
        """The schema of a field or of an entry of a map; None when nothing is said of it."""
        return self.properties.get(name) or self.values


Check = Callable[[Any], bool]


def _is_int(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


# JSON name: attribute, check, what a wrong one is told to be.
_PLAIN: dict[str, tuple[str, Check, str]] = {
    "type": ("type", _is_text, "string"),
    "format": ("format", _is_text, "string"),
    "pattern": ("pattern", _is_text, "string"),
    "nullable": ("nullable", _is_bool, "boolean"),
    "exclusiveMaximum": ("exclusive_maximum", _is_bool, "boolean"),
    "exclusiveMinimum": ("exclusive_minimum", _is_bool, "boolean"),
    "maximum": ("maximum", _is_number, "number"),
    "minimum": ("minimum", _is_number, "number"),
    "multipleOf": ("multiple_of", _is_number, "number"),
    "maxLength": ("max_length", _is_int, "integer"),
    "minLength": ("min_length", _is_int, "integer"),
    "maxItems": ("max_items", _is_int, "integer"),
    "minItems": ("min_items", _is_int, "integer"),
    "maxProperties": ("max_properties", _is_int, "integer"),
    "minProperties": ("min_properties", _is_int, "integer"),
    "required": ("required", _is_texts, "array of strings"),
    "enum": ("enum", _is_list, "array"),
    "x-kubernetes-preserve-unknown-fields": ("preserve", _is_bool, "boolean"),
    "x-kubernetes-embedded-resource": ("embedded", _is_bool, "boolean"),
    "x-kubernetes-int-or-string": ("int_or_string", _is_bool, "boolean"),
    "x-kubernetes-list-type": ("list_type", _is_text, "string"),
    "x-kubernetes-map-type": ("map_type", _is_text, "string"),
    "x-kubernetes-list-map-keys": ("list_keys", _is_texts, "array of strings"),
}
_JUNCTORS = {"allOf": "all_of", "anyOf": "any_of", "oneOf": "one_of"}
_INNER = {"items": "items", "additionalProperties": "additional", "not": "not_"}
_RULE: dict[str, tuple[str, Check, str]] = {
    "rule": ("rule", _is_text, "string"),
    "message": ("message", _is_text, "string"),
    "messageExpression": ("message_expression", _is_text, "string"),
    "reason": ("reason", _is_text, "string"),
    "fieldPath": ("field_path", _is_text, "string"),
    "optionalOldSelf": ("optional_old_self", _is_bool, "boolean"),
}


def read_schema(tree: Any, path: Path) -> tuple[Structural | None, list[FieldError]]:
    """The schema, or None with what keeps it from being one: wrong types, or too much of it."""
    reader = _Reader()
    schema = reader.schema(tree, path, 0)
    return (schema if not reader.found else None), reader.found


class _Reader:
    def __init__(self) -> None:
        self.found: list[FieldError] = []
        self._nodes = 0
        self._rule_count = 0

    def schema(self, tree: Any, path: Path, depth: int) -> Structural | None:
        self._nodes += 1
        if not isinstance(tree, dict):
            self._wrong(path, tree, "object")
            return None
        if depth > MAX_DEPTH:
            self._refuse(path, f"schemas may not nest deeper than {MAX_DEPTH}")
            return None
        if self._nodes > MAX_NODES:
            if self._nodes == MAX_NODES + 1:
                self._refuse(path, f"there may not be more than {MAX_NODES} schemas in one")
            return None
        schema = Structural(tree=tree)
        for name, value in tree.items():
            if value is not None:
                self._word(schema, name, value, path, depth)
        return schema

    def _word(self, schema: Structural, name: str, value: Any, path: Path, depth: int) -> None:
        if plain := _PLAIN.get(name):
            attribute, fits, what = plain
            if fits(value):
                setattr(schema, attribute, value)
            else:
                self._wrong(path / name, value, what)
        elif name == "default":
            schema.default = value
        elif name == "properties":
            schema.properties = self._properties(value, path / name, depth)
        elif attribute := _JUNCTORS.get(name, ""):
            setattr(schema, attribute, self._alternatives(value, path / name, depth))
        elif name == "x-kubernetes-validations":
            schema.rules = self._rules(value, path / name)
        elif name == "additionalProperties" and isinstance(value, bool):
            schema.additional = value
        elif (attribute := _INNER.get(name, "")) and not (name == "items" and _is_list(value)):
            setattr(schema, attribute, self.schema(value, path / name, depth + 1))

    def _properties(self, value: Any, path: Path, depth: int) -> dict[str, Structural]:
        if not isinstance(value, dict):
            self._wrong(path, value, "object")
            return {}
        read = {name: self.schema(tree, path.key(name), depth + 1) for name, tree in value.items()}
        return {name: schema for name, schema in read.items() if schema is not None}

    def _alternatives(self, value: Any, path: Path, depth: int) -> list[Structural]:
        if not isinstance(value, list):
            self._wrong(path, value, "array")
            return []
        read = [self.schema(tree, path.index(i), depth + 1) for i, tree in enumerate(value)]
        return [schema for schema in read if schema is not None]

    def _rules(self, value: Any, path: Path) -> list[Rule]:
        if not isinstance(value, list):
            self._wrong(path, value, "array")
            return []
        self._rule_count += len(value)
        if self._rule_count > MAX_RULES:
            self._refuse(path, f"there may not be more than {MAX_RULES} rules in one schema")
            return []
        return [self._rule(tree, path.index(i)) for i, tree in enumerate(value)]

    def _rule(self, tree: Any, path: Path) -> Rule:
        rule = Rule()
        if not isinstance(tree, dict):
            self._wrong(path, tree, "object")
            return rule
        for name, (attribute, fits, what) in _RULE.items():
            value = tree.get(name)
            if value is None:
                continue
            if fits(value):
                setattr(rule, attribute, value)
            else:
                self._wrong(path / name, value, what)
        return rule

    def _wrong(self, path: Path, value: Any, what: str) -> None:
        names = ((bool, "boolean"), ((int, float), "number"), (str, "string"), (list, "array"))
        got = next((name for type_, name in names if isinstance(value, type_)), "object")
        self.found.append(type_invalid(path, got, f"must be of type {what}: {quote(got)}"))

    def _refuse(self, path: Path, why: str) -> None:
        self.found.append(forbidden_field(path, why))


def has_rules(schema: Structural | None) -> bool:
    """Whether a schema, or one below it, has rules."""
    if schema is None:
        return False
    known = schema.compiled.get("has_rules")
    if known is None:
        inner = [*schema.properties.values(), schema.values, schema.items]
        known = bool(schema.rules) or any(has_rules(child) for child in inner)
        schema.compiled["has_rules"] = known
    return bool(known)
