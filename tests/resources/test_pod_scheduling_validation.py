"""Tolerations, affinity and spreading, with upstream's exact messages."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod import PODS
from tests.resources.making import pod, texts

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@pytest.mark.parametrize(
    ("toleration", "message"),
    [
        (
            {"operator": "Equal"},
            (
                'operator: Invalid value: "Equal": operator must be Exists when `key` is empty, '
                'which means "match all values and all keys"'
            ),
        ),
        (
            {"key": "a", "operator": "Exists", "value": "v"},
            "operator: Invalid value: \"v\": value must be empty when `operator` is 'Exists'",
        ),
        (
            {"key": "a", "operator": "x"},
            'operator: Unsupported value: "x": supported values: "Equal", "Exists"',
        ),
        (
            {"key": "a", "tolerationSeconds": 1},
            (
                "effect: Invalid value: \"\": effect must be 'NoExecute' when "
                "`tolerationSeconds` is set"
            ),
        ),
        (
            {"key": "a", "effect": "x"},
            (
                'effect: Unsupported value: "x": '
                'supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'
            ),
        ),
    ],
)
def test_a_toleration(toleration: dict[str, Any], message: str) -> None:
    errors = texts(PODS.validate(pod(tolerations=[toleration])))
    assert errors == [f"spec.tolerations[0].{message}"]


def _node(**condition: Any) -> dict[str, Any]:
    terms = [{"matchExpressions": [condition]}]
    return {"nodeAffinity": {_REQUIRED: {"nodeSelectorTerms": terms}}}


_CONDITION = f"nodeAffinity.{_REQUIRED}.nodeSelectorTerms[0].matchExpressions[0]"


@pytest.mark.parametrize(
    ("affinity", "message"),
    [
        (
            {"nodeAffinity": {_REQUIRED: {}}},
            (
                f"nodeAffinity.{_REQUIRED}.nodeSelectorTerms: Required value: "
                "must have at least one node selector term"
            ),
        ),
        (
            _node(key="a", operator="In"),
            (
                f"{_CONDITION}.values: Required value: "
                "must be specified when `operator` is 'In' or 'NotIn'"
            ),
        ),
        (
            _node(key="a", operator="Exists", values=["v"]),
            (
                f"{_CONDITION}.values: Forbidden: "
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            ),
        ),
        (
            _node(key="a", operator="Gt"),
            (
                f"{_CONDITION}.values: Required value: "
                "must be specified single value when `operator` is 'Lt' or 'Gt'"
            ),
        ),
        (
            _node(key="a", operator="x"),
            f'{_CONDITION}.operator: Invalid value: "x": not a valid selector operator',
        ),
        (
            {"nodeAffinity": {_PREFERRED: [{"weight": 0}]}},
            f"nodeAffinity.{_PREFERRED}[0].weight: Invalid value: 0: must be in the range 1-100",
        ),
        (
            {"podAffinity": {_REQUIRED: [{"topologyKey": "a", "namespaces": ["a.b"]}]}},
            f'podAffinity.{_REQUIRED}[0].namespace: Invalid value: "a.b": must not contain dots',
        ),
    ],
)
def test_affinity(affinity: dict[str, Any], message: str) -> None:
    assert texts(PODS.validate(pod(affinity=affinity))) == [f"spec.affinity.{message}"]


def test_a_node_may_be_named_by_field() -> None:
    condition = {"key": "metadata.name", "operator": "In", "values": ["node-1"]}
    terms = [{"matchFields": [condition]}, {"matchFields": [condition | {"key": "x"}]}]
    affinity = {"nodeAffinity": {_REQUIRED: {"nodeSelectorTerms": terms}}}
    assert texts(PODS.validate(pod(affinity=affinity))) == [
        (
            f"spec.affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms[1].matchFields[0].key: "
            'Invalid value: "x": not a valid field selector key'
        )
    ]


def test_spreading() -> None:
    one = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    odd = {"topologyKey": "", "whenUnsatisfiable": "x"}
    errors = texts(PODS.validate(pod(topologySpreadConstraints=[one, one, odd])))
    path = "spec.topologySpreadConstraints"
    assert errors == [
        path + '[1].{topologyKey, whenUnsatisfiable}: Duplicate value: "{zone, DoNotSchedule}"',
        f"{path}[2].maxSkew: Invalid value: 0: must be greater than zero",
        f"{path}[2].topologyKey: Required value: can not be empty",
        (
            f'{path}[2].whenUnsatisfiable: Unsupported value: "x": '
            'supported values: "DoNotSchedule", "ScheduleAnyway"'
        ),
    ]
