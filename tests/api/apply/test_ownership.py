"""Tests of strongroom.api.apply.ownership."""

from __future__ import annotations

from typing import Any

from strongroom.api.apply.ownership import compare, mentioned
from strongroom.api.apply.shape import shape_of
from strongroom.resources.pod import Pod
from strongroom.resources.secret import Secret

_POD = shape_of(Pod)


def _containers(*containers: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)}}


def test_a_configuration_owns_its_leaves_map_entries_and_list_items() -> None:
    config = {
        "metadata": {"labels": {"a": "b"}, "finalizers": ["x/y"]},
        "spec": {
            "nodeSelector": {"disk": "ssd"},
            "containers": [{"name": "c", "command": ["a"], "ports": [{"containerPort": 1}]}],
        },
    }
    assert mentioned(config, _POD) == {
        "f:metadata": {"f:labels": {"f:a": {}}, "f:finalizers": {'v:"x/y"': {}}},
        "f:spec": {
            "f:nodeSelector": {},
            "f:containers": {
                'k:{"name":"c"}': {
                    ".": {},
                    "f:name": {},
                    "f:command": {},
                    "f:ports": {
                        'k:{"containerPort":1,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}
                    },
                }
            },
        },
    }


def test_an_empty_map_is_owned_and_an_empty_list_is_not() -> None:
    config: dict[str, Any] = {"metadata": {"labels": {}, "finalizers": [], "annotations": None}}
    assert mentioned(config, _POD) == {"f:metadata": {"f:labels": {}, "f:annotations": {}}}


def test_a_new_map_is_added_with_its_entries() -> None:
    found = compare({"metadata": {}}, {"metadata": {}, "data": {"a": "x"}}, shape_of(Secret))
    assert found.added == {"f:data": {".": {}, "f:a": {}}}
    assert not found.removed
    assert not found.modified


def test_a_comparison_tells_apart_what_is_added_modified_and_removed() -> None:
    old = {"data": {"a": "x", "b": "y"}, "type": "Opaque"}
    new = {"data": {"b": "z", "c": "y"}}
    found = compare(old, new, shape_of(Secret))
    assert found.added == {"f:data": {"f:c": {}}}
    assert found.modified == {"f:data": {"f:b": {}}}
    assert found.removed == {"f:data": {"f:a": {}}, "f:type": {}}


def test_list_items_are_compared_by_key_whatever_their_order() -> None:
    a, b = {"name": "a", "image": "1"}, {"name": "b", "image": "1"}
    found = compare(_containers(a, b), _containers(b, {**a, "image": "2"}), _POD)
    below = found.modified["f:spec"]["f:containers"]
    assert below == {'k:{"name":"a"}': {"f:image": {}}}
    assert not found.added
    assert not found.removed


def test_a_removed_item_goes_with_all_that_was_in_it() -> None:
    found = compare(_containers({"name": "a", "image": "1"}), _containers(), _POD)
    gone = found.removed["f:spec"]["f:containers"]
    assert gone == {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:image": {}}}


def test_items_that_share_a_key_are_one() -> None:
    env = {"name": "a", "value": "1"}

    def pod(*values: str) -> dict[str, Any]:
        return _containers({"name": "c", "env": [{**env, "value": v} for v in values]})

    def env_of(fields: dict[str, Any]) -> Any:
        below = fields.get("f:spec", {}).get("f:containers", {}).get('k:{"name":"c"}', {})
        return below.get("f:env", {}).get('k:{"name":"a"}')

    assert env_of(mentioned(pod("1", "2"), _POD)) == {}
    assert env_of(compare(pod("1", "2"), pod("1", "3"), _POD).modified) == {}
    assert compare(pod("1", "2"), pod("1", "2"), _POD).modified == {}
    fewer = compare(pod("1", "2"), pod("1"), _POD)
    assert env_of(fewer.removed) == {}
    assert env_of(fewer.added) == {".": {}, "f:name": {}, "f:value": {}}
    assert env_of(compare(pod("1"), pod("1", "2"), _POD).added) == {}


def test_what_a_path_cannot_change_is_not_looked_at() -> None:
    old: dict[str, Any] = {"spec": {}, "status": {"phase": "Pending"}}
    new = {"spec": {"nodeName": "n"}, "status": {"phase": "Running"}}
    found = compare(old, new, _POD).without({"f:status": {}})
    assert found.changed() == {"f:spec": {"f:nodeName": {}}}
