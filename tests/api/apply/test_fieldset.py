"""Tests of strongroom.api.apply.fieldset."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api.apply.fieldset import (
    Fields,
    FieldsError,
    contains,
    difference,
    intersection,
    key_element,
    path_text,
    paths,
    read,
    recursive_difference,
    union,
    value_element,
)

_NAMES = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'])
_PATHS = st.sets(st.lists(_NAMES, min_size=1, max_size=3).map(tuple), max_size=8)


def _set(members: set[Any]) -> Fields:
    tree: Fields = {}
    for member in members:
        node = tree
        for element in member:
            node = node.setdefault(element, {})
        node["."] = {}
    return read(tree)


@given(_PATHS, _PATHS)
def test_the_algebra_is_that_of_sets_of_paths(a: set[Any], b: set[Any]) -> None:
    assert set(paths(union(_set(a), _set(b)))) == a | b
    assert set(paths(difference(_set(a), _set(b)))) == a - b
    assert set(paths(intersection(_set(a), _set(b)))) == a & b
    above = {path for path in a if any(path[:n] in b for n in range(1, len(path) + 1))}
    assert set(paths(recursive_difference(_set(a), _set(b)))) == a - above


@given(_PATHS, _PATHS)
def test_results_are_in_the_one_form_of_their_set(a: set[Any], b: set[Any]) -> None:
    assert union(_set(a), _set(b)) == _set(a | b)
    assert difference(_set(a), _set(b)) == _set(a - b)
    assert intersection(_set(a), _set(b)) == _set(a & b)


@given(_PATHS, _PATHS)
def test_containing_is_being_among_the_paths(a: set[Any], b: set[Any]) -> None:
    assert all(contains(_set(a), path) == (path in a) for path in a | b)


def test_a_set_that_another_server_wrote_is_brought_into_one_form() -> None:
    assert read({'k:{"protocol": "TCP","containerPort":80}': {".": {}}, "f:a": {"f:b": {}}}) == {
        'k:{"containerPort":80,"protocol":"TCP"}': {},
        "f:a": {"f:b": {}},
    }


def test_text_in_elements_is_escaped_as_go_does() -> None:
    assert value_element("a<b>&") == 'v:"a\\u003cb\\u003e\\u0026"'
    assert read({'v:"a<b"': {}}) == read({'v:"a\\u003cb"': {}})


def test_elements_of_an_unknown_kind_are_left_out() -> None:
    assert read({"x:later": {}, "f:a": {}}) == {"f:a": {}}


@pytest.mark.parametrize("tree", [[], {"f:a": 1}, {"a": {}}, {"k:{": {}}, {"i:x": {}}, {"k:1": {}}])
def test_what_is_no_set_is_refused(tree: Any) -> None:
    with pytest.raises(FieldsError):
        read(tree)


def test_paths_are_shown_as_upstream_shows_them() -> None:
    port = key_element({"protocol": "TCP", "containerPort": 80})
    path = ("f:spec", 'k:{"name":"a"}', "f:ports", port, "f:name")
    assert path_text(path) == '.spec[name="a"].ports[containerPort=80,protocol="TCP"].name'
    assert path_text(("f:finalizers", 'v:"x"')) == '.finalizers[="x"]'
    assert path_text(("f:a", "i:3")) == ".a[3]"


def test_ports_are_in_order_of_their_numbers() -> None:
    ports: Fields = {key_element({"containerPort": port}): {} for port in (9090, 80, 443)}
    assert [path_text(path) for path in paths(ports)] == [
        "[containerPort=80]",
        "[containerPort=443]",
        "[containerPort=9090]",
    ]


def test_a_level_comes_before_what_is_below_it() -> None:
    fields = read({"f:a": {"f:x": {}}, "f:b": {}, "v:true": {}, "v:1": {}, 'v:"1"': {}})
    shown = [path_text(path) for path in paths(fields)]
    assert shown == [".b", "[=1]", '[="1"]', "[=true]", ".a.x"]
