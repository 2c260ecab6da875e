"""What webhooks are asked, and the conditions that are judged by the same."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from strongroom.access.authz.matching import MatchConditions, condition_error
from strongroom.access.authz.question import request_of, review_of, spec_of
from strongroom.access.review import ReviewFailed
from strongroom.access.user import Attributes, User
from strongroom.testing.clock import ManualClock

JANE = User("jane", "u-1", ("dev", "ops"), {"scopes": ("a", "b")})
SECRET = Attributes(
    JANE,
    "get",
    "/api/v1/namespaces/ns/secrets/s",
    is_resource=True,
    version="v1",
    resource="secrets",
    namespace="ns",
    name="s",
)
PODS = replace(
    SECRET,
    verb="list",
    resource="pods",
    name="",
    label_selector="a in (x,y),b=z,!c,d,e!=f,g notin (h),i>1",
    field_selector="spec.nodeName=n1,status.phase!=Running",
)
PATH = Attributes(JANE, "get", "/metrics")


IN_NS = "request.resourceAttributes.namespace == 'ns'"


def conditions(*expressions: str) -> MatchConditions:
    return MatchConditions(expressions, ManualClock())


def test_selectors_are_asked_as_requirements() -> None:
    resource = spec_of(PODS)["resourceAttributes"]
    assert resource["fieldSelector"] == {
        "requirements": [
            {"key": "spec.nodeName", "operator": "In", "values": ["n1"]},
            {"key": "status.phase", "operator": "NotIn", "values": ["Running"]},
        ]
    }
    assert resource["labelSelector"] == {
        "requirements": [
            {"key": "a", "operator": "In", "values": ["x", "y"]},
            {"key": "b", "operator": "In", "values": ["z"]},
            {"key": "c", "operator": "DoesNotExist"},
            {"key": "d", "operator": "Exists"},
            {"key": "e", "operator": "NotIn", "values": ["f"]},
            {"key": "g", "operator": "NotIn", "values": ["h"]},
        ]
    }


@pytest.mark.parametrize("selector", ["!!", "i>1", ""])
def test_a_selector_without_words_for_it_limits_nothing(selector: str) -> None:
    asked = replace(PODS, label_selector=selector, field_selector="!!" if selector else "")
    assert spec_of(asked)["resourceAttributes"].keys() == {
        "namespace",
        "verb",
        "version",
        "resource",
    }


def test_the_older_version_differs_in_a_name() -> None:
    old = json.loads(review_of(spec_of(PATH), "v1beta1"))
    assert old["apiVersion"] == "authorization.k8s.io/v1beta1"
    assert old["spec"] == {
        "user": "jane",
        "uid": "u-1",
        "group": ["dev", "ops"],
        "extra": {"scopes": ["a", "b"]},
        "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
    }


def test_conditions_see_every_text_empty_or_not() -> None:
    nobody = replace(SECRET, user=User("x"))
    assert request_of(spec_of(nobody)) == {
        "user": "x",
        "uid": "",
        "groups": [],
        "extra": {},
        "resourceAttributes": {
            "namespace": "ns",
            "verb": "get",
            "group": "",
            "version": "v1",
            "resource": "secrets",
            "subresource": "",
            "name": "s",
        },
    }
    labels = request_of(spec_of(PODS))["resourceAttributes"]["labelSelector"]["requirements"]
    assert labels[2] == {"key": "c", "operator": "DoesNotExist", "values": []}


def test_conditions_end_though_they_would_take_long() -> None:
    groups = tuple(f"g{i}" for i in range(2000))
    crowd = replace(PATH, user=User("x", groups=groups))
    every = "request.groups.all(a, request.groups.all(b, a.size() > 0 && b.size() > 0))"
    with pytest.raises(ReviewFailed, match="actual cost limit exceeded"):
        conditions(every).hold(spec_of(crowd))


def test_conditions_are_measured() -> None:
    told: list[tuple[bool, bool]] = []
    measured = MatchConditions(
        ["request.user == 'jane'", IN_NS],
        ManualClock(),
        lambda seconds, failed, excluded: told.append((failed, excluded)),
    )
    assert measured.hold(spec_of(SECRET))
    assert not measured.hold(spec_of(replace(SECRET, user=User("joe"))))
    with pytest.raises(ReviewFailed, match="no such key"):
        measured.hold(spec_of(PATH))
    assert told == [(False, False), (False, True), (True, False)]


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("request.user == 'bob'", None),
        ("has(request.nonResourceAttributes)", None),
        ("[1].exists(request, request == 2)", None),
        ("request.resourceAttributes.fieldSelector.rawSelector == 'foo'", None),
        ("request.user", "must evaluate to bool but got string"),
        ("request.groups", "must evaluate to bool but got list(string)"),
        ("1 + 1", "must evaluate to bool but got int"),
        (
            "request.time == 'now'",
            (
                "compilation failed: ERROR: <input>:1:8: undefined field 'time'\n"
                " | request.time == 'now'\n | .......^"
            ),
        ),
        (
            "true ||\n  has(request.resourceAttributes.kind)",
            (
                "compilation failed: ERROR: <input>:2:33: undefined field 'kind'\n"
                " |   has(request.resourceAttributes.kind)\n | ................................^"
            ),
        ),
        (
            "request.groups.exists(g, request.?who.hasValue())",
            (
                "compilation failed: ERROR: <input>:1:33: undefined field 'who'\n"
                " | request.groups.exists(g, request.?who.hasValue())\n"
                " | ................................^"
            ),
        ),
        (
            "test",
            (
                "compilation failed: ERROR: <input>:1:1: undeclared reference to 'test' (in "
                "container '')\n | test\n | ^"
            ),
        ),
    ],
)
def test_conditions_are_checked(expression: str, wrong: str | None) -> None:
    assert condition_error(expression) == wrong
