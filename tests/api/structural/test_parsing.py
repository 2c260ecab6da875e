"""What makes a CRD's schema invalid, in upstream's words and order."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.structural.model import MAX_DEPTH, MAX_NODES, MAX_RULES
from tests.api.structural.schemas import (
    ANYTHING,
    INTEGER,
    STRING,
    Tree,
    array,
    findings,
    list_type,
    obj,
)

ANY_OF = [{"type": "integer"}, {"type": "string"}]


VALID = {
    "fields": obj(a=STRING, b=INTEGER, c={"type": "number"}, d={"type": "boolean"}),
    "free-form": ANYTHING,
    "untyped but preserved": obj(a={"x-kubernetes-preserve-unknown-fields": True}),
    "int or string": obj(a={"x-kubernetes-int-or-string": True}),
    "int or string, said twice": obj(a={"x-kubernetes-int-or-string": True, "anyOf": ANY_OF}),
    "int or string, first of all": obj(
        a={"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": ANY_OF}, {"pattern": "^1"}]}
    ),
    "names restricted": obj(metadata=obj(name={**STRING, "maxLength": 5})),
    "an embedded object": obj(
        a={**ANYTHING, "x-kubernetes-embedded-resource": True, "properties": {"b": STRING}}
    ),
    "a set": obj(a=array(STRING, **list_type("set"))),
    "a list map": obj(a=array({**obj(k=STRING), "required": ["k"]}, **list_type("map", "k"))),
    "a list map with a default key": obj(
        a=array(obj(k={**STRING, "default": "x"}), **list_type("map", "k"))
    ),
    "a map of anything": obj(a={"type": "object", "additionalProperties": True}),
    "properties and others": obj(a={**obj(b=STRING), "additionalProperties": True}),
    "a null default says nothing": obj(a={**STRING, "default": None}),
}


@pytest.mark.parametrize("tree", VALID.values(), ids=VALID)
def test_valid_schemas_have_no_findings(tree: Tree) -> None:
    assert findings(tree) == []


A = "s.properties[a]"
INVALID: dict[str, tuple[Tree, list[str]]] = {
    "no type at the root": (
        {"properties": {"a": STRING}},
        ["s.type: Required value: must not be empty at the root"],
    ),
    "another type at the root": (
        array(STRING),
        ['s.type: Invalid value: "array": must be object at the root'],
    ),
    "no type of a field": (
        obj(a={}),
        [f"{A}.type: Required value: must not be empty for specified object fields"],
    ),
    "no type of items": (
        obj(a=array({})),
        [f"{A}.items.type: Required value: must not be empty for specified array items"],
    ),
    "no items": (
        obj(a={"type": "array"}),
        [f"{A}.items: Required value: must be specified"],
    ),
    "an unknown type": (
        obj(a={"type": "text"}),
        [
            (
                f'{A}.type: Unsupported value: "text": supported values: "array", "boolean", '
                '"integer", "number", "object", "string"'
            )
        ],
    ),
    "null": (
        obj(a={"type": "null"}),
        [
            (
                f'{A}.type: Unsupported value: "null": supported values: "array", "boolean", '
                '"integer", "number", "object", "string"'
            ),
            f"{A}.type: Forbidden: type cannot be set to null, use nullable as an alternative",
        ],
    ),
    "others at the root": (
        {"type": "object", "additionalProperties": STRING},
        ["s.additionalProperties: Forbidden: must not be used at the root"],
    ),
    "others beside properties": (
        obj(a={**obj(b=STRING), "additionalProperties": STRING}),
        [
            (
                f"{A}.additionalProperties: Forbidden: additionalProperties and properties are "
                "mutual exclusive"
            )
        ],
    ),
    "nullable at the root": (
        {"type": "object", "nullable": True},
        ["s.nullable: Forbidden: nullable cannot be true at the root"],
    ),
    "unique items": (
        obj(a=array(STRING, uniqueItems=True)),
        [
            (
                f"{A}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime "
                "complexity becomes quadratic"
            )
        ],
    ),
    "words of other standards": (
        obj(a={**STRING, "$ref": "#/x", "id": "x", "dependencies": {}, "definitions": {"a": {}}}),
        [
            f"{A}.id: Forbidden: id is not supported",
            f"{A}.definitions: Forbidden: definitions is not supported",
            f"{A}.dependencies: Forbidden: dependencies is not supported",
            f"{A}.$ref: Forbidden: $ref is not supported",
        ],
    ),
    "a pattern that is none": (
        obj(a={**STRING, "pattern": "[a"}),
        [
            (
                f'{A}.pattern: Invalid value: "[a": must be a valid regular expression, but '
                "isn't: error parsing regexp: missing closing ]: `[a`"
            )
        ],
    ),
    "structure in a junctor": (
        obj(a={**STRING, "anyOf": [{"type": "string", "description": "x", "default": 1}]}),
        [
            f"{A}.anyOf[0].default: Forbidden: must be undefined to be structural",
            f"{A}.anyOf[0].description: Forbidden: must be empty to be structural",
            f"{A}.anyOf[0].type: Forbidden: must be empty to be structural",
        ],
    ),
    "a field in a junctor only": (
        {"type": "object", "not": {"properties": {"a": {"minLength": 1}}}},
        [
            "s.properties[a]: Required value: because it is defined in s.not.properties[a]",
        ],
    ),
    "metadata in a junctor": (
        {**obj(metadata={"type": "object"}), "allOf": [{"properties": {"metadata": {}}}]},
        [
            "s.allOf[0].properties[metadata]: Forbidden: must not be specified in a nested context",
        ],
    ),
    "metadata beyond names": (
        obj(metadata=obj(labels={"type": "object"})),
        [
            (
                "s.properties[metadata]: Forbidden: must not specify anything other than name and "
                "generateName, but metadata is implicitly specified"
            )
        ],
    ),
    "kind of another type": (
        obj(kind=INTEGER),
        ['s.properties[kind].type: Invalid value: "integer": must be string'],
    ),
    "preserving and not": (
        obj(a={"type": "object", "x-kubernetes-preserve-unknown-fields": False}),
        [
            (
                f"{A}.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or "
                "undefined"
            )
        ],
    ),
    "int or string that is preserved": (
        obj(a={"x-kubernetes-int-or-string": True, "x-kubernetes-preserve-unknown-fields": True}),
        [
            (
                f"{A}.x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if "
                "x-kubernetes-int-or-string is true"
            )
        ],
    ),
    "an embedded text": (
        obj(a={**STRING, "x-kubernetes-embedded-resource": True}),
        [
            (
                f"{A}.properties: Required value: must not be empty if "
                "x-kubernetes-embedded-resource is true without "
                "x-kubernetes-preserve-unknown-fields"
            ),
            (
                f'{A}.type: Invalid value: "string": must be object if '
                "x-kubernetes-embedded-resource is true"
            ),
        ],
    ),
    "unknown list and map types": (
        obj(
            a=array(STRING, **list_type("bag")),
            b={"type": "object", "x-kubernetes-map-type": "mixed"},
        ),
        [
            (
                f'{A}.x-kubernetes-list-type: Unsupported value: "bag": supported values: '
                '"atomic", "set", "map"'
            ),
            (
                's.properties[b].x-kubernetes-map-type: Unsupported value: "mixed": supported '
                'values: "atomic", "granular"'
            ),
        ],
    ),
    "a list type of no list": (
        obj(a={**STRING, **list_type("set")}),
        [
            (
                f'{A}.type: Invalid value: "string": must be array if x-kubernetes-list-type is '
                "specified"
            )
        ],
    ),
    "a set of objects": (
        obj(a=array(obj(b=STRING), **list_type("set"))),
        [
            (
                f"{A}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of "
                "a list with x-kubernetes-list-type=set"
            )
        ],
    ),
    "a list map without keys": (
        obj(a=array(obj(b=STRING), **list_type("map"))),
        [
            (
                f"{A}.x-kubernetes-list-map-keys: Required value: must not be empty if "
                "x-kubernetes-list-type is map"
            )
        ],
    ),
    "keys of no list map": (
        obj(a=array(STRING, **{"x-kubernetes-list-map-keys": ["b"]})),
        [
            (
                f"{A}.x-kubernetes-list-type: Required value: must be map if "
                "x-kubernetes-list-map-keys is non-empty"
            )
        ],
    ),
    "keys that no item need have": (
        obj(a=array(obj(b={**STRING, "nullable": True}), **list_type("map", "b", "c"))),
        [
            (
                f'{A}.x-kubernetes-list-map-keys: Invalid value: ["b","c"]: entries must all be '
                "names of item properties"
            ),
            (
                f"{A}.items.properties[b].default: Required value: this property is in "
                "x-kubernetes-list-map-keys, so it must have a default or be a required property"
            ),
            (
                f"{A}.items.properties[b].nullable: Forbidden: this property is in "
                "x-kubernetes-list-map-keys, so it cannot be nullable"
            ),
        ],
    ),
    "a key twice": (
        obj(a=array({**obj(b=STRING), "required": ["b"]}, **list_type("map", "b", "b"))),
        [
            (
                f'{A}.x-kubernetes-list-map-keys: Invalid value: ["b","b"]: must not contain '
                "duplicate entries"
            ),
        ],
    ),
    "null items of a set": (
        obj(a=array({**STRING, "nullable": True}, **list_type("set"))),
        [f"{A}.items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set"],
    ),
    "a default that does not fit": (
        obj(a={**INTEGER, "default": "x"}),
        [
            f'{A}.default: Invalid value: "string":  in body must be of type integer: "string"',
        ],
    ),
    "a default with unknown fields": (
        obj(a={**obj(b=STRING), "default": {"b": "x", "c": 1}}),
        [f'{A}.default: Invalid value: {{"b":"x","c":1}}: must not have unknown fields'],
    ),
    "a default out of bounds": (
        obj(a={**obj(b={**STRING, "minLength": 3}), "default": {"b": "x"}}),
        [
            f'{A}.default.b: Invalid value: "x": b in body should be at least 3 chars long',
        ],
    ),
    "a default at the top": (
        obj(kind={**STRING, "default": "Foo"}),
        ["s.properties[kind].default: Forbidden: must not be set in top-level kind"],
    ),
    "a default in the metadata of an embedded object": (
        obj(
            a={
                **obj(metadata=obj(name={**STRING, "default": "a/b"})),
                "x-kubernetes-embedded-resource": True,
            }
        ),
        [
            (
                f"{A}.properties[metadata].properties[name].default: Invalid value: "
                '"a/b": must result in valid metadata: metadata.name: Invalid value: "a/b": '
                "may not contain '/'"
            )
        ],
    ),
}


@pytest.mark.parametrize(("tree", "told"), INVALID.values(), ids=INVALID)
def test_findings_are_upstreams(tree: Tree, told: list[str]) -> None:
    assert findings(tree) == told


def test_with_a_status_only_words_that_hold_of_it_may_stand_at_the_root() -> None:
    assert findings({**obj(a=STRING), "required": ["a"]}, status=True) == []
    (told,) = findings({**obj(a=STRING), "maxProperties": 3}, status=True)
    assert told.startswith("s: Invalid value: {")
    assert "fields are allowed at the root of the schema if the status" in told


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ([], 's: Invalid value: "array": must be of type object: "array"'),
        (
            obj(a={"type": 5}),
            f'{A}.type: Invalid value: "number": must be of type string: "number"',
        ),
        (
            {"type": "object", "properties": []},
            's.properties: Invalid value: "array": must be of type object: "array"',
        ),
        (
            {"type": "object", "x-kubernetes-validations": [5]},
            (
                's.x-kubernetes-validations[0]: Invalid value: "number": must be of type object: '
                '"number"'
            ),
        ),
    ],
)
def test_what_is_no_schema_is_told_by_type(tree: Any, told: str) -> None:
    assert findings(tree) == [told]


def test_depth_and_size_are_bounded() -> None:
    deep: Tree = STRING
    for _ in range(MAX_DEPTH + 1):
        deep = obj(a=deep)
    (told,) = findings(deep)
    assert told.endswith(f"Forbidden: schemas may not nest deeper than {MAX_DEPTH}")
    (told,) = findings(obj(**{f"f{i}": STRING for i in range(MAX_NODES + 1)}))
    assert told.endswith(f"there may not be more than {MAX_NODES} schemas in one")
    rules = [{"rule": "true"}] * (MAX_RULES + 1)
    (told,) = findings({"type": "object", "x-kubernetes-validations": rules})
    assert told.endswith(f"there may not be more than {MAX_RULES} rules in one schema")
