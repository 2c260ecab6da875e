"""What is kept of a Secret's past, and what of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from strongroom.api import codec
from strongroom.api.meta import ObjectMeta
from strongroom.resources.secret import BOOTSTRAP_TOKEN, OPAQUE, SERVICE_ACCOUNT_TOKEN, Secret
from strongroom.resources.secret_history import (
    HELM_RELEASE,
    MOST,
    asked_limit,
    is_another_state,
    limit_of,
    revision_of,
    unusable,
)
from strongroom.resources.secretrevision import (
    SECRET_REVISIONS,
    newest_first,
    revision_name,
    revision_number,
)
from strongroom.resources.strongroom_annotations import HISTORY

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("off", 0),
        ("OFF ", 0),
        ("0", 0),
        ("none", 0),
        ("3", 3),
        ("1000000000000", MOST),
        ("on", None),
        ("-1", None),
        ("", None),
        ("²", None),
    ],
)
def test_the_annotation(text: str, limit: int | None) -> None:
    assert asked_limit({HISTORY: text}) == limit
    assert bool(unusable({HISTORY: text})) is (limit is None)


def test_nobody_is_warned_of_what_is_not_there() -> None:
    assert asked_limit({}) is None
    assert unusable({}) == ""


@pytest.mark.parametrize(
    ("default", "kind", "own", "namespace", "limit"),
    [
        (10, OPAQUE, "", "", 10),
        (10, OPAQUE, "3", "off", 3),
        (10, OPAQUE, "off", "3", 0),
        (10, OPAQUE, "", "off", 0),
        (10, OPAQUE, "", "20", 20),
        (10, OPAQUE, "nonsense", "2", 2),
        (0, OPAQUE, "3", "3", 0),
        (10, SERVICE_ACCOUNT_TOKEN, "3", "3", 0),
        (10, BOOTSTRAP_TOKEN, "3", "", 0),
        (10, HELM_RELEASE, "", "3", 0),
        (10, HELM_RELEASE, "2", "", 2),
    ],
)
def test_whose_word_counts(default: int, kind: str, own: str, namespace: str, limit: int) -> None:
    said = [{HISTORY: text} if text else {} for text in (own, namespace)]
    assert limit_of(default, kind, *said) == limit


def made(**changes: object) -> Secret:
    meta = ObjectMeta(
        name="db",
        namespace="shop",
        uid="u1",
        labels={"app": "shop"},
        annotations={
            "team": "a",
            "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"k":"aHVudGVyMg=="}}',
        },
        creationTimestamp="2026-01-01T00:00:00Z",
        resourceVersion="7",
        finalizers=["example.com/x"],
    )
    return Secret(metadata=meta, **({"data": {"k": b"hunter2"}, "type": OPAQUE} | changes))  # type: ignore[arg-type]  # the fields of a Secret


def test_only_data_and_type_make_another_state() -> None:
    old, new = made(), made()
    new.metadata.labels = {}
    assert not is_another_state(old, new)
    assert is_another_state(old, made(data={"k": b"other"}))
    assert is_another_state(old, made(type="example.com/other"))
    assert is_another_state(old, None)


def test_a_revision_tells_all_but_what_was_applied() -> None:
    old = made(immutable=True)
    kept = revision_of(old, 7, "u2", NOW, "alice", "delete")
    assert codec.to_tree(kept) == {
        "metadata": {
            "name": "db.7",
            "namespace": "shop",
            "uid": "u2",
            "creationTimestamp": "2026-03-01T12:00:00Z",
        },
        "data": {"k": "aHVudGVyMg=="},
        "spec": {
            "secretName": "db",
            "secretUID": "u1",
            "secretResourceVersion": "7",
            "type": "Opaque",
            "immutable": True,
            "labels": {"app": "shop"},
            "annotations": {"team": "a"},
            "secretCreationTimestamp": "2026-01-01T00:00:00Z",
            "replacedAt": "2026-03-01T12:00:00Z",
            "replacedBy": "alice",
            "operation": "delete",
        },
    }
    assert old.metadata.annotations != kept.spec.annotations
    assert "hunter2" not in repr(kept)


def test_columns_show_no_values() -> None:
    kept = revision_of(made(), 7, "u2", NOW, "alice", "patch")
    cells = SECRET_REVISIONS.columns_of(kept, NOW)
    assert list(cells) == ["db.7", "db", "Opaque", 1, "alice", "patch", "0s"]


def test_names_tell_whose_they_are() -> None:
    assert revision_name("db", 7) == "db.7"
    assert revision_number("db.7", "db") == 7
    for other in ("db.1.7", "db.x", "db", "db.", "dbx.7", "db.²"):
        assert revision_number(other, "db") is None
    assert revision_number("db.1.7", "db.1") == 7


def test_order_is_that_of_numbers() -> None:
    found = [revision_of(made(), number, "", NOW, "", "update") for number in (9, 10, 2)]
    assert [kept.metadata.name for kept in newest_first(found)] == ["db.10", "db.9", "db.2"]
