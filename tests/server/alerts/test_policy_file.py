"""AlertPolicy files: what is read, what is refused by path, and the example that is in docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from strongroom.api.configuration import BadConfiguration
from strongroom.server.alerts.defaults import DEFAULT_RULES
from strongroom.server.alerts.policy_file import load_policy, read_policy
from strongroom.server.reloading import BadFile

EXAMPLE = Path(__file__).parents[3] / "examples" / "alerts" / "policy.yaml"
HEAD = "apiVersion: strongroom.io/v1alpha1\nkind: AlertPolicy\nspec:\n"
RULE = "  rules: [{name: a, type: FirstRead, %s}]\n"


def test_the_example_says_the_default_rules() -> None:
    spec = load_policy(EXAMPLE)
    assert not spec.defaultRules
    assert spec.rules == list(DEFAULT_RULES)


def test_the_example_of_the_documents_is_one() -> None:
    text = (EXAMPLE.parents[2] / "docs" / "alerts.md").read_text()
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    spec = read_policy(example.encode())
    assert [rule.name for rule in spec.rules] == ["crown-jewels", "read-as-another"]
    assert spec.webhook is not None


def test_what_is_not_said_has_its_default() -> None:
    spec = read_policy((HEAD + RULE % "threshold: 2").encode())
    (rule,) = spec.rules
    assert spec.defaultRules
    assert (rule.threshold, rule.window, rule.cooldown, rule.learning) == (2, "5m", "1h", "24h")
    assert (spec.keep.number, spec.keep.age, spec.webhook) == (1000, "30d", None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("[]", "expected AlertPolicy"),
        ("kind: AlertPolicy\napiVersion: v1\n", "expected AlertPolicy of strongroom.io/v1alpha1"),
        (HEAD + "  rools: []\n", 'unknown field "spec.rools"'),
        (HEAD + RULE % "exceptions: [{user: [x]}]", 'spec.rules[0].exceptions[0].user"'),
        (HEAD + RULE % "exceptions: [{}]", "spec.rules[0].exceptions[0]: Invalid value"),
        (HEAD + RULE % "only: [{addresses: [x]}]", "spec.rules[0].only[0].addresses[0]: Invalid"),
        (HEAD + RULE % "severity: bad", "spec.rules[0].severity: Unsupported value"),
        (HEAD + RULE % "threshold: 0", "spec.rules[0].threshold: Invalid value: 0"),
        (HEAD + RULE % "window: soon", "spec.rules[0].window: Invalid value"),
        (HEAD + RULE % 'window: "0"', "spec.rules[0].window: Invalid value"),
        (HEAD + RULE % "refused: x", "spec.rules[0].refused: Unsupported value"),
        (HEAD + "  rules: [{name: a, type: Other}]", "spec.rules[0].type: Unsupported value"),
        (HEAD + "  rules: [{type: FirstRead}]", "spec.rules[0].name: Required value"),
        (HEAD + "  rules: [{name: A_, type: FirstRead}]", "spec.rules[0].name: Invalid value"),
        (
            HEAD + "  rules: [{name: a, type: FirstRead}, {name: a, type: FirstRead}]",
            "spec.rules[1].name: Invalid value",
        ),
        (HEAD + "  webhook: {url: 'http://x'}", "spec.webhook.url: Invalid value"),
        (HEAD + "  webhook: {}", "spec.webhook: Invalid value"),
        (HEAD + "  keep: {number: 0}", "spec.keep.number: Invalid value"),
        (HEAD + "  keep: {age: never}", "spec.keep.age: Invalid value"),
        (HEAD + "  keep: {age: 1d, age: 2d}", "age"),
    ],
)
def test_what_is_wrong_is_told_by_its_path(text: str, told: str) -> None:
    with pytest.raises(BadConfiguration, match=re.escape(told)):
        read_policy(text.encode())


def test_all_that_is_wrong_is_told_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(HEAD + RULE % "threshold: 0, severity: bad")
    with pytest.raises(BadFile) as failure:
        load_policy(file)
    for part in (str(file), "spec.rules[0].threshold", "spec.rules[0].severity"):
        assert part in str(failure.value)
    with pytest.raises(BadFile):
        load_policy(tmp_path / "none.yaml")
