"""Values against their schema, with upstream's findings."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.structural import Structural, validate
from strongroom.api.structural.checking import MAX_STEPS
from tests.api.structural.schemas import (
    INTEGER,
    STRING,
    Tree,
    array,
    list_type,
    obj,
    parsed,
    spec,
)


def found(schema: Structural, value: Any, old: Any = None) -> list[str]:
    """The findings on an object with this ``spec``."""
    before = None if old is None else {"spec": old}
    return [str(finding) for finding in validate({"spec": value}, schema, before)]


def type_of(name: str, types: str, got: str) -> str:
    """What is told of a value of a wrong type."""
    return f'{name}: Invalid value: "{got}": {name} in body must be of type {types}: "{got}"'


NUMBER: Tree = {"type": "number"}
FACTS: dict[str, tuple[Tree, Any, list[str]]] = {
    # schema of spec.a, value, findings
    "a text for a number": (INTEGER, "x", [type_of("spec.a", "integer", "string")]),
    "a number for a text": (STRING, 1, [type_of("spec.a", "string", "integer")]),
    "a fraction for a whole": (INTEGER, 1.5, [type_of("spec.a", "integer", "number")]),
    "a whole float": (INTEGER, 1.0, []),
    "a whole for a number": (NUMBER, 1, []),
    "true is no number": (INTEGER, True, [type_of("spec.a", "integer", "boolean")]),
    "null": ({**STRING, "nullable": False}, None, [type_of("spec.a", "string", "null")]),
    "null that may be": ({**STRING, "nullable": True}, None, []),
    "an object for a list": (array(STRING), {}, [type_of("spec.a", "array", "object")]),
    "neither integer nor string": (
        {"x-kubernetes-int-or-string": True},
        True,
        [type_of("spec.a", "integer,string", "boolean")],
    ),
    "an item": (array(STRING), ["x", 1], [type_of("spec.a[1]", "string", "integer")]),
    "an entry": (
        {"type": "object", "additionalProperties": STRING},
        {"x.y": 1},
        [type_of("spec.a.x.y", "string", "integer")],
    ),
    "a required field": (
        {**obj(b=STRING), "required": ["b"]},
        {},
        ["spec.a.b: Required value"],
    ),
    "too long": (
        {**STRING, "maxLength": 2},
        "äöü",
        ["spec.a: Too long: may not be more than 2 bytes"],
    ),
    "long in characters": ({**STRING, "maxLength": 3}, "äöü", []),
    "too short": (
        {**STRING, "minLength": 2},
        "x",
        ['spec.a: Invalid value: "x": spec.a in body should be at least 2 chars long'],
    ),
    "a pattern": (
        {**STRING, "pattern": "^a+$"},
        "ab",
        ["spec.a: Invalid value: \"ab\": spec.a in body should match '^a+$'"],
    ),
    "a pattern matches anywhere": ({**STRING, "pattern": "b"}, "abc", []),
    "an enumeration": (
        {**STRING, "enum": ["a", "b"]},
        "c",
        ['spec.a: Unsupported value: "c": supported values: "a", "b"'],
    ),
    "an enumeration of numbers": (
        {**INTEGER, "enum": [1, 2]},
        3,
        ['spec.a: Unsupported value: 3: supported values: "1", "2"'],
    ),
    "a maximum": (
        {**INTEGER, "maximum": 10},
        11,
        ["spec.a: Invalid value: 11: spec.a in body should be less than or equal to 10"],
    ),
    "an exclusive maximum": (
        {**NUMBER, "maximum": 1.5, "exclusiveMaximum": True},
        1.5,
        ["spec.a: Invalid value: 1.5: spec.a in body should be less than 1.5"],
    ),
    "a minimum": (
        {**INTEGER, "minimum": 0},
        -1,
        ["spec.a: Invalid value: -1: spec.a in body should be greater than or equal to 0"],
    ),
    "an exclusive minimum": (
        {**INTEGER, "minimum": 0, "exclusiveMinimum": True},
        0,
        ["spec.a: Invalid value: 0: spec.a in body should be greater than 0"],
    ),
    "a factor": (
        {**INTEGER, "multipleOf": 3},
        4,
        ["spec.a: Invalid value: 4: spec.a in body should be a multiple of 3"],
    ),
    "a fraction as factor": ({**NUMBER, "multipleOf": 0.1}, 0.7, []),
    "beyond a format": (
        {**INTEGER, "format": "int32"},
        1 << 31,
        [
            (
                '<nil>: Invalid value: "": Checked value must be of type integer with format int32 '
                "in spec.a"
            )
        ],
    ),
    "too many items": (
        array(STRING, maxItems=1),
        ["a", "b"],
        ["spec.a: Too many: 2: must have at most 1 item"],
    ),
    "too few items": (
        array(STRING, minItems=2),
        ["a"],
        ["spec.a: Invalid value: 1: spec.a in body should have at least 2 items"],
    ),
    "too many properties": (
        {"type": "object", "additionalProperties": STRING, "maxProperties": 1},
        {"a": "x", "b": "y"},
        ["spec.a: Too many: 2: must have at most 1 item"],
    ),
    "too few properties": (
        {"type": "object", "additionalProperties": STRING, "minProperties": 1},
        {},
        ["spec.a: Invalid value: 0: spec.a in body should have at least 1 properties"],
    ),
    "no other entries": (
        {"type": "object", "additionalProperties": False},
        {"b": "x"},
        ['spec.a: Invalid value: "b": spec.a.b in body is a forbidden property'],
    ),
    "a format": (
        {**STRING, "format": "date-time"},
        "today",
        [type_of("spec.a", "date-time", "today")],
    ),
    "an unknown format": ({**STRING, "format": "colour"}, "red", []),
    "a password is not told": (
        {**STRING, "format": "password", "minLength": 9},
        "hunter2",
        [
            (
                'spec.a: Invalid value: "<secret contents redacted>": spec.a in body should be at '
                "least 9 chars long"
            )
        ],
    ),
    "bytes are not told": (
        {**STRING, "format": "byte"},
        "hunter2?",
        [type_of("spec.a", "byte", "<secret contents redacted>")],
    ),
    "none of any": (
        {**STRING, "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]},
        "c",
        [
            '<nil>: Invalid value: "": "spec.a" must validate at least one schema (anyOf)',
            "spec.a: Invalid value: \"c\": spec.a in body should match '^a'",
        ],
    ),
    "any": ({**STRING, "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]}, "b", []),
    "none of one": (
        {**obj(b=STRING, c=STRING), "oneOf": [{"required": ["b"]}, {"required": ["c"]}]},
        {},
        [
            (
                '<nil>: Invalid value: "": "spec.a" must validate one and only one schema (oneOf). '
                "Found none valid"
            ),
            "spec.a.b: Required value",
        ],
    ),
    "two of one": (
        {**obj(b=STRING, c=STRING), "oneOf": [{"required": ["b"]}, {"required": ["c"]}]},
        {"b": "", "c": ""},
        [
            (
                '<nil>: Invalid value: "": "spec.a" must validate one and only one schema (oneOf). '
                "Found 2 valid alternatives"
            )
        ],
    ),
    "not all": (
        {**STRING, "allOf": [{"minLength": 1}, {"maxLength": 2}]},
        "abc",
        [
            "spec.a: Too long: may not be more than 2 bytes",
            '<nil>: Invalid value: "": "spec.a" must validate all the schemas (allOf)',
        ],
    ),
    "not": (
        {**STRING, "not": {"enum": ["x"]}},
        "x",
        ['<nil>: Invalid value: "": "spec.a" must not validate the schema (not)'],
    ),
    "a set": (
        array(STRING, **list_type("set")),
        ["a", "b", "a", "a"],
        ['spec.a[2]: Duplicate value: "a"'],
    ),
    "a set of numbers and truths": (
        {**array({"x-kubernetes-preserve-unknown-fields": True}), **list_type("set")},
        [1, True, "1"],
        [],
    ),
    "a list map": (
        array(
            {**obj(k=STRING, v=STRING), "required": ["k"]},
            **list_type("map", "k"),
        ),
        [{"k": "a"}, {"k": "b"}, {"k": "a", "v": "x"}],
        ['spec.a[2]: Duplicate value: {"k":"a"}'],
    ),
    "an embedded object": (
        {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-preserve-unknown-fields": True,
        },
        {"kind": "no-kind!", "metadata": {"name": "a/b"}},
        [
            "spec.a.apiVersion: Required value",
            (
                'spec.a.kind: Invalid value: "no-kind!": may have mixed case, but should otherwise '
                "match: a DNS-1035 label must consist of lower case alphanumeric characters or "
                "'-', "
                "start with an alphabetic character, and end with an alphanumeric character (e.g. "
                "'my-name',  or 'abc-123', regex used for validation is "
                "'[a-z]([-a-z0-9]*[a-z0-9])?')"
            ),
            "spec.a.metadata.name: Invalid value: \"a/b\": may not contain '/'",
        ],
    ),
}


@pytest.mark.parametrize(("schema", "value", "told"), FACTS.values(), ids=FACTS)
def test_findings_are_upstreams(schema: Tree, value: Any, told: list[str]) -> None:
    assert found(spec(a=schema), {"a": value}) == told


def test_what_was_wrong_and_has_not_changed_is_not_told() -> None:
    schema = spec(a={**STRING, "maxLength": 1}, b=STRING, c={**STRING, "enum": ["x"]})
    old = {"a": "long", "b": "x", "c": "y"}
    assert found(schema, {"a": "long", "b": "z", "c": "y"}, old) == []
    assert found(schema, {"a": "other", "b": "x", "c": "y"}, old) == [
        "spec.a: Too long: may not be more than 1 byte"
    ]


def test_items_are_matched_with_old_ones_by_their_keys_only() -> None:
    item = {**obj(k=STRING, v={**STRING, "maxLength": 1}), "required": ["k"]}
    keyed = spec(a=array(item, **list_type("map", "k")))
    atomic = spec(a=array(item))
    old = {"a": [{"k": "1", "v": "long"}, {"k": "2", "v": "x"}]}
    new = {"a": [{"k": "3", "v": "x"}, {"k": "1", "v": "long"}]}
    assert found(keyed, new, old) == []
    assert found(atomic, new, old) == ["spec.a[1].v: Too long: may not be more than 1 byte"]


def test_a_missing_field_is_told_when_its_object_changed() -> None:
    schema = parsed(obj(spec={**obj(a=STRING, b=STRING), "required": ["a"]}))
    assert found(schema, {"b": "x"}, {"b": "x"}) == []
    assert found(schema, {"b": "y"}, {"b": "x"}) == ["spec.a: Required value"]


def test_repeated_items_are_told_unless_there_were_some_before() -> None:
    schema = spec(a=array(STRING, **list_type("set")))
    assert found(schema, {"a": ["x", "x"]}, {"a": ["y", "y"]}) == []
    assert found(schema, {"a": ["x", "x"]}, {"a": ["x"]}) == ['spec.a[1]: Duplicate value: "x"']


def test_a_schema_that_makes_too_much_work_is_refused() -> None:
    alternatives = [{"pattern": f"^{i}$"} for i in range(500)]
    schema = spec(a=array({**STRING, "anyOf": alternatives}))
    (told,) = found(schema, {"a": ["x"] * (2 * MAX_STEPS // 500)})
    assert told.endswith("checking it against the schema takes too many steps")


def test_patterns_take_linear_time() -> None:
    schema = spec(a={**STRING, "pattern": "^(a+)+$"})
    assert len(found(schema, {"a": "a" * 50_000 + "!"})) == 1
