"""Server-side apply of custom objects: what their schema says of ownership."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from strongroom.api.apply.configuration import problems
from strongroom.api.apply.conflicts import Conflicts
from strongroom.api.apply.fieldset import FieldsError
from strongroom.api.apply.ownership import compare, mentioned
from strongroom.api.apply.shape import shape_of
from strongroom.api.custom import custom_type
from tests.api.apply.acting import Acting
from tests.api.structural.schemas import (
    ANYTHING,
    INTEGER,
    STRING,
    Tree,
    array,
    list_type,
    obj,
    spec,
)

PORT = {
    **obj(port=INTEGER, protocol={**STRING, "default": "TCP"}, name=STRING),
    "required": ["port"],
}
FOO = custom_type(
    "example.com",
    "v1",
    "Foo",
    spec(
        ports=array(PORT, **list_type("map", "port", "protocol")),
        set=array(STRING, **list_type("set")),
        plain=array(STRING),
        group={**obj(a=STRING, b=STRING), "x-kubernetes-map-type": "atomic"},
        fields=obj(a=STRING, b=STRING),
        map={"type": "object", "additionalProperties": STRING},
        size={"x-kubernetes-int-or-string": True},
        free=ANYTHING,
        half={**ANYTHING, "properties": {"known": obj(a=STRING)}},
    ),
)
FREE = custom_type("example.com", "v1", "Free", None)


class CustomActing(Acting):
    """Says type and version with each configuration, which custom objects must."""

    def apply(self, name: str, config: Tree, *, force: bool = False) -> None:
        head = {"apiVersion": "example.com/v1", "kind": "Foo"}
        super().apply(name, {**head, **config}, force=force)


def owned(spec_: Tree) -> Any:
    """The fields of ``spec`` that a configuration with it mentions."""
    fields = mentioned({"spec": spec_}, shape_of(FOO))
    return fields.get("f:spec")


OWNED: dict[str, tuple[Tree, Any]] = {
    "fields each": ({"fields": {"a": "x"}}, {"f:fields": {"f:a": {}}}),
    "entries each, and the map's names": ({"map": {"k": "x"}}, {"f:map": {"f:k": {}}}),
    "an atomic map": ({"group": {"a": "x"}}, {"f:group": {}}),
    "an atomic list": ({"plain": ["x"]}, {"f:plain": {}}),
    "a set's items": ({"set": ["x"]}, {"f:set": {'v:"x"': {}}}),
    "a list map's items": (
        {"ports": [{"port": 80}]},
        {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}},
    ),
    "int or string": ({"size": "5%"}, {"f:size": {}}),
    "what nothing is declared of": (
        {"free": {"a": {"b": 1, "c": [1, {"d": 2}], "e": {}}}},
        {"f:free": {"f:a": {".": {}, "f:b": {}, "f:c": {}, "f:e": {}}}},
    ),
    "declared fields beside others": (
        {"half": {"known": {"a": "x"}, "other": {"b": 1}}},
        {"f:half": {"f:known": {"f:a": {}}, "f:other": {".": {}, "f:b": {}}}},
    ),
}


@pytest.mark.parametrize(("value", "fields"), OWNED.values(), ids=OWNED)
def test_what_is_owned(value: Tree, fields: Any) -> None:
    assert owned(value) == fields


def test_without_a_schema_all_is_deduced() -> None:
    tree = {"metadata": {"labels": {"a": "b"}}, "spec": {"a": {"b": [1]}}, "x": 1}
    assert mentioned(tree, shape_of(FREE)) == {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {".": {}, "f:a": {".": {}, "f:b": {}}},
        "f:x": {},
    }


def test_what_becomes_an_object_is_modified_and_has_new_fields() -> None:
    shape = shape_of(FREE)
    found = compare({"value": 1}, {"value": {"deep": {"nested": 1}}}, shape)
    assert found.modified == {"f:value": {}}
    assert found.added == {"f:value": {"f:deep": {".": {}, "f:nested": {}}}}
    assert found.removed == {}
    back = compare({"value": {"a": 1}}, {"value": 1}, shape)
    assert back.modified == {"f:value": {}}


PROBLEMS = {
    "an unknown field": ({"extra": 1}, ".spec.extra: field not declared in schema"),
    "a wrong type": ({"fields": {"a": 1}}, ".spec.fields.a: expected string, got number"),
    "no list": ({"set": {}}, ".spec.set: expected list, got map"),
    "in an atomic map": ({"group": {"c": 1}}, ".spec.group.c: field not declared in schema"),
    "a key twice": (
        {"ports": [{"port": 80}, {"port": 80, "protocol": "TCP"}]},
        '.spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
    ),
    "no key": (
        {"ports": [{"name": "x", "protocol": None}]},
        "",
    ),
    "anything where it may be": ({"free": {"a": [{}]}, "half": {"x": 1}, "size": 5}, ""),
}


@pytest.mark.parametrize(("value", "told"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_configuration_must_fit_the_schema(value: Tree, told: str) -> None:
    assert problems({"kind": "Foo", "spec": value}, shape_of(FOO)) == told


class TestServerSideApplyShouldWorkForCRDs:
    """The scenario of upstream's end-to-end test."""

    def test_set_and_map_lists_are_merged(self) -> None:
        acting = CustomActing(FOO)
        acting.apply("a", {"spec": {"set": ["x"], "ports": [{"port": 80, "name": "a"}]}})
        acting.apply("b", {"spec": {"set": ["y"], "ports": [{"port": 81, "name": "b"}]}})
        assert acting.tree["spec"] == {
            "set": ["x", "y"],
            "ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}],
        }
        acting.apply("a", {"spec": {"set": ["x"]}})
        assert acting.tree["spec"]["ports"] == [{"port": 81, "name": "b"}]

    def test_a_conflict_has_exactly_one_cause(self) -> None:
        acting = CustomActing(FOO)
        acting.apply("a", {"spec": {"ports": [{"port": 80, "name": "a"}]}})
        with pytest.raises(Conflicts) as caught:
            acting.apply("b", {"spec": {"ports": [{"port": 80, "name": "b"}]}})
        status = caught.value.status()
        assert status.details is not None
        (cause,) = status.details.causes
        assert cause.field == '.spec.ports[port=80,protocol="TCP"].name'
        acting.apply("b", {"spec": {"ports": [{"port": 80, "name": "b"}]}}, force=True)
        assert acting.tree["spec"]["ports"] == [{"port": 80, "name": "b"}]

    def test_atomic_lists_and_maps_are_replaced(self) -> None:
        acting = CustomActing(FOO)
        acting.apply("a", {"spec": {"plain": ["x", "y"], "group": {"a": "1", "b": "2"}}})
        acting.apply("a", {"spec": {"plain": ["z"], "group": {"a": "3"}}})
        assert acting.tree["spec"] == {"plain": ["z"], "group": {"a": "3"}}
        with pytest.raises(Conflicts):
            acting.apply("b", {"spec": {"plain": ["w"]}})

    def test_what_nothing_is_declared_of_is_merged_by_fields(self) -> None:
        acting = CustomActing(FOO)
        acting.apply("a", {"spec": {"free": {"x": {"y": 1}, "l": [1]}}})
        acting.apply("b", {"spec": {"free": {"x": {"z": 2}}}})
        assert acting.tree["spec"]["free"] == {"x": {"y": 1, "z": 2}, "l": [1]}
        acting.apply("a", {"spec": {"free": {"l": [1]}}})
        assert acting.tree["spec"]["free"] == {"x": {"z": 2}, "l": [1]}

    def test_the_same_again_changes_nothing(self) -> None:
        acting = CustomActing(FOO)
        config = {"spec": {"set": ["x"], "free": {"a": {"b": 1}}, "map": {"k": "v"}}}
        acting.apply("a", config)
        tree, fields = acting.tree, acting.owned("a")
        acting.apply("a", config)
        assert (acting.tree, acting.owned("a")) == (tree, fields)


@pytest.mark.parametrize("odd", ["text", 3, 1.5, True, [1], [[1]], {"a": "b"}, [{"x": 1}, None]])
@pytest.mark.parametrize("field", ["ports", "set", "plain", "group", "fields", "map", "half"])
def test_what_is_of_another_type_is_compared_all_the_same(field: str, odd: Any) -> None:
    """It is refused by validation, which comes later; here it must only not fail."""
    shape = shape_of(FOO)
    for old, new in (({}, {field: odd}), ({field: odd}, {}), ({field: odd}, {field: "other"})):
        # An item without its key is told of; anything else would be a failure of ours.
        with contextlib.suppress(FieldsError):
            compare({"spec": old}, {"spec": new}, shape)
    assert "f:spec" in compare({}, {"spec": odd}, shape).added
