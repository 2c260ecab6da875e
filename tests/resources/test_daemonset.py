"""DaemonSets."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.daemonset import DAEMON_SETS, DaemonSet
from tests.resources.making import NOW, made, texts
from tests.resources.templates import template, workload

_ROLLING = "spec.updateStrategy.rollingUpdate"


def daemons(**spec: Any) -> DaemonSet:
    obj = made(workload(**spec), DaemonSet)
    DAEMON_SETS.default(obj)
    return obj


def test_defaults() -> None:
    spec = daemons().spec
    rolling = spec.updateStrategy.rollingUpdate
    assert rolling is not None
    assert (rolling.maxUnavailable, rolling.maxSurge, spec.revisionHistoryLimit) == (1, 0, 10)
    assert DAEMON_SETS.validate(daemons()) == []


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        (
            {"updateStrategy": {"rollingUpdate": {"maxSurge": 1}}},
            (
                f"{_ROLLING}.maxSurge: Invalid value: 1: may not be set when maxUnavailable is "
                "non-zero"
            ),
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}},
            f"{_ROLLING}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
        ),
        (
            {"selector": {}},
            "spec.selector: Invalid value: {}: empty selector is invalid for daemonset",
        ),
        (
            {"template": template(activeDeadlineSeconds=1)},
            (
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in "
                "DaemonSet is not Supported"
            ),
        ),
        (
            {"revisionHistoryLimit": -1},
            "spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0",
        ),
    ],
)
def test_rules(spec: dict[str, Any], finding: str) -> None:
    assert texts(DAEMON_SETS.validate(daemons(**spec))) == [finding]


def test_columns() -> None:
    obj = daemons(template=template(nodeSelector={"b": "2", "a": "1"}))
    names = [column.name for column in DAEMON_SETS.columns]
    shown = dict(zip(names, DAEMON_SETS.columns_of(obj, NOW), strict=True))
    assert (shown["Desired"], shown["Node Selector"]) == (0, "a=1,b=2")
