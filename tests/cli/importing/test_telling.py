"""What is told of an import, and of how far it is."""

from __future__ import annotations

import pytest

from strongroom.cli.importing.origins import Come
from strongroom.cli.importing.telling import Result, Tally, tell_end, tell_progress
from strongroom.cli.people import People
from strongroom.resources.clusterrole import CLUSTER_ROLES
from strongroom.resources.secret import SECRETS


def test_progress_is_for_terminals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tally = Tally()
    tally.count(Come(SECRETS, "a", "ns", None), Result.IMPORTED)
    tally.left_out["why"] += 1
    tell_progress(tally)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    tell_progress(tally)
    assert capsys.readouterr().err == "\r2 objects"


def test_many_objects_that_lost_something_are_not_all_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tally = Tally()
    tally.lost["finalizers"] = [f"secrets ns/s{number:02}" for number in range(25)]
    tell_end(People(), tally, "")
    told = capsys.readouterr()
    assert told.err.rstrip().endswith("secrets ns/s19, and 5 more")
    assert told.out == "there is nothing to import\n"


def test_objects_by_name() -> None:
    assert str(Come(SECRETS, "a", "ns", None)) == "secrets ns/a"
    assert str(Come(CLUSTER_ROLES, "a", "", None)) == "clusterroles a"
