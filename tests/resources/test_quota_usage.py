"""What objects count towards quotas."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api.codec import from_tree
from strongroom.resources.amounts import above, add, increase, largest, printed
from strongroom.resources.catalog import CATALOG
from strongroom.resources.pod import Pod
from strongroom.resources.pod_amounts import pod_limits, pod_requests
from strongroom.resources.quota_scopes import Scope
from strongroom.resources.quota_usage import evaluator_for, usage_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Tree = dict[str, Any]


def container(name: str = "c", **resources: Any) -> Tree:
    return {"name": name, "image": "i", "resources": resources}


def pod(
    *containers: Tree, status: Tree | None = None, meta: Tree | None = None, **spec: Any
) -> Pod:
    tree = {"metadata": {"name": "p"} | (meta or {}), "status": status or {}}
    return from_tree(tree | {"spec": {"containers": list(containers)} | spec}, Pod)


def usage(obj: Any, plural: str = "pods") -> dict[str, str]:
    evaluator = evaluator_for("", plural)
    assert evaluator is not None
    return evaluator.usage(obj, NOW)


@pytest.mark.parametrize(
    ("one", "other", "total"),
    [
        ({"cpu": "500m"}, {"cpu": "1"}, {"cpu": "1500m"}),
        ({"memory": "1Gi"}, {"memory": "512Mi"}, {"memory": "1536Mi"}),
        ({"memory": "0"}, {"memory": "512Mi"}, {"memory": "512Mi"}),
        ({"memory": "1G"}, {"memory": "1Gi"}, {"memory": "2073741824"}),
        ({"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}),
    ],
)
def test_sums(one: Tree, other: Tree, total: Tree) -> None:
    assert add(one, other) == total


def test_comparing_amounts() -> None:
    assert increase({"a": "3", "b": "1"}, {"a": "1", "b": "2", "c": "1"}) == {
        "a": "2",
        "b": "0",
        "c": "0",
    }
    assert largest({"a": "1"}, {"a": "900m", "b": "2"}) == {"a": "1", "b": "2"}
    assert above({"a": "1001m", "b": "1", "c": "9"}, {"a": "1", "b": "1"}) == ["a"]
    assert printed({"b": "2", "a": "1"}) == "a=1,b=2"


def test_what_a_pod_needs_while_it_starts_and_while_it_runs() -> None:
    needs: Tree = {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}
    first = container("first", requests={"cpu": "5"})
    sidecar = container("sidecar", requests={"cpu": "500m"}) | {"restartPolicy": "Always"}
    later = container("later", requests={"cpu": "100m"})
    made = pod(container(**needs), container("d", **needs), initContainers=[first, sidecar, later])
    assert pod_requests(made.spec) == {"cpu": "5"}
    assert pod_limits(made.spec) == {"cpu": "4"}
    made.spec.initContainers.pop(0)
    made.spec.overhead = {"cpu": "100m", "memory": "1Mi"}
    assert pod_requests(made.spec) == {"cpu": "2500m"}
    assert pod_requests(made.spec, overhead=True) == {"cpu": "2600m", "memory": "1Mi"}
    assert pod_limits(made.spec, overhead=True) == {"cpu": "4100m"}


def test_what_the_pod_as_a_whole_asks_for_counts_instead() -> None:
    whole = {"requests": {"cpu": "3"}, "limits": {"memory": "1Gi"}}
    made = pod(container(requests={"cpu": "1", "memory": "1Mi"}), resources=whole)
    assert pod_requests(made.spec) == {"cpu": "3", "memory": "1Mi"}
    assert pod_limits(made.spec) == {"memory": "1Gi"}
    evaluator = evaluator_for("", "pods")
    assert evaluator is not None
    assert evaluator.missing(["limits.cpu"], made) == ""


def test_the_usage_of_a_pod() -> None:
    needs: Tree = {
        "requests": {"cpu": "1", "hugepages-2Mi": "4Mi", "example.com/device": "2"},
        "limits": {"memory": "1Gi", "hugepages-2Mi": "4Mi", "example.com/device": "2"},
    }
    assert usage(pod(container(**needs))) == {
        "count/pods": "1",
        "pods": "1",
        "cpu": "1",
        "requests.cpu": "1",
        "limits.memory": "1Gi",
        "hugepages-2Mi": "4Mi",
        "requests.hugepages-2Mi": "4Mi",
        "requests.example.com/device": "2",
    }


@pytest.mark.parametrize(
    ("status", "meta"),
    [
        ({"phase": "Succeeded"}, {}),
        ({"phase": "Failed"}, {}),
        (
            {"phase": "Running"},
            {"deletionTimestamp": "2025-12-31T23:59:00Z", "deletionGracePeriodSeconds": 30},
        ),
    ],
)
def test_a_pod_that_has_ended_is_only_counted(status: Tree, meta: Tree) -> None:
    assert usage(pod(container(requests={"cpu": "1"}), status=status, meta=meta)) == {
        "count/pods": "1"
    }


def test_a_pod_that_is_still_ending_uses_what_it_has() -> None:
    meta = {"deletionTimestamp": "2025-12-31T23:59:45Z", "deletionGracePeriodSeconds": 30}
    assert usage(pod(container(), meta=meta))["pods"] == "1"


@pytest.mark.parametrize(
    ("spec", "ports", "balancers"),
    [
        ({}, "0", "0"),
        ({"type": "NodePort"}, "2", "0"),
        ({"type": "LoadBalancer"}, "2", "1"),
        ({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}, "1", "1"),
    ],
)
def test_the_usage_of_a_service(spec: Tree, ports: str, balancers: str) -> None:
    services = CATALOG.by_plural("", "v1", "services")
    assert services is not None
    listed = [{"port": 80}, {"port": 81, "nodePort": 30000}]
    made = usage(from_tree({"spec": {"ports": listed} | spec}, services.type), "services")
    assert made == {
        "count/services": "1",
        "services": "1",
        "services.nodeports": ports,
        "services.loadbalancers": balancers,
    }


@pytest.mark.parametrize(
    ("group", "plural", "names"),
    [
        ("", "secrets", ["count/secrets", "secrets"]),
        ("", "configmaps", ["configmaps", "count/configmaps"]),
        ("", "serviceaccounts", ["count/serviceaccounts"]),
        ("example.com", "secrets", ["count/secrets.example.com"]),
    ],
)
def test_other_kinds_are_counted(group: str, plural: str, names: list[str]) -> None:
    evaluator = evaluator_for(group, plural)
    assert evaluator is not None
    assert evaluator.matching([*names, "pods", "cpu"]) == names
    assert evaluator.usage(object(), NOW) == dict.fromkeys(names, "1")
    assert (evaluator.handles("CREATE", ""), evaluator.handles("UPDATE", "")) == (True, False)


def test_events_are_never_counted() -> None:
    assert evaluator_for("", "events") is None
    assert evaluator_for("events.k8s.io", "events") is None


@pytest.mark.parametrize(
    ("scope", "priority", "expected"),
    [
        (Scope("PriorityClass"), "", False),
        (Scope("PriorityClass"), "high", True),
        (Scope("PriorityClass", "DoesNotExist"), "", True),
        (Scope("PriorityClass", "In", ("high",)), "high", True),
        (Scope("PriorityClass", "In", ("high",)), "low", False),
        (Scope("PriorityClass", "NotIn", ("high",)), "low", True),
        (Scope("PriorityClass", "NotIn", ("high",)), "", True),
        (Scope("Unheard"), "high", False),
    ],
)
def test_scopes_of_priority(scope: Scope, priority: str, expected: bool) -> None:
    evaluator = evaluator_for("", "pods")
    assert evaluator is not None
    assert evaluator.in_scope(scope, pod(container(), priorityClassName=priority)) is expected


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ({}, False),
        ({"namespaces": ["x"]}, True),
        ({"namespaceSelector": {"matchLabels": {"a": "b"}}}, True),
    ],
)
def test_affinity_across_namespaces(term: Tree, expected: bool) -> None:
    terms = [{"topologyKey": "k"} | term]
    for kind in ("podAffinity", "podAntiAffinity"):
        affinity = {kind: {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
        evaluator = evaluator_for("", "pods")
        assert evaluator is not None
        made = pod(container(), affinity=affinity)
        assert evaluator.in_scope(Scope("CrossNamespacePodAffinity"), made) is expected


def test_all_objects_of_a_scope_together() -> None:
    evaluator = evaluator_for("", "pods")
    assert evaluator is not None
    pods = [
        pod(container(requests={"cpu": "1"})),
        pod(container(requests={"cpu": "500m"})),
        pod(container()),
    ]
    used = usage_of(evaluator, pods, [Scope("NotBestEffort")], NOW)
    assert (used["pods"], used["requests.cpu"]) == ("2", "1500m")
