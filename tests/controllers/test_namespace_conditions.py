"""What a namespace says of its deletion; that all is well is tested over a server."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from strongroom.client.discovery import Kind
from strongroom.controllers.namespace_conditions import Findings, conditions_after
from strongroom.resources.namespace import NamespaceCondition

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SECRETS = Kind("", "v1", "Secret", "secrets", True, frozenset())


def test_failures_are_told_in_upstreams_words() -> None:
    findings = Findings(undiscovered=("metrics.k8s.io/v1beta1",), failures=["second", "first"])
    assert not findings.clean
    found = {c.type: (c.reason, c.message) for c in conditions_after([], findings, NOW)}
    assert found["NamespaceDeletionDiscoveryFailure"] == (
        "DiscoveryFailed",
        (
            "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of "
            "server APIs: metrics.k8s.io/v1beta1: stale GroupVersion discovery: "
            "metrics.k8s.io/v1beta1"
        ),
    )
    assert found["NamespaceDeletionContentFailure"] == (
        "ContentDeletionFailed",
        "Failed to delete all resource types, 2 remaining: first, second",
    )


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    findings = Findings(remaining=Counter({SECRETS: 2}))
    foreign = NamespaceCondition(type="Foreign", status="True")
    first = conditions_after([foreign], findings, NOW)
    assert first[0] is foreign
    findings.remaining[SECRETS] = 1
    second = conditions_after(first, findings, NOW + timedelta(seconds=5))
    assert [c.lastTransitionTime for c in second] == [c.lastTransitionTime for c in first]
    third = conditions_after(second, Findings(), NOW + timedelta(seconds=9))
    moved = {c.type for c in third if c.lastTransitionTime == "2026-03-01T12:00:09Z"}
    assert moved == {"NamespaceContentRemaining"}
    assert conditions_after(third, Findings(), NOW + timedelta(hours=1)) == third
