"""Which node may run a pod."""

from typing import Any

import pytest

from strongroom.api import codec
from strongroom.controllers.placement import refusal
from strongroom.resources.node import Node
from strongroom.resources.pod import Pod

READY = [{"type": "Ready", "status": "True"}]
AFFINITY = "node(s) didn't match Pod's node affinity/selector"


def node(labels: dict[str, str] | None = None, **spec: Any) -> Node:
    tree = {
        "metadata": {"name": "n1", "labels": labels or {}},
        "spec": spec,
        "status": {"conditions": READY, "allocatable": {"pods": "2"}},
    }
    return codec.from_tree(tree, Node)


def pod(**spec: Any) -> Pod:
    return codec.from_tree({"metadata": {"name": "p"}, "spec": spec}, Pod)


def requires(*expressions: dict[str, Any]) -> dict[str, Any]:
    terms = {"nodeSelectorTerms": [{"matchExpressions": list(expressions)}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def test_a_ready_node_takes_a_pod_until_it_is_full() -> None:
    assert refusal(pod(), node(), 1) == ""
    assert refusal(pod(), node(), 2) == "Too many pods"


def test_a_node_that_is_not_ready_takes_none() -> None:
    silent = node()
    silent.status.conditions[0].status = "Unknown"
    assert refusal(pod(), silent, 0) == "node(s) were not ready"


def test_a_cordoned_node_takes_only_who_tolerates_it() -> None:
    cordoned = node(unschedulable=True)
    tolerant = pod(tolerations=[{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}])
    assert refusal(pod(), cordoned, 0) == "node(s) were unschedulable"
    assert refusal(tolerant, cordoned, 0) == ""


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"key": "team", "value": "red", "effect": "NoSchedule"}, True),
        ({"key": "team", "operator": "Equal", "value": "red"}, True),
        ({"key": "team", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "team", "value": "blue"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"key": "team", "value": "red", "effect": "NoExecute"}, False),
    ],
)
def test_taints_keep_out_who_does_not_tolerate_them(
    toleration: dict[str, str], tolerated: bool
) -> None:
    tainted = node(taints=[{"key": "team", "value": "red", "effect": "NoSchedule"}])
    expected = "" if tolerated else "node(s) had untolerated taint(s)"
    assert refusal(pod(tolerations=[toleration]), tainted, 0) == expected


def test_a_preference_taint_keeps_nobody_out() -> None:
    tainted = node(taints=[{"key": "team", "value": "red", "effect": "PreferNoSchedule"}])
    assert refusal(pod(), tainted, 0) == ""


def test_the_node_selector_must_match() -> None:
    assert refusal(pod(nodeSelector={"disk": "ssd"}), node({"disk": "ssd"}), 0) == ""
    assert refusal(pod(nodeSelector={"disk": "ssd"}), node(), 0) == AFFINITY


@pytest.mark.parametrize(
    ("expression", "labels", "fits"),
    [
        ({"key": "z", "operator": "In", "values": ["a", "b"]}, {"z": "b"}, True),
        ({"key": "z", "operator": "In", "values": ["a"]}, {}, False),
        ({"key": "z", "operator": "NotIn", "values": ["a"]}, {"z": "a"}, False),
        ({"key": "z", "operator": "NotIn", "values": ["a"]}, {}, True),
        ({"key": "z", "operator": "Exists"}, {"z": ""}, True),
        ({"key": "z", "operator": "DoesNotExist"}, {"z": ""}, False),
        ({"key": "z", "operator": "Gt", "values": ["4"]}, {"z": "5"}, True),
        ({"key": "z", "operator": "Lt", "values": ["4"]}, {"z": "5"}, False),
        ({"key": "z", "operator": "Gt", "values": ["4"]}, {"z": "many"}, False),
        ({"key": "z", "operator": "Near", "values": ["4"]}, {"z": "4"}, False),
    ],
)
def test_required_node_affinity(
    expression: dict[str, Any], labels: dict[str, str], fits: bool
) -> None:
    asked = pod(affinity=requires(expression))
    assert refusal(asked, node(labels), 0) == ("" if fits else AFFINITY)


def test_affinity_can_name_a_node_and_an_empty_term_selects_none() -> None:
    def by_fields(fields: list[dict[str, Any]]) -> Pod:
        terms = {"nodeSelectorTerms": [{"matchFields": fields}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": terms}
        return pod(affinity={"nodeAffinity": required})

    named = [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]
    assert refusal(by_fields(named), node(), 0) == ""
    assert refusal(by_fields([]), node(), 0) == AFFINITY
