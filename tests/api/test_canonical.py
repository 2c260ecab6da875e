"""The check that decides whether the fast reading of an object stands."""

from __future__ import annotations

import pytest

from strongroom.api import codec
from strongroom.api.canonical import is_canonical
from strongroom.api.errors import StatusError
from strongroom.api.meta import ManagedFieldsEntry, ObjectMeta
from strongroom.resources.poddisruptionbudget import (
    PodDisruptionBudget,
    PodDisruptionBudgetStatus,
)
from tests.api.samples import Part, Spec, Thing


@pytest.mark.parametrize(
    "spec",
    [
        Spec(),
        Spec(size=2**63 - 1),
        Spec(size=-(2**63)),
        Spec(parts=[Part(count=-(2**31), port=2**31 - 1), Part(port="web")]),
        Spec(since="2026-12-28T23:59:59Z", exactly="2026-01-01T00:00:00.000000Z"),
    ],
)
def test_written_forms(spec: Spec) -> None:
    assert is_canonical(Thing(spec=spec))


@pytest.mark.parametrize(
    "spec",
    [
        Spec(size=2**63),
        Spec(size=-(2**63) - 1),
        Spec(parts=[Part(), Part(count=2**31)]),
        Spec(parts=[Part(env=[Part(count=2**31)])]),
        Spec(parts=[Part(port=2**31)]),
        Spec(since="2026-01-01T00:00:00.5Z"),
        Spec(since="2026-01-01T00:00:00+01:00"),
        Spec(index={"a": Part(), "b": Part(count=2**31)}),
        Spec(since="soon"),
        Spec(since="2026-13-01T00:00:00Z"),
        Spec(exactly="2026-01-01T00:00:00Z"),
    ],
)
def test_other_forms(spec: Spec) -> None:
    assert not is_canonical(Thing(spec=spec))


def test_metadata_is_looked_into() -> None:
    assert is_canonical(Thing(metadata=ObjectMeta(generation=1)))
    entry = ManagedFieldsEntry(time="yesterday")
    assert not is_canonical(Thing(metadata=ObjectMeta(managedFields=[entry])))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("2026-01-01T00:00:00Z", True), ("", True), ("soon", False), ("2026-13-01T00:00:00Z", False)],
)
def test_times_in_maps(text: str, canonical: bool) -> None:
    status = PodDisruptionBudgetStatus(disruptedPods={"p": text})
    assert is_canonical(PodDisruptionBudget(status=status)) is canonical


def test_a_time_in_a_map_is_read_as_any_other() -> None:
    def read(text: str) -> PodDisruptionBudget:
        body = b'{"status":{"disruptedPods":{"p":"' + text.encode() + b'"}}}'
        return codec.decode(body, PodDisruptionBudget, kind="PodDisruptionBudget").obj

    assert read("2026-01-01T01:00:00+01:00").status.disruptedPods == {"p": "2026-01-01T00:00:00Z"}
    with pytest.raises(StatusError) as refusal:
        read("soon")
    assert refusal.value.code == 400
