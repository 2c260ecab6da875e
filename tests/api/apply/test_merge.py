"""Tests of strongroom.api.apply.merge."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api.apply.fieldset import Fields, FieldsError
from strongroom.api.apply.merge import merge, with_named_fields, without
from strongroom.api.apply.shape import shape_of
from strongroom.resources.pod import Pod

_POD = shape_of(Pod)


def _pod(*containers: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": name} for name in containers]}}


def _names(tree: dict[str, Any]) -> str:
    return "".join(c["name"] for c in tree["spec"]["containers"])


@pytest.mark.parametrize(
    ("live", "config", "merged"),
    [
        ("", "ab", "ab"),
        ("ab", "", "ab"),
        ("ab", "ba", "ba"),
        ("abc", "b", "abc"),
        ("ab", "cab", "cab"),
        ("ab", "acb", "acb"),
        ("ab", "abc", "abc"),
        ("axb", "ba", "xba"),
        ("xab", "bca", "xbca"),
        ("abx", "ba", "bxa"),
    ],
)
def test_order_of_list_items(live: str, config: str, merged: str) -> None:
    assert _names(merge(_pod(*live), _pod(*config), _POD)) == merged


_LISTS = st.permutations("abcde").flatmap(
    lambda names: st.integers(0, 5).map(lambda n: "".join(names[:n]))
)


@given(_LISTS, _LISTS)
def test_every_item_is_there_once_and_in_the_order_of_the_configuration(a: str, b: str) -> None:
    merged = _names(merge(_pod(*a), _pod(*b), _POD))
    assert sorted(merged) == sorted(set(a) | set(b))
    assert [name for name in merged if name in b] == list(b)
    assert [name for name in merged if name not in b] == [name for name in a if name not in b]


def test_items_are_merged_and_leaves_replaced() -> None:
    live = {"spec": {"containers": [{"name": "a", "image": "1", "command": ["x", "y"]}]}}
    config = {"spec": {"containers": [{"name": "a", "command": ["z"]}], "hostname": "h"}}
    assert merge(live, config, _POD) == {
        "spec": {
            "containers": [{"name": "a", "image": "1", "command": ["z"]}],
            "hostname": "h",
        }
    }


def test_a_configuration_with_one_key_twice_is_refused() -> None:
    with pytest.raises(FieldsError, match="duplicate entries"):
        merge(_pod(), _pod("a", "a"), _POD)


def test_a_null_clears_a_leaf_and_leaves_a_map_alone() -> None:
    live = {"metadata": {"labels": {"a": "b"}}, "spec": {"hostname": "h"}}
    config = {"metadata": {"labels": None}, "spec": {"hostname": None}}
    assert merge(live, config, _POD) == {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"hostname": None},
    }


def test_fields_are_taken_out() -> None:
    tree = {
        "metadata": {"labels": {"a": "1", "b": "2"}, "finalizers": ["x", "y"]},
        "spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}]},
    }
    fields = {
        "f:metadata": {"f:labels": {"f:a": {}}, "f:finalizers": {'v:"x"': {}}},
        "f:spec": {"f:containers": {'k:{"name":"a"}': {"f:image": {}}, 'k:{"name":"b"}': {}}},
    }
    assert without(tree, fields, _POD) == {
        "metadata": {"labels": {"b": "2"}, "finalizers": ["y"]},
        "spec": {"containers": [{"name": "a"}]},
    }


def test_a_container_that_loses_everything_becomes_null() -> None:
    tree = {"metadata": {"labels": {"a": "1"}, "finalizers": ["x"]}}
    fields: Fields = {"f:metadata": {"f:labels": {"f:a": {}}, "f:finalizers": {'v:"x"': {}}}}
    assert without(tree, fields, _POD) == {"metadata": {"labels": None, "finalizers": None}}


def test_only_fields_of_structs_are_named() -> None:
    fields: Fields = {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {"f:containers": {"k:{}": {}}},
    }
    assert with_named_fields(fields, _POD) == {
        "f:metadata": {".": {}, "f:labels": {".": {}, "f:a": {}}},
        "f:spec": {".": {}, "f:containers": {".": {}, "k:{}": {}}},
    }
