"""PodDisruptionBudgets."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.poddisruptionbudget import (
    POD_DISRUPTION_BUDGETS,
    PodDisruptionBudget,
)
from tests.resources.making import NOW, made, texts


def budget(**spec: Any) -> PodDisruptionBudget:
    return made({"metadata": {"name": "b"}, "spec": spec}, PodDisruptionBudget)


@pytest.mark.parametrize(
    ("spec", "findings"),
    [
        ({"minAvailable": "50%", "selector": {}}, []),
        (
            {"minAvailable": 1, "maxUnavailable": 1},
            [
                (
                    'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and '
                    "maxUnavailable cannot be both set"
                )
            ],
        ),
        (
            {"maxUnavailable": "200%"},
            ['spec.maxUnavailable: Invalid value: "200%": must not be greater than 100%'],
        ),
        (
            {"unhealthyPodEvictionPolicy": "Never"},
            [
                (
                    'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported '
                    'values: "AlwaysAllow", "IfHealthyBudget"'
                )
            ],
        ),
    ],
)
def test_rules(spec: dict[str, Any], findings: list[str]) -> None:
    assert texts(POD_DISRUPTION_BUDGETS.validate(budget(**spec))) == findings


def test_status_and_columns() -> None:
    obj = budget(minAvailable=1)
    obj.status.disruptionsAllowed = 4
    POD_DISRUPTION_BUDGETS.prepare_for_create(obj, NOW)
    assert (obj.metadata.generation, obj.status.disruptionsAllowed) == (1, 0)
    assert POD_DISRUPTION_BUDGETS.columns_of(obj, NOW) == ["b", "1", "N/A", 0, "<unknown>"]
    part = POD_DISRUPTION_BUDGETS.subresource("status")
    assert part is not None
    obj.status.expectedPods = -1
    assert [error.field for error in part.validate(obj, obj)] == ["status.expectedPods"]
