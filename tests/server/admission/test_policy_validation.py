"""What is no policy and no binding, in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.admission.conftest import MODULE
from tests.server.admission.rules import Rules

pytestmark = MODULE


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        (
            {"validations": [{"expression": "foo.bar == 1"}]},
            (
                'spec.validations[0].expression: Invalid value: "foo.bar == 1": '
                "compilation failed: ERROR: <input>:1:1: "
                "undeclared reference to 'foo' (in container '')\n"
                " | foo.bar == 1\n | ^"
            ),
        ),
        (
            {"validations": [{"expression": "object.x"}]},
            (
                'spec.validations[0].expression: Invalid value: "object.x": '
                "must evaluate to bool but got dyn"
            ),
        ),
        (
            {"validations": [{"expression": "params.x == 1"}]},
            (
                'spec.validations[0].expression: Invalid value: "params.x == 1": '
                "compilation failed: ERROR: <input>:1:1: "
                "undeclared reference to 'params' (in container '')\n"
                " | params.x == 1\n | ^"
            ),
        ),
        (
            {"validations": []},
            (
                "spec.validations: Required value: validations or auditAnnotations must contain at "
                "least one item"
            ),
        ),
        (
            {"variables": [{"name": "in", "expression": "1"}]},
            'spec.variables[0].name: Invalid value: "in": name is not a valid CEL identifier',
        ),
        (
            {"matchConstraints": {}},
            "spec.matchConstraints.resourceRules: Required value",
        ),
        (
            {"validations": [{"expression": "true", "reason": "Gone"}]},
            (
                'spec.validations[0].reason: Unsupported value: "Gone": supported values: '
                '"Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"'
            ),
        ),
    ],
)
async def test_what_is_no_policy(rules: Rules, spec: dict[str, Any], finding: str) -> None:
    answer = await rules.policy("true", **spec)
    assert answer.code == 422
    causes = [f"{c['field']}: {c['message']}" for c in answer.json["details"]["causes"]]
    assert finding in causes


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        ({"validationActions": []}, "at least one validation action is required"),
        ({"validationActions": ["Deny", "Warn"]}, "must not contain both Deny and Warn"),
        ({"paramRef": {"parameterNotFoundAction": "Deny"}}, "one of name or selector"),
        ({"policyName": ""}, "spec.policyName: Required value"),
    ],
)
async def test_what_is_no_binding(rules: Rules, spec: dict[str, Any], finding: str) -> None:
    answer = await rules.bind(**spec)
    assert answer.code == 422
    assert finding in answer.json["message"]
