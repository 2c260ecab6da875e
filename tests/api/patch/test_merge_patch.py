"""JSON merge patch: the examples of RFC 7386, and its laws."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api.patch.json_patch import equal
from strongroom.api.patch.merge_patch import apply_merge_patch

# RFC 7386, appendix A: target, patch, result.
EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2)
keys = st.text("abc", min_size=1, max_size=2)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)
documents = st.dictionaries(keys, trees, max_size=4)


def make_merge_patch(old: Any, new: Any) -> Any:
    """A patch that turns ``old`` into ``new``, provided that ``new`` holds no nulls."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif old[key] != value or type(old[key]) is not type(value):
            patch[key] = make_merge_patch(old[key], value)
    return patch


def without_nulls(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {k: without_nulls(v) for k, v in tree.items() if v is not None}
    return tree


@pytest.mark.parametrize(("target", "patch", "result"), EXAMPLES)
def test_examples_of_the_rfc(target: Any, patch: Any, result: Any) -> None:
    assert equal(apply_merge_patch(target, patch), result)


@given(trees, trees)
def test_nothing_is_changed_in_place(target: Any, patch: Any) -> None:
    before = deepcopy((target, patch))
    apply_merge_patch(target, patch)
    assert (target, patch) == before


@given(documents)
def test_the_empty_patch_changes_nothing(target: Any) -> None:
    assert apply_merge_patch(target, {}) == target


@given(documents, documents)
def test_a_patch_is_idempotent(target: Any, patch: Any) -> None:
    once = apply_merge_patch(target, patch)
    assert equal(apply_merge_patch(once, patch), once)


@given(documents, documents)
def test_the_difference_leads_to_the_other(old: Any, new: Any) -> None:
    old, new = without_nulls(old), without_nulls(new)
    assert equal(apply_merge_patch(old, make_merge_patch(old, new)), new)
