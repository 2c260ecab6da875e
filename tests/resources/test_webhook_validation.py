"""What configurations of webhooks may say, in upstream's words."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api.codec import from_tree, to_tree
from strongroom.resources.webhook_configuration import (
    MUTATING_WEBHOOKS,
    VALIDATING_WEBHOOKS,
    MutatingWebhookConfiguration,
    ValidatingWebhookConfiguration,
)

Tree = dict[str, Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def webhook(**changes: Any) -> Tree:
    rule = {
        "operations": ["CREATE"],
        "apiGroups": ["a"],
        "apiVersions": ["v1"],
        "resources": ["r"],
    }
    return {
        "name": "webhook.k8s.io",
        "clientConfig": {"url": "https://example.com/path"},
        "rules": [rule | changes.pop("rule", {})],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    } | changes


def findings(*webhooks: Tree) -> list[str]:
    """What is wrong with a mutating configuration, after defaulting."""
    tree = {"metadata": {"name": "c"}, "webhooks": list(webhooks)}
    obj = from_tree(tree, MutatingWebhookConfiguration)
    MUTATING_WEBHOOKS.default(obj)
    return [str(error) for error in MUTATING_WEBHOOKS.validate(obj)]


def test_defaults() -> None:
    service = {"name": "n", "namespace": "ns"}
    tree = {"webhooks": [webhook(clientConfig={"service": service})]}
    obj = from_tree(tree, MutatingWebhookConfiguration)
    MUTATING_WEBHOOKS.default(obj)
    (made,) = to_tree(obj)["webhooks"]
    expected = {
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "timeoutSeconds": 10,
        "reinvocationPolicy": "Never",
    }
    assert {name: made[name] for name in expected} == expected
    assert made["rules"][0]["scope"] == "*"
    assert made["clientConfig"]["service"]["port"] == 443
    assert findings(webhook(clientConfig={"service": service})) == []
    assert findings(webhook()) == []


def test_the_generation_counts_changes_of_webhooks() -> None:
    old = from_tree({"webhooks": [webhook()]}, ValidatingWebhookConfiguration)
    VALIDATING_WEBHOOKS.prepare_for_create(old, NOW)
    assert old.metadata.generation == 1
    same, other = copy.deepcopy(old), copy.deepcopy(old)
    other.webhooks[0].timeoutSeconds = 3
    for new, generation in ((same, 1), (other, 2)):
        VALIDATING_WEBHOOKS.prepare_for_update(new, old, NOW)
        assert new.metadata.generation == generation


def test_conditions_that_are_stored_are_not_judged_again() -> None:
    condition = {"name": "bad", "expression": "1 +"}
    tree = {"metadata": {"name": "c"}, "webhooks": [webhook(matchConditions=[condition])]}
    old, new = (from_tree(tree, ValidatingWebhookConfiguration) for _ in range(2))
    new.metadata.labels = {"a": "b"}
    assert VALIDATING_WEBHOOKS.validate_update(new, old) == []
    new.webhooks[0].matchConditions[0].expression = "2 +"
    assert VALIDATING_WEBHOOKS.validate_update(new, old) != []


_NAME = "webhooks[0].name: "
_URL = "webhooks[0].clientConfig.url: "
_SERVICE = "webhooks[0].clientConfig.service."
_RULE = "webhooks[0].rules[0]."
_VERSIONS = "webhooks[0].admissionReviewVersions"
_CONDITION = "webhooks[0].matchConditions[0]."
_FORM = "; desired format: https://host[/path]"


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"name": ""}, _NAME + "Required value"),
        (
            {"name": "k8s.io"},
            _NAME + 'Invalid value: "k8s.io": should be a domain with at least three segments '
            "separated by dots",
        ),
        (
            {"failurePolicy": "other"},
            (
                'webhooks[0].failurePolicy: Unsupported value: "other": '
                'supported values: "Fail", "Ignore"'
            ),
        ),
        (
            {"matchPolicy": "other"},
            (
                'webhooks[0].matchPolicy: Unsupported value: "other": '
                'supported values: "Equivalent", "Exact"'
            ),
        ),
        (
            {"reinvocationPolicy": "other"},
            (
                'webhooks[0].reinvocationPolicy: Unsupported value: "other": '
                'supported values: "IfNeeded", "Never"'
            ),
        ),
        (
            {"sideEffects": None},
            "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
        ),
        (
            {"sideEffects": "Some"},
            (
                'webhooks[0].sideEffects: Unsupported value: "Some": '
                'supported values: "None", "NoneOnDryRun"'
            ),
        ),
        (
            {"timeoutSeconds": 31},
            (
                "webhooks[0].timeoutSeconds: Invalid value: 31: "
                "the timeout value must be between 1 and 30 seconds"
            ),
        ),
        (
            {"admissionReviewVersions": []},
            _VERSIONS + ": Required value: must specify one of v1, v1beta1",
        ),
        (
            {"admissionReviewVersions": ["v1", "v1"]},
            _VERSIONS + '[1]: Invalid value: "v1": duplicate version',
        ),
        (
            {"admissionReviewVersions": ["v2"]},
            _VERSIONS + ': Invalid value: ["v2"]: must include at least one of v1, v1beta1',
        ),
        (
            {"clientConfig": {}},
            "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
        ),
        (
            {"clientConfig": {"url": "http://h"}},
            _URL + "Invalid value: \"http\": 'https' is the only allowed URL scheme" + _FORM,
        ),
        (
            {"clientConfig": {"url": "https:///p"}},
            _URL + 'Invalid value: "": host must be specified' + _FORM,
        ),
        (
            {"clientConfig": {"url": "https://me:secret@h"}},
            _URL + 'Invalid value: "me:xxxxx": user information is not permitted in the URL',
        ),
        (
            {"clientConfig": {"url": "https://h/#f"}},
            _URL + 'Invalid value: "f": fragments are not permitted in the URL',
        ),
        (
            {"clientConfig": {"url": "https://h/?q=1"}},
            _URL + 'Invalid value: "q=1": query parameters are not permitted in the URL',
        ),
        (
            {"clientConfig": {"service": {"name": "n", "namespace": "ns", "path": "foo"}}},
            _SERVICE + "path: Invalid value: \"foo\": must start with a '/'",
        ),
        (
            {"clientConfig": {"service": {"name": "n", "namespace": "ns", "path": "//"}}},
            _SERVICE + 'path: Invalid value: "//": segment[0] may not be empty',
        ),
        (
            {"clientConfig": {"service": {"name": "n", "namespace": "ns", "port": 65536}}},
            _SERVICE + "port: Invalid value: 65536: port is not valid: "
            "must be between 1 and 65535, inclusive",
        ),
        ({"rule": {"operations": []}}, _RULE + "operations: Required value"),
        (
            {"rule": {"operations": ["CREATE", "*"]}},
            _RULE + 'operations: Invalid value: ["CREATE","*"]: '
            "if '*' is present, must not specify other operations",
        ),
        (
            {"rule": {"operations": ["PATCH"]}},
            _RULE + 'operations[0]: Unsupported value: "PATCH": '
            'supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
        ),
        (
            {"rule": {"resources": ["*/*", "a"]}},
            _RULE + 'resources: Invalid value: ["*/*","a"]: '
            "if '*/*' is present, must not specify other resources",
        ),
        (
            {"rule": {"resources": ["a/*", "a/x"]}},
            _RULE + "resources[1]: Invalid value: \"a/x\": if 'a/*' is present, "
            "must not specify a/x",
        ),
        (
            {"rule": {"resources": ["*/a", "x/a"]}},
            _RULE + "resources[1]: Invalid value: \"x/a\": if '*/a' is present, "
            "must not specify x/a",
        ),
        (
            {"rule": {"resources": ["*", "a"]}},
            _RULE + 'resources: Invalid value: ["*","a"]: '
            "if '*' is present, must not specify other resources without subresources",
        ),
        (
            {"rule": {"scope": "Here"}},
            _RULE + 'scope: Unsupported value: "Here": '
            'supported values: "*", "Cluster", "Namespaced"',
        ),
        (
            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}},
            (
                'webhooks[0].namespaceSelector.matchExpressions[0].operator: Invalid value: "Is": '
                "not a valid selector operator"
            ),
        ),
        (
            {"matchConditions": [{"name": "", "expression": "true"}]},
            _CONDITION + "name: Required value",
        ),
        (
            {"matchConditions": [{"name": "a", "expression": " "}]},
            _CONDITION + "expression: Required value",
        ),
        (
            {"matchConditions": [{"name": "a", "expression": "'text'"}]},
            _CONDITION
            + "expression: Invalid value: \"'text'\": must evaluate to bool but got string",
        ),
        (
            {"matchConditions": [{"name": "a", "expression": "true"}] * 2},
            'webhooks[0].matchConditions[1].name: Duplicate value: "a"',
        ),
    ],
)
def test_what_may_not_be(changes: Tree, finding: str) -> None:
    assert findings(webhook(**changes)) == [finding]


def test_names_are_unique_and_conditions_bounded() -> None:
    assert findings(webhook(), webhook()) == ['webhooks[1].name: Duplicate value: "webhook.k8s.io"']
    many = [{"name": f"c{i}", "expression": "true"} for i in range(65)]
    assert findings(webhook(matchConditions=many)) == [
        "webhooks[0].matchConditions: Too many: 65: must have at most 64 items"
    ]
