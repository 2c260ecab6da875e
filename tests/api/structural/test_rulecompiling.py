"""What makes a CRD's rules invalid before any is run, in upstream's words."""

from __future__ import annotations

import pytest

from tests.api.structural.schemas import INTEGER, STRING, Tree, array, findings, list_type, obj

A = "s.properties[a]"
RULES: dict[str, tuple[Tree, list[str]]] = {
    "no rule": ({"rule": " "}, ["rule: Required value: rule is not specified"]),
    "an empty message": (
        {"rule": "true", "message": " "},
        ['message: Invalid value: " ": must be non-empty if specified'],
    ),
    "a message of two lines": (
        {"rule": "true", "message": "a\nb"},
        ['message: Invalid value: "a\\nb": must not contain line breaks'],
    ),
    "a rule of two lines": (
        {"rule": "true\n|| false"},
        ["message: Required value: message must be specified if rule contains line breaks"],
    ),
    "another reason": (
        {"rule": "true", "reason": "Because"},
        [
            (
                'reason: Unsupported value: "Because": supported values: "FieldValueDuplicate", '
                '"FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"'
            )
        ],
    ),
    "a path to nowhere": (
        {"rule": "true", "fieldPath": ".b"},
        ['fieldPath: Invalid value: ".b": must be a valid path'],
    ),
    "optional but unused": (
        {"rule": "true", "optionalOldSelf": True},
        [
            "optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule",
        ],
    ),
    "no truth": (
        {"rule": "self.a + 1"},
        [
            (
                'rule: Invalid value: {"Rule":"self.a + 1","Message":"","MessageExpression":"",'
                '"Reason":null,"FieldPath":"","OptionalOldSelf":null}: cel expression must '
                "evaluate to a bool"
            )
        ],
    ),
}


@pytest.mark.parametrize(("rule", "told"), RULES.values(), ids=RULES)
def test_findings_on_rules_are_upstreams(rule: Tree, told: list[str]) -> None:
    where = "s.properties[o].x-kubernetes-validations[0]"
    values = {"type": "object", "additionalProperties": INTEGER}
    held = values if rule["rule"] == "self.a + 1" else obj(a=INTEGER)
    tree = obj(o={**held, "x-kubernetes-validations": [rule]})
    assert findings(tree) == [f"{where}.{text}" for text in told]


def test_rules_cannot_look_at_old_items_that_cannot_be_found() -> None:
    rule = {"x-kubernetes-validations": [{"rule": "self == oldSelf"}]}
    assert findings(obj(a=array({**STRING, **rule}))) == [
        (
            f'{A}.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": '
            f"oldSelf cannot be used on the uncorrelatable portion of the schema within {A}"
        )
    ]
    keyed = {**obj(k=STRING), "required": ["k"], **rule}
    assert findings(obj(a=array(keyed, **list_type("map", "k")))) == []
