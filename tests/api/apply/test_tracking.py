"""Tests of strongroom.api.apply.tracking."""

from __future__ import annotations

from strongroom.api.apply.fieldset import Fields
from strongroom.api.apply.owners import Owned, applier, updater
from strongroom.api.apply.tracking import track
from strongroom.resources.pod import Pod
from strongroom.resources.secret import Secret
from tests.api.apply.acting import Acting


def test_who_creates_owns_all_but_what_the_server_sets() -> None:
    acting = Acting(Secret)
    acting.update(
        "kubectl",
        {
            "kind": "Secret",
            "apiVersion": "v1",
            "metadata": {"name": "a", "namespace": "n", "uid": "u", "labels": {"x": "y"}},
            "data": {"key": "YQ=="},
            "type": "Opaque",
        },
    )
    assert acting.owned("kubectl") == {
        "f:metadata": {"f:labels": {".": {}, "f:x": {}}},
        "f:data": {".": {}, "f:key": {}},
        "f:type": {},
    }


def test_who_changes_a_field_owns_it_alone() -> None:
    acting = Acting(Secret)
    acting.update("a", {"data": {"x": "YQ==", "y": "YQ=="}})
    acting.update("b", {"data": {"x": "Yg==", "y": "YQ=="}})
    assert acting.owned("a") == {"f:data": {".": {}, "f:y": {}}}
    assert acting.owned("b") == {"f:data": {"f:x": {}}}


def test_who_says_what_is_there_already_owns_nothing() -> None:
    acting = Acting(Secret)
    acting.update("a", {"data": {"x": "YQ=="}})
    before = acting.owners
    acting.update("b", {"data": {"x": "YQ=="}})
    assert acting.owners == before


def test_what_is_gone_has_no_owner() -> None:
    acting = Acting(Secret)
    acting.update("a", {"data": {"x": "YQ==", "y": "YQ=="}})
    acting.update("b", {"data": {"y": "YQ=="}})
    assert acting.owned("a") == {"f:data": {".": {}, "f:y": {}}}
    acting.update("b", {})
    assert not acting.owners


def test_the_time_of_an_entry_is_that_of_its_owners_last_change() -> None:
    acting = Acting(Secret)
    acting.update("a", {"data": {"x": "YQ==", "y": "YQ=="}})
    acting.update("b", {"data": {"x": "Yg==", "y": "YQ=="}})
    assert acting.owners[updater("a", "v1")].time == "2026-01-01T00:00:01Z"
    assert acting.owners[updater("b", "v1")].time == "2026-01-01T00:00:02Z"
    acting.update("a", {"data": {"x": "Yg==", "y": "Yg=="}})
    assert acting.owners[updater("a", "v1")].time == "2026-01-01T00:00:03Z"


def test_an_update_takes_from_what_the_same_name_applied() -> None:
    acting = Acting(Secret)
    acting.apply("a", {"data": {"x": "YQ==", "y": "YQ=="}})
    acting.update("a", {"data": {"x": "Yg==", "y": "YQ=="}})
    assert acting.owners[applier("a")].fields == {"f:data": {"f:y": {}}}
    assert acting.owners[updater("a", "v1")].fields == {"f:data": {"f:x": {}}}


def test_what_the_path_cannot_change_is_not_owned() -> None:
    acting = Acting(Pod, ignored={"f:status": {}})
    acting.update("a", {"spec": {"nodeName": "n"}, "status": {"phase": "Running"}})
    assert acting.owned("a") == {"f:spec": {"f:nodeName": {}}}


def test_entries_of_a_version_that_is_gone_are_dropped() -> None:
    acting = Acting(Secret)
    acting.owners = {updater("a", "v0"): Owned({"f:type": {}}, "v0")}
    acting.update("b", {"type": "x"})
    assert set(acting.owners) == {updater("b", "v1")}


def test_what_has_become_atomic_is_owned_as_one() -> None:
    acting = Acting(Pod)
    granular: Fields = {"f:spec": {"f:nodeSelector": {".": {}, "f:disk": {}}, "f:containers": {}}}
    acting.owners = {updater("a", "v1"): Owned(granular, "v1")}
    acting.update("b", {"spec": {"hostname": "h"}})
    assert acting.owned("a") == {"f:spec": {"f:nodeSelector": {}, "f:containers": {}}}


def test_tracking_changes_nothing_that_it_is_given() -> None:
    acting = Acting(Secret)
    acting.update("a", {"data": {"x": "YQ==", "y": "YQ=="}})
    owned = acting.owners[updater("a", "v1")]
    before = str(owned)
    new = {"data": {"x": "Yg=="}}
    track(acting.terms(), acting.tree, new, acting.owners, updater("b", "v1"))
    assert str(owned) == before
