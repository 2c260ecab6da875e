"""CEL rules of schemas: what they see, when they are run, and what is told."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.findings import Path
from strongroom.api.structural import Structural, parse, validate
from strongroom.api.structural.celvalues import escape
from tests.api.structural.schemas import (
    ANYTHING,
    INTEGER,
    STRING,
    Tree,
    array,
    list_type,
    obj,
    parsed,
)


def ruled(schema: Tree, rule: str, **words: Any) -> Tree:
    """The schema with one more rule."""
    rules = schema.get("x-kubernetes-validations", [])
    return {**schema, "x-kubernetes-validations": [*rules, {"rule": rule, **words}]}


def found(schema: Structural, value: Any, old: Any = None) -> list[str]:
    """The findings on an object named ``n`` with this ``spec``."""
    before = None if old is None else {"metadata": {"name": "n"}, "spec": old}
    tree = {"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "n"}, "spec": value}
    return [str(finding) for finding in validate(tree, schema, before)]


SEES: dict[str, tuple[Tree, str, Any]] = {
    # schema of spec, a rule that holds of it, spec
    "fields": (obj(a=INTEGER, b=INTEGER), "self.a < self.b", {"a": 1, "b": 2}),
    "missing fields": (obj(a=INTEGER), "!has(self.a)", {}),
    "numbers as they are typed": (
        obj(a={"type": "number"}),
        "self.a / 2.0 == 0.5 && type(self.a) == double",
        {"a": 1},
    ),
    "escaped names": (
        obj(**{"a-b": INTEGER, "c.d": INTEGER, "e/f": INTEGER, "g__h": INTEGER, "in": INTEGER}),
        (
            "self.a__dash__b + self.c__dot__d + self.e__slash__f + self.g__underscores__h + "
            "self.__in__ == 15"
        ),
        {"a-b": 1, "c.d": 2, "e/f": 3, "g__h": 4, "in": 5},
    ),
    "maps by their keys": (
        {"type": "object", "additionalProperties": INTEGER},
        "self['a-b'] == 1 && self.all(k, self[k] > 0)",
        {"a-b": 1, "c": 2},
    ),
    "int or string": (
        obj(a={"x-kubernetes-int-or-string": True}),
        "type(self.a) == string && self.a == '5%'",
        {"a": "5%"},
    ),
    "sets compare as sets": (
        obj(a=array(STRING, **list_type("set")), b=array(STRING, **list_type("set"))),
        "self.a == self.b",
        {"a": ["x", "y"], "b": ["y", "x"]},
    ),
    "bytes": (obj(a={**STRING, "format": "byte"}), "self.a == b'hi'", {"a": "aGk="}),
    "embedded objects' names": (
        obj(a={**ANYTHING, "x-kubernetes-embedded-resource": True}),
        "self.a.metadata.name == 'x' && self.a.kind == 'B'",
        {"a": {"apiVersion": "v1", "kind": "B", "metadata": {"name": "x"}}},
    ),
    "libraries": (obj(a=STRING), "self.a.lowerAscii().matches('^[a-z]+$')", {"a": "ABC"}),
}


@pytest.mark.parametrize(("schema", "rule", "value"), SEES.values(), ids=SEES)
def test_rules_see_values_as_their_schema_types_them(schema: Tree, rule: str, value: Any) -> None:
    assert found(parsed(obj(spec=ruled(schema, rule))), value) == []
    opposite = f"!({rule})"
    assert found(parsed(obj(spec=ruled(schema, opposite))), value) == [
        f"spec: Invalid value: failed rule: {opposite}"
    ]


def test_rules_at_the_root_see_type_and_name() -> None:
    rule = "self.metadata.name == 'n' && self.kind == 'A' && self.apiVersion == 'a/v1'"
    assert found(parsed(ruled(obj(spec=obj()), rule)), {}) == []


TOLD: dict[str, tuple[Tree, Any, str]] = {
    "a message": (
        ruled(obj(a=INTEGER), "self.a > 1", message=" must be more "),
        {"a": 1},
        "spec: Invalid value: must be more",
    ),
    "a message that is worked out": (
        ruled(
            obj(a=INTEGER), "self.a > 1", messageExpression="'is ' + string(self.a)", message="m"
        ),
        {"a": 1},
        "spec: Invalid value: is 1",
    ),
    "a message of two lines falls back": (
        ruled(obj(a=STRING), "false", messageExpression="self.a", message="m"),
        {"a": "x\ny"},
        "spec: Invalid value: m",
    ),
    "a path": (
        ruled(obj(a=INTEGER), "self.a > 1", fieldPath=".a"),
        {"a": 1},
        "spec.a: Invalid value: failed rule: self.a > 1",
    ),
    "forbidden": (
        ruled(obj(a=INTEGER), "false", reason="FieldValueForbidden"),
        {},
        "spec: Forbidden: failed rule: false",
    ),
    "required": (
        ruled(obj(a=INTEGER), "has(self.a)", reason="FieldValueRequired", message="say a"),
        {},
        "spec: Required value: say a",
    ),
    "duplicate": (
        ruled(obj(a=INTEGER), "false", reason="FieldValueDuplicate"),
        {},
        "spec: Duplicate value",
    ),
    "a scalar is shown": (
        obj(a=ruled(STRING, "self != 'x'")),
        {"a": "x"},
        "spec.a: Invalid value: \"x\": failed rule: self != 'x'",
    ),
    "items": (
        obj(a=array(ruled(INTEGER, "self > 0"))),
        {"a": [1, 0]},
        "spec.a[1]: Invalid value: 0: failed rule: self > 0",
    ),
    "entries": (
        obj(a={"type": "object", "additionalProperties": ruled(INTEGER, "self > 0")}),
        {"a": {"k": 0}},
        "spec.a[k]: Invalid value: 0: failed rule: self > 0",
    ),
    "a field that CEL cannot name": (
        obj(**{"a b": ruled(INTEGER, "self > 0")}),
        {"a b": 0},
        "spec.a b: Invalid value: 0: failed rule: self > 0",
    ),
    "an error": (
        ruled(obj(a={"type": "object", "additionalProperties": INTEGER}), "self.a['x'] > 0"),
        {"a": {}},
        "spec: Invalid value: \"object\": no such key: x evaluating rule: self.a['x'] > 0",
    ),
}


@pytest.mark.parametrize(("schema", "value", "told"), TOLD.values(), ids=TOLD)
def test_what_is_told_is_upstreams(schema: Tree, value: Any, told: str) -> None:
    assert found(parsed(obj(spec=schema)), value) == [told]


def test_rules_at_the_root_tell_no_path() -> None:
    assert found(parsed(ruled(obj(spec=obj()), "false")), {}) == [
        "<nil>: Invalid value: failed rule: false"
    ]


def test_null_is_not_held_against_a_rule() -> None:
    schema = parsed(obj(spec=obj(a=ruled({**STRING, "nullable": True}, "self == 'x'"))))
    assert found(schema, {"a": None}) == []


def test_rules_do_not_stumble_over_invalid_objects() -> None:
    schema = parsed(obj(spec=ruled(obj(a=INTEGER), "self.a > 1")))
    assert found(schema, {"a": "x"}) == [
        'spec.a: Invalid value: "string": spec.a in body must be of type integer: "string"',
        (
            "<nil>: Invalid value: null: some validation rules were not checked because the object "
            "was invalid; correct the existing errors to complete validation"
        ),
    ]


def test_transition_rules_need_an_old_value() -> None:
    schema = parsed(obj(spec=obj(a=ruled(STRING, "self == oldSelf", message="fixed"))))
    assert found(schema, {"a": "x"}) == []
    assert found(schema, {"a": "x"}, {}) == []
    assert found(schema, {"a": "x"}, {"a": "x"}) == []
    assert found(schema, {"a": "y"}, {"a": "x"}) == ['spec.a: Invalid value: "y": fixed']


def test_transition_rules_may_do_without_one() -> None:
    rule = "!oldSelf.hasValue() || self == oldSelf.value()"
    schema = parsed(obj(spec=obj(a=ruled(STRING, rule, optionalOldSelf=True, message="fixed"))))
    assert found(schema, {"a": "x"}) == []
    assert found(schema, {"a": "y"}, {"a": "x"}) == ['spec.a: Invalid value: "y": fixed']


def test_items_of_a_list_map_are_matched_by_key() -> None:
    item = ruled({**obj(k=STRING, v=INTEGER), "required": ["k"]}, "self.v >= oldSelf.v")
    schema = parsed(obj(spec=obj(a=array(item, **list_type("map", "k")))))
    old = {"a": [{"k": "x", "v": 5}, {"k": "y", "v": 1}]}
    new = {"a": [{"k": "y", "v": 2}, {"k": "z", "v": 0}, {"k": "x", "v": 4}]}
    assert found(schema, new, old) == ["spec.a[2]: Invalid value: failed rule: self.v >= oldSelf.v"]


def test_what_has_not_changed_is_not_held_against_a_rule() -> None:
    schema = parsed(obj(spec=obj(a=ruled(obj(b=INTEGER, c=INTEGER), "self.b > 0"), d=INTEGER)))
    old = {"a": {"b": 0}, "d": 1}
    assert found(schema, {"a": {"b": 0}, "d": 2}, old) == []
    assert len(found(schema, {"a": {"b": 0, "c": 1}}, old)) == 1
    # Nor are items that cannot be matched, as long as nothing in their list changed.
    listed = parsed(obj(spec=obj(a=array(ruled(INTEGER, "self > 0")), d=INTEGER)))
    assert found(listed, {"a": [0], "d": 2}, {"a": [0], "d": 1}) == []
    assert len(found(listed, {"a": [0, 1]}, {"a": [0]})) == 1


def test_rules_have_a_budget() -> None:
    rule = "self.a.all(x, self.a.all(y, self.a.all(z, x + y + z >= 0)))"
    schema = parsed(obj(spec=ruled(obj(a=array(INTEGER, maxItems=100)), rule, message="m")))
    (told,) = found(schema, {"a": list(range(100))})
    assert "cost" in told


UNDEFINED = {
    "a field": ("self.b > 1", "1:5: undefined field 'b'\n | self.b > 1\n | ....^"),
    "below a field": ("self.o.d == 1", "1:7: undefined field 'd'\n | self.o.d == 1\n | ......^"),
    "in a test": ("has(self.b)", "1:9: undefined field 'b'\n | has(self.b)\n | ........^"),
    "of items": (
        "self.l.all(i, i.d > 1)",
        "1:16: undefined field 'd'\n | self.l.all(i, i.d > 1)\n | ...............^",
    ),
    "of an old value": (
        "oldSelf.b == 1",
        "1:8: undefined field 'b'\n | oldSelf.b == 1\n | .......^",
    ),
    "of a text": ("self.s.x == 1", "1:7: undefined field 'x'\n | self.s.x == 1\n | ......^"),
    "of a name": (
        "cel.bind(o, self.o, o.d == 1)",
        "1:22: undefined field 'd'\n | cel.bind(o, self.o, o.d == 1)\n | .....................^",
    ),
}


@pytest.mark.parametrize(("rule", "told"), UNDEFINED.values(), ids=UNDEFINED)
def test_fields_that_the_schema_does_not_have_are_told_at_once(rule: str, told: str) -> None:
    fields = obj(a=INTEGER, s=STRING, o=obj(c=INTEGER), l=array(obj(c=INTEGER)))
    _, found = parse(obj(spec=ruled(fields, rule)), Path("s"))
    (finding,) = found
    assert str(finding).endswith(f": compilation failed: ERROR: <input>:{told}")


@pytest.mark.parametrize(
    "rule",
    [
        "self.o.c == 1 && has(self.l) && self.l.exists(i, i.c == self.a)",
        "self.l.map(i, i.c).sum() == 1 && self.l.filter(i, i.c > 1)[0].c == 2",
        "self.m['x'].c == 1 && self.m.all(k, self.m[k].c == 1) && self.m.x.c == 1",
        "self.?o.?c.orValue(1) == 1 && self.x__dash__y == 1",
        "self.m.all(k, v, v.c == 1) && self.l.all(i, v, v.c == i)",
        "(self.a > 1 ? self.o : self.o).c == 1 && {'a': self.o}.a.c == 1 && [self.o][0].c == 1",
        "self.e.metadata.name == self.e.kind && self.e.spec == 'x'",
    ],
)
def test_fields_that_it_has_are_found(rule: str) -> None:
    inner = obj(c=INTEGER)
    values = {"type": "object", "additionalProperties": inner}
    embedded = {**obj(spec=STRING), "x-kubernetes-embedded-resource": True}
    fields = obj(
        a=INTEGER, o=inner, l=array(inner, maxItems=9), m=values, e=embedded, **{"x-y": INTEGER}
    )
    _, found = parse(obj(spec=ruled(fields, rule)), Path("s"))
    assert [str(finding) for finding in found] == []


ALL = "self.all(x, self.all(y, x != y))"
COSTLY = {
    "two loops over what is not bounded": (array(STRING), ALL, "more than 100x"),
    "two loops over what is bounded too far": (
        array(INTEGER, maxItems=2000),
        ALL,
        # Two names and a call, each time, and the accumulator twice.
        "2.0x",
    ),
    "two loops over a small list": (array(INTEGER, maxItems=500), ALL, ""),
    "one loop": (array(STRING), "self.all(x, x != '')", ""),
}


@pytest.mark.parametrize(("schema", "rule", "factor"), COSTLY.values(), ids=COSTLY)
def test_rules_that_could_never_be_run_are_refused(schema: Tree, rule: str, factor: str) -> None:
    _, found = parse(obj(spec=ruled(schema, rule)), Path("s"))
    texts = [str(finding) for finding in found]
    told = (
        "s.properties[spec].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost "
        f"exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, "
        "maxProperties, and maxLength where arrays, maps, and strings are declared)"
    )
    assert texts == ([told] if factor else [])


def test_a_rule_counts_as_often_as_its_value_can_be_there() -> None:
    rule = " || ".join(["self == 'x'"] * 6)
    _, found = parse(obj(spec=array(ruled(STRING, rule))), Path("s"))
    assert "exceeds budget by factor of 1.2" in str(found[0])
    _, found = parse(obj(spec=array(ruled(STRING, rule), maxItems=1000)), Path("s"))
    assert found == []


def test_defaults_are_held_against_rules_too() -> None:
    _, told = parse(obj(a={**ruled(INTEGER, "self > 1"), "default": 1}), Path("s"))
    assert [str(finding) for finding in told] == [
        "s.properties[a].default: Invalid value: 1: failed rule: self > 1"
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("plain", "plain"),
        ("a-b", "a__dash__b"),
        ("a__b", "a__underscores__b"),
        ("namespace", "__namespace__"),
        ("x.y/z", "x__dot__y__slash__z"),
        ("1a", None),
        ("a b", None),
        ("", None),
        ("ä", None),
    ],
)
def test_names_are_escaped_as_upstream_does(name: str, said: str | None) -> None:
    assert escape(name) == said
