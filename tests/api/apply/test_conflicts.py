"""Tests of strongroom.api.apply.conflicts."""

from __future__ import annotations

from strongroom.api.apply.conflicts import Conflicts
from strongroom.api.apply.owners import applier, updater


def test_one_conflict() -> None:
    error = Conflicts({updater("kubectl", "v1"): {"f:data": {"f:key": {}}}}).status()
    assert (error.code, error.reason) == (409, "Conflict")
    assert error.message == (
        'Apply failed with 1 conflict: conflict with "kubectl" using v1: .data.key'
    )
    assert error.details is not None
    (cause,) = error.details.causes
    assert cause.reason == "FieldManagerConflict"
    assert cause.message == 'conflict with "kubectl" using v1'
    assert cause.field == ".data.key"


def test_more_conflicts_are_grouped_by_manager() -> None:
    conflicts = Conflicts(
        {
            updater("b", "v1"): {"f:data": {"f:z": {}, "f:y": {}}},
            applier("a"): {"f:type": {}},
        }
    )
    assert conflicts.status().message == (
        'Apply failed with 3 conflicts: conflicts with "a":\n- .type\n'
        'conflicts with "b" using v1:\n- .data.y\n- .data.z'
    )


def test_conflicts_that_are_allowed_do_not_count() -> None:
    conflicts = Conflicts({applier("a"): {"f:x": {}, "f:y": {}}, applier("b"): {"f:x": {}}})
    assert conflicts.beyond({"f:x": {}}) == {applier("a"): {"f:y": {}}}
