"""Leases and their rules."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.lease import LEASES, Lease
from tests.resources.making import NOW, made, texts


def _lease(**spec: Any) -> Lease:
    return made({"metadata": {"name": "node-1"}, "spec": spec}, Lease)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"leaseDurationSeconds": 0},
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            {"leaseTransitions": -1},
            "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            {"strategy": "x"},
            (
                'spec.strategy.strategy: Unsupported value: "x": '
                'supported values: "OldestEmulationVersion"'
            ),
        ),
        (
            {"preferredHolder": "x"},
            "spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined",
        ),
    ],
)
def test_a_finding(spec: dict[str, Any], message: str) -> None:
    assert texts(LEASES.validate(_lease(**spec))) == [message]


def test_a_lease_as_nodes_keep_it() -> None:
    lease = _lease(holderIdentity="node-1", leaseDurationSeconds=40, strategy="a.b/c")
    assert LEASES.validate(lease) == []
    assert LEASES.columns_of(lease, NOW) == ["node-1", "node-1", "<unknown>"]
    assert LEASES.columns_of(_lease(), NOW)[1] == ""


def test_leases_are_made_by_updates_but_never_overwritten_blindly() -> None:
    assert LEASES.create_on_update
    assert not LEASES.unconditional_update
    assert LEASES.api_version == "coordination.k8s.io/v1"
