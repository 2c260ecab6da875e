"""LimitRanges: what they fill in, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.codec import from_tree
from strongroom.resources.limit_checks import (
    ANNOTATION,
    claim_findings,
    pod_findings,
    set_limits,
)
from strongroom.resources.limitrange import LimitRange
from strongroom.resources.pod import Pod

Amounts = dict[str, str]


def pod(*containers: dict[str, Any], init: list[dict[str, Any]] | None = None) -> Pod:
    """A pod whose containers have these resources."""
    made = [{"name": f"c{i}", "resources": needs} for i, needs in enumerate(containers)]
    first = [{"name": f"i{i}", "resources": needs} for i, needs in enumerate(init or [])]
    tree = {"metadata": {"name": "p"}, "spec": {"containers": made, "initContainers": first}}
    return from_tree(tree, Pod)


def limits(kind: str, **bounds: Amounts) -> LimitRange:
    return from_tree({"spec": {"limits": [{"type": kind} | bounds]}}, LimitRange)


def test_containers_get_what_they_lack() -> None:
    bounds = limits(
        "Container", default={"cpu": "1", "memory": "1Gi"}, defaultRequest={"cpu": "1m"}
    )
    made = pod({"limits": {"cpu": "2"}}, {}, init=[{}])
    assert set_limits(made, bounds)
    first, second = made.spec.containers
    assert first.resources.limits == {"cpu": "2", "memory": "1Gi"}
    assert second.resources.limits == {"cpu": "1", "memory": "1Gi"}
    assert second.resources.requests == {"cpu": "1m"}
    assert made.spec.initContainers[0].resources.limits == {"cpu": "1", "memory": "1Gi"}
    assert made.metadata.annotations[ANNOTATION] == (
        "LimitRanger plugin set: cpu request for container c0; memory limit for container c0; "
        "cpu request for container c1; cpu, memory limit for container c1; "
        "cpu request for init container i0; cpu, memory limit for init container i0"
    )
    assert not set_limits(made, bounds)


@pytest.mark.parametrize(
    ("kind", "bounds", "containers", "finding"),
    [
        (
            "Container",
            {"min": {"cpu": "100m"}},
            [{}],
            "minimum cpu usage per Container is 100m.  No request is specified",
        ),
        (
            "Container",
            {"min": {"cpu": "100m"}},
            [{"requests": {"cpu": "50m"}}],
            "minimum cpu usage per Container is 100m, but request is 50m",
        ),
        (
            "Container",
            {"min": {"cpu": "100m"}},
            [{"requests": {"cpu": "100m"}, "limits": {"cpu": "90m"}}],
            "minimum cpu usage per Container is 100m, but limit is 90m",
        ),
        (
            "Container",
            {"max": {"memory": "1Gi"}},
            [{"requests": {"memory": "1Mi"}}],
            "maximum memory usage per Container is 1Gi.  No limit is specified",
        ),
        (
            "Container",
            {"max": {"memory": "1Gi"}},
            [{"limits": {"memory": "1025Mi"}}],
            "maximum memory usage per Container is 1Gi, but limit is 1025Mi",
        ),
        (
            "Container",
            {"max": {"memory": "1Gi"}},
            [{"limits": {"memory": "1Gi"}, "requests": {"memory": "2Gi"}}],
            "maximum memory usage per Container is 1Gi, but request is 2Gi",
        ),
        (
            "Container",
            {"maxLimitRequestRatio": {"cpu": "2"}},
            [{"limits": {"cpu": "1"}}],
            (
                "cpu max limit to request ratio per Container is 2, but no request is specified or "
                "request is 0"
            ),
        ),
        (
            "Container",
            {"maxLimitRequestRatio": {"cpu": "2"}},
            [{"requests": {"cpu": "1"}}],
            (
                "cpu max limit to request ratio per Container is 2, but no limit is specified or "
                "limit is 0"
            ),
        ),
        (
            "Container",
            {"maxLimitRequestRatio": {"cpu": "1500m"}},
            [{"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}],
            "cpu max limit to request ratio per Container is 1500m, but provided ratio is 2.000000",
        ),
        (
            "Pod",
            {"max": {"cpu": "1"}},
            [{"limits": {"cpu": "600m"}}, {"limits": {"cpu": "600m"}}],
            "maximum cpu usage per Pod is 1, but limit is 1200m",
        ),
    ],
)
def test_what_is_out_of_bounds(
    kind: str, bounds: dict[str, Amounts], containers: list[dict[str, Any]], finding: str
) -> None:
    assert pod_findings(pod(*containers), limits(kind, **bounds)) == [finding]


@pytest.mark.parametrize(
    ("kind", "bounds"),
    [
        ("Container", {"min": {"cpu": "1"}, "max": {"cpu": "2"}}),
        ("Container", {"maxLimitRequestRatio": {"cpu": "2"}}),
        ("Pod", {"min": {"cpu": "1"}, "max": {"cpu": "2"}, "maxLimitRequestRatio": {"cpu": "2"}}),
        ("PersistentVolumeClaim", {"min": {"storage": "1Gi"}}),
    ],
)
def test_what_keeps_within_bounds(kind: str, bounds: dict[str, Amounts]) -> None:
    made = pod({"requests": {"cpu": "1"}, "limits": {"cpu": "2"}})
    assert pod_findings(made, limits(kind, **bounds)) == []


def test_all_findings_are_told_once() -> None:
    bounds = limits("Container", min={"cpu": "1", "memory": "1Gi"})
    assert pod_findings(pod({}, {}), bounds) == [
        "minimum cpu usage per Container is 1.  No request is specified",
        "minimum memory usage per Container is 1Gi.  No request is specified",
    ]


@pytest.mark.parametrize(
    ("requests", "old", "findings"),
    [
        ({"storage": "5Gi"}, None, []),
        (
            {"storage": "500Mi"},
            None,
            ["minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi"],
        ),
        (
            {"storage": "11Gi"},
            {"storage": "9Gi"},
            ["maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 11Gi"],
        ),
        ({"storage": "11Gi"}, {"storage": "11264Mi"}, []),
    ],
)
def test_claims(requests: Amounts, old: Amounts | None, findings: list[str]) -> None:
    bounds = limits("PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "10Gi"})
    assert claim_findings(requests, old, bounds) == findings
