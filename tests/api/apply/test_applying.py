"""Tests of strongroom.api.apply.applying."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from strongroom.api import codec
from strongroom.api.apply.conflicts import Conflicts
from strongroom.api.apply.owners import applier
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.pod import Pod
from tests.api.apply.acting import Acting


def _refusal(acting: Acting, name: str, config: dict[str, Any]) -> str:
    with pytest.raises(Conflicts) as caught:
        acting.apply(name, config)
    return caught.value.status().message


def test_the_first_apply_makes_the_object_and_owns_what_it_said() -> None:
    acting = Acting(ConfigMap)
    acting.apply("a", {"metadata": {"name": "x", "labels": {"l": "1"}}, "data": {"k": "v"}})
    assert acting.tree == {"metadata": {"name": "x", "labels": {"l": "1"}}, "data": {"k": "v"}}
    assert acting.owned("a") == {"f:metadata": {"f:labels": {"f:l": {}}}, "f:data": {"f:k": {}}}


def test_the_same_value_is_owned_together() -> None:
    acting = Acting(ConfigMap)
    acting.apply("a", {"data": {"k": "v"}})
    acting.apply("b", {"data": {"k": "v"}})
    assert acting.owned("a") == acting.owned("b") == {"f:data": {"f:k": {}}}


def test_another_value_is_a_conflict() -> None:
    acting = Acting(ConfigMap)
    acting.apply("a", {"data": {"k": "v"}})
    assert _refusal(acting, "b", {"data": {"k": "w"}}) == (
        'Apply failed with 1 conflict: conflict with "a": .data.k'
    )


def test_force_takes_the_field() -> None:
    acting = Acting(ConfigMap)
    acting.apply("a", {"data": {"k": "v", "own": "v"}})
    acting.apply("b", {"data": {"k": "w"}}, force=True)
    assert acting.tree["data"] == {"k": "w", "own": "v"}
    assert acting.owned("a") == {"f:data": {"f:own": {}}}
    assert acting.owned("b") == {"f:data": {"f:k": {}}}


def test_a_field_is_removed_when_its_only_owner_no_longer_says_it() -> None:
    acting = Acting(ConfigMap)
    acting.apply("a", {"data": {"k": "v", "l": "v"}})
    acting.apply("a", {"data": {"l": "v"}})
    assert acting.tree["data"] == {"l": "v"}


def test_a_field_stays_while_somebody_owns_it() -> None:
    acting = Acting(ConfigMap)
    acting.apply("a", {"data": {"k": "v"}})
    acting.apply("b", {"data": {"k": "v"}})
    acting.apply("a", {"metadata": {"labels": {"x": "y"}}})
    assert acting.tree["data"] == {"k": "v"}
    acting.apply("b", {"metadata": {"labels": {"x": "y"}}})
    assert "data" not in acting.tree


def test_a_field_that_nobody_owned_stays() -> None:
    acting = Acting(ConfigMap)
    acting.apply("a", {"data": {"k": "v"}})
    acting.tree = {**acting.tree, "data": {"k": "v", "stray": "v"}}
    acting.apply("a", {"data": {"l": "v"}})
    assert acting.tree["data"] == {"l": "v", "stray": "v"}


def test_a_manager_that_owns_nothing_any_more_has_no_entry() -> None:
    acting = Acting(ConfigMap)
    acting.apply("a", {"data": {"k": "v"}})
    acting.apply("b", {"data": {"k": "w"}}, force=True)
    assert set(acting.owners) == {applier("b")}


def test_an_object_that_had_no_owners_belongs_to_before_first_apply() -> None:
    acting = Acting(ConfigMap)
    acting.tree = {"metadata": {"name": "x"}, "data": {"k": "v"}}
    assert _refusal(acting, "a", {"data": {"k": "w"}}) == (
        'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.k'
    )
    acting.apply("a", {"data": {"k": "v"}})
    assert acting.owned("before-first-apply") == {"f:data": {".": {}, "f:k": {}}}


def test_an_apply_that_changes_nothing_keeps_its_time_and_a_new_one_has_none() -> None:
    acting = Acting(ConfigMap)
    acting.apply("a", {"data": {"k": "v"}})
    acting.apply("a", {"data": {"k": "v"}})
    acting.apply("b", {"data": {"k": "v"}})
    assert acting.owners[applier("a")].time == "2026-01-01T00:00:01Z"
    assert acting.owners[applier("b")].time == ""


def _pod(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)}}


def test_list_items_belong_to_who_applied_them() -> None:
    acting = Acting(Pod)
    acting.apply("a", _pod({"name": "a", "image": "1"}))
    acting.apply("b", _pod({"name": "b", "image": "1"}))
    assert [c["name"] for c in acting.tree["spec"]["containers"]] == ["a", "b"]
    message = _refusal(acting, "b", _pod({"name": "a", "image": "2"}))
    assert message.endswith('conflict with "a": .spec.containers[name="a"].image')
    acting.apply("a", {"spec": {"hostname": "h"}})
    assert [c["name"] for c in acting.tree["spec"]["containers"]] == ["b"]


def test_an_item_keeps_what_others_put_into_it() -> None:
    acting = Acting(Pod)
    acting.apply("a", _pod({"name": "a", "image": "1", "workingDir": "/"}))
    acting.apply("b", _pod({"name": "a", "tty": True}))
    acting.apply("a", {"spec": {"hostname": "h"}})
    (container,) = acting.tree["spec"]["containers"]
    assert container["name"] == "a"
    assert container["tty"]
    assert not container.get("image")
    assert "workingDir" not in container


def test_items_of_a_set_have_owners_of_their_own() -> None:
    acting = Acting(ConfigMap)
    acting.apply("a", {"metadata": {"finalizers": ["x/a", "x/both"]}})
    acting.apply("b", {"metadata": {"finalizers": ["x/b", "x/both"]}})
    acting.apply("a", {"data": {"k": "v"}})
    assert acting.tree["metadata"]["finalizers"] == ["x/b", "x/both"]


def test_an_atomic_list_is_replaced_or_in_conflict() -> None:
    acting = Acting(Pod)
    acting.apply("a", _pod({"name": "a", "command": ["x"]}))
    message = _refusal(acting, "b", _pod({"name": "a", "command": ["x", "y"]}))
    assert message.endswith(".command")
    acting.apply("b", _pod({"name": "a", "command": ["y"]}), force=True)
    assert acting.tree["spec"]["containers"][0]["command"] == ["y"]


def test_a_controller_that_forces_takes_ownership_from_the_applier() -> None:
    acting = Acting(ConfigMap)
    acting.apply("user", {"data": {"replicas": "1", "k": "v"}})
    acting.apply("controller", {"data": {"replicas": "3"}}, force=True)
    acting.apply("user", {"data": {"k": "v"}})
    assert acting.tree["data"] == {"replicas": "3", "k": "v"}


def test_an_update_between_is_a_conflict_for_the_applier() -> None:
    acting = Acting(ConfigMap)
    acting.apply("a", {"data": {"k": "v"}})
    acting.update("kubectl", {"data": {"k": "w"}})
    assert _refusal(acting, "a", {"data": {"k": "v"}}) == (
        'Apply failed with 1 conflict: conflict with "kubectl" using v1: .data.k'
    )


_VALUES = st.text("xyz", min_size=1, max_size=2)
# Empty maps are left out of stored objects, so that applying one is a change each time.
_DATA = st.dictionaries(st.sampled_from("abcd"), _VALUES, min_size=1, max_size=4)
_CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abc")}, optional={"image": _VALUES, "tty": st.just(value=True)}
    ),
    max_size=3,
    unique_by=lambda container: container["name"],
)
_CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries({"labels": _DATA, "annotations": _DATA}),
        "spec": st.fixed_dictionaries({"containers": _CONTAINERS, "nodeSelector": _DATA}),
    },
)


@given(st.lists(st.tuples(st.sampled_from("mno"), _CONFIGS), min_size=1, max_size=5))
def test_applying_again_changes_nothing(steps: list[tuple[str, dict[str, Any]]]) -> None:
    acting = Acting(Pod)
    for name, config in steps:
        acting.apply(name, config, force=True)
    before = acting.tree, acting.owners
    acting.apply(*steps[-1])
    assert (acting.tree, acting.owners) == before


def _leaves(tree: Any) -> Any:
    """A tree in which the order of items does not matter."""
    if isinstance(tree, list):
        return {item["name"] if isinstance(item, dict) else item: _leaves(item) for item in tree}
    if isinstance(tree, dict):
        return {name: _leaves(value) for name, value in tree.items()}
    return tree


@given(_CONFIGS, _CONFIGS)
def test_managers_that_do_not_disagree_commute(a: dict[str, Any], b: dict[str, Any]) -> None:
    one, other = Acting(Pod), Acting(Pod)
    try:
        one.apply("a", a)
        one.apply("b", b)
    except Conflicts:
        assume(False)
    other.apply("b", b)
    other.apply("a", a)
    assert _leaves(one.tree) == _leaves(other.tree)
    assert {m: o.fields for m, o in one.owners.items()} == {
        m: o.fields for m, o in other.owners.items()
    }


@given(_CONFIGS, _CONFIGS)
def test_who_takes_back_everything_leaves_what_the_other_applied(
    a: dict[str, Any], b: dict[str, Any]
) -> None:
    acting, alone = Acting(Pod), Acting(Pod)
    alone.apply("a", a)
    acting.apply("a", a)
    try:
        acting.apply("b", b)
    except Conflicts:
        assume(False)
    acting.apply("b", {})
    assert acting.owned("a") == alone.owned("a")
    assert _leaves(_pruned(acting.tree)) == _leaves(_pruned(alone.tree))


def _pruned(tree: Any) -> Any:
    """A tree without empty parts: who applied ``{}`` may be gone, and the ``{}`` still there."""
    if isinstance(tree, dict):
        inner = {name: _pruned(value) for name, value in tree.items()}
        return {name: value for name, value in inner.items() if value not in ({}, [], "")}
    return [_pruned(item) for item in tree] if isinstance(tree, list) else tree


def test_trees_are_not_changed() -> None:
    acting = Acting(Pod)
    acting.apply("a", _pod({"name": "a", "image": "1"}))
    config = _pod({"name": "a", "image": "2"}, {"name": "b"})
    texts = codec.encode(acting.tree), codec.encode(config)
    live = acting.tree
    acting.apply("b", config, force=True)
    assert (codec.encode(live), codec.encode(config)) == texts
