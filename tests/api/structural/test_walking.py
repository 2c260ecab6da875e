"""Pruning, defaulting and unknown fields."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.jsontext import copy_tree
from strongroom.api.structural import find_unknown, prune, set_defaults
from tests.api.structural.schemas import (
    ANYTHING,
    INTEGER,
    STRING,
    Tree,
    array,
    obj,
    parsed,
    spec,
)

PRUNED: dict[str, tuple[Tree, Any, Any, list[str]]] = {
    # schema of spec, spec before, spec after, what is unknown below spec
    "known fields stay": (obj(a=STRING), {"a": "x"}, {"a": "x"}, []),
    "empty values stay": (
        obj(a=STRING, b=array(STRING), c=obj(d=STRING)),
        {"a": "", "b": [], "c": {}},
        {"a": "", "b": [], "c": {}},
        [],
    ),
    "unknown fields go": (obj(a=STRING), {"b": 1, "a": "x", "c": {}}, {"a": "x"}, ["b", "c"]),
    "also in items": (
        obj(a=array(obj(b=STRING))),
        {"a": [{"b": "x"}, {"c": 1, "b": "y"}]},
        {"a": [{"b": "x"}, {"b": "y"}]},
        ["a[1].c"],
    ),
    "also in the values of a map": (
        {"type": "object", "additionalProperties": obj(b=STRING)},
        {"x": {"b": "1", "c": 2}},
        {"x": {"b": "1"}},
        ["x.c"],
    ),
    "a map of anything has plain values only": (
        {"type": "object", "additionalProperties": True},
        {"x": 1, "y": {"z": 1}, "w": [{"z": 1}]},
        {"x": 1, "y": {}, "w": [{}]},
        ["w[0].z", "y.z"],
    ),
    "what is preserved stays": (ANYTHING, {"a": {"b": None}}, {"a": {"b": None}}, []),
    "below what is preserved the schema holds": (
        {**ANYTHING, "properties": {"a": obj(b=STRING)}},
        {"a": {"b": "x", "c": 1}, "d": {"e": 1}},
        {"a": {"b": "x"}, "d": {"e": 1}},
        ["a.c"],
    ),
    "items of a preserved list are preserved": (
        obj(a=array(obj(b=STRING), **{"x-kubernetes-preserve-unknown-fields": True})),
        {"a": [{"c": 1}]},
        {"a": [{"c": 1}]},
        [],
    ),
    "embedded objects keep type and metadata": (
        {**obj(a=STRING), "x-kubernetes-embedded-resource": True},
        {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}, "a": "x", "b": 1},
        {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}, "a": "x"},
        ["b"],
    ),
    "nulls that may not be go": (obj(a=STRING, b=STRING), {"a": None, "b": "x"}, {"b": "x"}, []),
    "nulls that may be stay": (obj(a={**STRING, "nullable": True}), {"a": None}, {"a": None}, []),
    "nulls wait for a default": (obj(a={**STRING, "default": "x"}), {"a": None}, {"a": None}, []),
    "null items stay": (obj(a=array(STRING)), {"a": [None]}, {"a": [None]}, []),
}


@pytest.mark.parametrize(("schema", "before", "after", "unknown"), PRUNED.values(), ids=PRUNED)
def test_pruning(schema: Tree, before: Any, after: Any, unknown: list[str]) -> None:
    whole = parsed(obj(spec=schema))
    tree = {"apiVersion": "v1", "kind": "Foo", "metadata": {"any": 1}, "spec": before}
    assert find_unknown(tree, whole) == [f"spec.{path}" for path in unknown]
    prune(tree, whole)
    assert tree == {"apiVersion": "v1", "kind": "Foo", "metadata": {"any": 1}, "spec": after}
    assert find_unknown(tree, whole) == []


def test_unknown_fields_at_the_root() -> None:
    tree = {"kind": "Foo", "extra": 1, "spec": {}}
    assert find_unknown(tree, spec(a=STRING)) == ["extra"]
    assert find_unknown(tree, None) == []


DEFAULTED: dict[str, tuple[Tree, Any, Any]] = {
    "what is missing": (obj(a={**STRING, "default": "x"}), {}, {"a": "x"}),
    "what is there stays": (obj(a={**STRING, "default": "x"}), {"a": ""}, {"a": ""}),
    "null that may not be": (obj(a={**STRING, "default": "x"}), {"a": None}, {"a": "x"}),
    "null that may be": (
        obj(a={**STRING, "default": "x", "nullable": True}),
        {"a": None},
        {"a": None},
    ),
    "below what is there": (obj(a=obj(b={**STRING, "default": "x"})), {"a": {}}, {"a": {"b": "x"}}),
    "not below what is missing": (obj(a=obj(b={**STRING, "default": "x"})), {}, {}),
    "below a default": (
        obj(a={**obj(b={**INTEGER, "default": 1}, c=INTEGER), "default": {}}),
        {},
        {"a": {"b": 1}},
    ),
    "in items": (
        obj(a=array(obj(b={**STRING, "default": "x"}))),
        {"a": [{}, {"b": "y"}]},
        {"a": [{"b": "x"}, {"b": "y"}]},
    ),
    "null items": (
        obj(a=array({**STRING, "default": "x"})),
        {"a": [None, "y"]},
        {"a": ["x", "y"]},
    ),
    "null values of a map": (
        obj(a={"type": "object", "additionalProperties": {**STRING, "default": "x"}}),
        {"a": {"k": None}},
        {"a": {"k": "x"}},
    ),
    "in values of a map": (
        obj(a={"type": "object", "additionalProperties": obj(b={**STRING, "default": "x"})}),
        {"a": {"k": {}}},
        {"a": {"k": {"b": "x"}}},
    ),
}


@pytest.mark.parametrize(("schema", "before", "after"), DEFAULTED.values(), ids=DEFAULTED)
def test_defaulting(schema: Tree, before: Any, after: Any) -> None:
    tree = {"spec": copy_tree(before)}
    set_defaults(tree, parsed(obj(spec=schema)))
    assert tree == {"spec": after}


def test_a_default_is_not_shared_between_objects() -> None:
    schema = spec(a={**obj(b=array(STRING)), "default": {"b": []}})
    first: Tree = {"spec": {}}
    set_defaults(first, schema)
    first["spec"]["a"]["b"].append("x")
    second: Tree = {"spec": {}}
    set_defaults(second, schema)
    assert second == {"spec": {"a": {"b": []}}}
