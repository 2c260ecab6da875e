"""The shipped rules for Prometheus ask for metrics that there are, and are tested themselves."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from strongroom.api.clock import SystemClock
from strongroom.registry.registry import Registry
from strongroom.resources.secret import SECRETS
from strongroom.server.secret_metrics import secret_metrics
from strongroom.storage.memory import MemoryStore

FOLDER = Path(__file__).parents[2] / "examples" / "prometheus"
RULES = FOLDER / "strongroom.rules.yaml"
TESTS = FOLDER / "strongroom.rules.test.yaml"


def _rules() -> list[dict[str, Any]]:
    return [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]


async def test_rules_ask_for_metrics_that_are_told() -> None:
    secrets = Registry(SECRETS, MemoryStore(), (), SystemClock())
    await secrets.start()
    text = (await secret_metrics(secrets, SystemClock().now())).decode()
    await secrets.close()
    told = set(re.findall(r"^# TYPE (\w+) gauge$", text, re.MULTILINE))
    asked = {name for rule in _rules() for name in re.findall(r"strongroom_\w+", rule["expr"])}
    assert asked == told


def test_every_alert_is_told_to_people_and_tested() -> None:
    rules = _rules()
    alerts = {rule["alert"] for rule in rules}
    assert len(alerts) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert {"summary", "description"} == rule["annotations"].keys()
    (test,) = yaml.safe_load(TESTS.read_text())["tests"]
    assert {case["alertname"] for case in test["alert_rule_test"] if case["exp_alerts"]} == alerts


def test_promtool_agrees_where_it_is_installed() -> None:
    """The two tests above need no Prometheus, which is too large to install for this alone."""
    promtool = shutil.which("promtool")
    for command in [("check", RULES), ("test", TESTS)] if promtool else []:
        argv = [str(promtool), command[0], "rules", str(command[1])]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
