"""Tests of strongroom.api.apply.owners."""

from __future__ import annotations

import pytest

from strongroom.api.apply.fieldset import FieldsError
from strongroom.api.apply.owners import (
    Manager,
    Owned,
    Owners,
    applier,
    capped,
    decode,
    encode,
    is_reset,
    updater,
)
from strongroom.api.meta import ManagedFieldsEntry


def _entry(**changes: str) -> ManagedFieldsEntry:
    entry = ManagedFieldsEntry(
        manager="m", operation="Update", apiVersion="v1", fieldsType="FieldsV1", fieldsV1={}
    )
    for name, value in changes.items():
        setattr(entry, name, value)
    return entry


def test_entries_survive_decoding_and_encoding() -> None:
    entries = [
        ManagedFieldsEntry(
            "m", "Apply", "v1", "2026-01-01T00:00:00Z", "FieldsV1", {"f:data": {"f:a": {}}}
        ),
        ManagedFieldsEntry("m", "Update", "v1", "", "FieldsV1", {"f:status": {}}, "status"),
    ]
    assert encode(decode(entries)) == entries


def test_what_one_name_applied_is_apart_from_what_it_updated() -> None:
    owners = decode([_entry(), _entry(operation="Apply"), _entry(subresource="status")])
    assert set(owners) == {applier("m"), updater("m", "v1"), updater("m", "v1", "status")}


def test_applies_come_first_then_the_oldest() -> None:
    owners: Owners = {
        updater("b", "v1"): Owned({}, "v1", "2026-01-02T00:00:00Z"),
        updater("c", "v1"): Owned({}, "v1", "2026-01-01T00:00:00Z"),
        updater("a", "v1"): Owned({}, "v1", "2026-01-02T00:00:00Z"),
        applier("z"): Owned({}, "v1", "2026-01-03T00:00:00Z"),
    }
    assert [entry.manager for entry in encode(owners)] == ["z", "c", "a", "b"]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (_entry(operation="Guess"), "operation must be `Apply` or `Update`"),
        (_entry(apiVersion=""), "apiVersion must not be empty"),
        (_entry(fieldsType=""), "missing fieldsType in managed fields entry 0"),
        (_entry(fieldsType="V2"), 'invalid fieldsType "V2" in managed fields entry 0'),
        (_entry(fieldsV1="no"), "a set of fields must be an object"),
    ],
)
def test_entries_that_make_no_sense(entry: ManagedFieldsEntry, why: str) -> None:
    with pytest.raises(FieldsError, match=why):
        decode([entry])


def test_a_manager_without_name_is_unknown() -> None:
    assert updater("", "v1").name == applier("").name == "unknown"


@pytest.mark.parametrize(
    ("manager", "text"),
    [
        (applier("a"), '"a"'),
        (updater("a", "v1"), '"a" using v1'),
        (updater("a", "v1", "status"), '"a" with subresource "status" using v1'),
    ],
)
def test_how_conflicts_name_a_manager(manager: Manager, text: str) -> None:
    assert str(manager) == text


def test_an_empty_list_or_one_empty_entry_asks_to_forget_all() -> None:
    assert is_reset([])
    assert is_reset([ManagedFieldsEntry()])
    assert not is_reset(None)
    assert not is_reset([_entry()])
    assert not is_reset([ManagedFieldsEntry(), ManagedFieldsEntry()])


def _many(count: int) -> Owners:
    return {
        updater(f"m{i:02}", "v1"): Owned({f"f:{i}": {}}, "v1", f"2026-01-01T00:00:{i:02}Z")
        for i in range(count)
    }


def test_ten_updaters_are_kept() -> None:
    assert capped(_many(10)) == _many(10)


def test_the_oldest_of_more_updaters_become_one() -> None:
    kept = capped({**_many(12), applier("a"): Owned({"f:x": {}}, "v1")})
    assert len(kept) == 11
    ancient = kept[updater("ancient-changes", "v1")]
    assert ancient == Owned({"f:0": {}, "f:1": {}, "f:2": {}}, "v1", "2026-01-01T00:00:02Z")
    assert updater("m03", "v1") in kept


def test_updates_of_different_versions_are_not_mixed() -> None:
    owners: Owners = {
        updater(f"m{i:02}", f"v{i % 2}"): Owned({f"f:{i}": {}}, f"v{i % 2}", f"{i:02}")
        for i in range(11)
    }
    kept = capped(owners)
    assert kept[updater("ancient-changes", "v0")].fields == {"f:0": {}, "f:2": {}}
    assert updater("m01", "v1") in kept
