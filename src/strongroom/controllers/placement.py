"""Which node may run a pod: the filters of the scheduler, pure functions on objects.

Considered: readiness, ``spec.unschedulable``, taints, ``nodeSelector``, required node affinity and
the node's number of pods. Resource requests, pod affinity and spreading are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from strongroom.resources.node import Node, Taint
from strongroom.resources.pod import Pod
from strongroom.resources.pod_scheduling import (
    NodeSelectorRequirement,
    NodeSelectorTerm,
    Toleration,
)

UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"
_BLOCKING = ("NoSchedule", "NoExecute")


def refusal(pod: Pod, node: Node, pods_there: int) -> str:
    """Why ``node`` cannot take ``pod``, in upstream's words; empty when it can."""
    if not is_ready(node):
        return "node(s) were not ready"
    if node.spec.unschedulable and not _tolerates(
        pod, Taint(key=UNSCHEDULABLE_TAINT, effect="NoSchedule")
    ):
        return "node(s) were unschedulable"
    for taint in node.spec.taints:
        if taint.effect in _BLOCKING and not _tolerates(pod, taint):
            return "node(s) had untolerated taint(s)"
    if not _selected(pod, node):
        return "node(s) didn't match Pod's node affinity/selector"
    if pods_there >= int(node.status.allocatable.get("pods", "110")):
        return "Too many pods"
    return ""


def is_ready(node: Node) -> bool:
    """Whether the node's agent reports that it takes pods."""
    return any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)


def _tolerates(pod: Pod, taint: Taint) -> bool:
    return any(_matches_taint(toleration, taint) for toleration in pod.spec.tolerations)


def _matches_taint(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return bool(toleration.key) and toleration.value == taint.value


def _selected(pod: Pod, node: Node) -> bool:
    labels = node.metadata.labels
    if any(labels.get(key) != value for key, value in pod.spec.nodeSelector.items()):
        return False
    affinity = pod.spec.affinity.nodeAffinity if pod.spec.affinity else None
    required = affinity.requiredDuringSchedulingIgnoredDuringExecution if affinity else None
    if required is None:
        return True
    return any(_matches_term(term, node) for term in required.nodeSelectorTerms)


def _matches_term(term: NodeSelectorTerm, node: Node) -> bool:
    if not term.matchExpressions and not term.matchFields:
        return False  # an empty term selects nothing
    fields = {"metadata.name": node.metadata.name}
    return all(_meets(r, node.metadata.labels) for r in term.matchExpressions) and all(
        _meets(r, fields) for r in term.matchFields
    )


_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "Gt": lambda have, wanted: have > wanted,
    "Lt": lambda have, wanted: have < wanted,
}


def _meets(requirement: NodeSelectorRequirement, values: Mapping[str, str]) -> bool:
    have = values.get(requirement.key)
    match requirement.operator:
        case "Exists":
            return have is not None
        case "DoesNotExist":
            return have is None
        case "In":
            return have in requirement.values
        case "NotIn":
            return have not in requirement.values
    compare = _COMPARE.get(requirement.operator)
    if compare is None or have is None or len(requirement.values) != 1:
        return False
    try:
        return compare(int(have), int(requirement.values[0]))
    except ValueError:
        return False
