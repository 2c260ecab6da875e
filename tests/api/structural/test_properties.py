"""What holds for any schema and any tree."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.api import codec, custom
from strongroom.api.findings import Path
from strongroom.api.jsontext import copy_tree
from strongroom.api.structural import find_unknown, parse, prune, set_defaults, validate
from strongroom.api.structural.walking import is_clean
from tests.api.structural.schemas import Tree

NAMES = st.sampled_from(["a", "b", "c", "kind", "metadata", "x-y"])
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "xyz"])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)

LEAVES: st.SearchStrategy[Tree] = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "default": "d"},
        {"type": "string", "nullable": True, "default": "d"},
        {"type": "integer", "minimum": 0, "default": 1},
        {"type": "boolean"},
        {"x-kubernetes-int-or-string": True},
        {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        {"x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "additionalProperties": True},
    ]
)


def _grown(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    fields = st.dictionaries(NAMES, inner, min_size=1, max_size=4)
    return (
        st.builds(lambda p: {"type": "object", "properties": p}, fields)
        | st.builds(lambda p: {"type": "object", "properties": p, "default": {}}, fields)
        | st.builds(lambda v: {"type": "object", "additionalProperties": v}, inner)
        | st.builds(lambda i: {"type": "array", "items": i}, inner)
    )


SCHEMAS = st.builds(
    lambda spec: {"type": "object", "properties": {"spec": spec}},
    st.recursive(LEAVES, _grown, max_leaves=6),
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(SCHEMAS, TREES)
def test_pruning_is_idempotent_and_leaves_nothing_unknown(schema_tree: Tree, value: Any) -> None:
    schema, _ = parse(schema_tree, Path())
    if schema is None:
        return
    tree = {"kind": "K", "spec": value}
    told = find_unknown(tree, schema)
    before = copy_tree(tree)
    prune(tree, schema)
    assert find_unknown(tree, schema) == []
    once = copy_tree(tree)
    prune(tree, schema)
    assert tree == once
    if is_clean(before, schema, root=True):
        assert (tree, told) == (before, [])


@QUICK
@given(SCHEMAS, TREES)
def test_defaulting_is_idempotent(schema_tree: Tree, value: Any) -> None:
    schema, _ = parse(schema_tree, Path())
    if schema is None:
        return
    tree = {"spec": value}
    set_defaults(tree, schema)
    once = copy_tree(tree)
    set_defaults(tree, schema)
    assert tree == once


@QUICK
@given(SCHEMAS, TREES)
def test_what_is_valid_stays_so_over_a_round_trip(schema_tree: Tree, value: Any) -> None:
    schema, _ = parse(schema_tree, Path())
    if schema is None:
        return
    struct = custom.custom_type("example.com", "v1", "Foo", schema)
    tree = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "n"}, "spec": value}
    obj = codec.decode(codec.encode(tree), struct, kind="Foo").obj
    custom.set_defaults(obj)
    told = validate(custom.view_tree(obj), schema)
    again = codec.decode(codec.encode(obj), struct, kind="Foo", find=True)
    assert again.findings == []
    custom.set_defaults(again.obj)
    assert codec.encode(again.obj) == codec.encode(obj)
    assert validate(custom.view_tree(again.obj), schema) == told
    # Nothing has changed, so nothing is held against it.
    assert validate(custom.view_tree(again.obj), schema, custom.view_tree(obj)) == []
