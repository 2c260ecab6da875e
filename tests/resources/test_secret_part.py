"""What is left of a Secret for those who may see a part of it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from strongroom.api import codec
from strongroom.api.meta import ManagedFieldsEntry
from strongroom.resources.secret import Secret
from strongroom.resources.secret_part import MOST_SEARCHED, keep_keys, keep_metadata

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
VALUE = b"a-value"


def entry(manager: str, fields: Any) -> ManagedFieldsEntry:
    return ManagedFieldsEntry(manager=manager, time="2026-01-01T00:00:00Z", fieldsV1=fields)


def secret() -> Secret:
    made = Secret(data={"password": b"open", "tls.key": VALUE, "user": VALUE}, type="Opaque")
    made.stringData = {"more": VALUE.decode()}
    made.immutable = True
    made.metadata.labels = {"app": "shop"}
    made.metadata.annotations = {
        APPLIED: json.dumps({"data": {"user": "YS12YWx1ZQ=="}}),
        "about": "the user is root",
        "for/tls.key": "x",
        "note": "nothing",
    }
    annotated: dict[str, Any] = {"f:annotations": {f"f:{APPLIED}": {}, "f:about": {}, "f:note": {}}}
    made.metadata.managedFields = [
        entry("both", {"f:data": {".": {}, "f:password": {}, "f:user": {}}, "f:type": {}}),
        entry("other", {"f:data": {"f:tls.key": {}}}),
        entry("gone", {"f:data": {"f:was-here": {}}, "f:metadata": annotated}),
        entry("odd", "no fields"),
        entry("odder", {"f:data": [], "f:metadata": 1}),
    ]
    return made


def owned(made: Secret) -> dict[str, Any]:
    return {entry.manager: entry.fieldsV1 for entry in made.metadata.managedFields or ()}


def test_metadata_keeps_the_number_of_keys_and_no_value() -> None:
    made = secret()
    keep_metadata(made)
    assert made.data == {"password": b"", "tls.key": b"", "user": b""}
    assert (made.stringData, made.type, made.immutable) == ({}, "Opaque", True)
    assert set(made.metadata.annotations) == {"about", "for/tls.key", "note"}
    assert owned(made) == {
        "both": {"f:data": {}, "f:type": {}},
        "other": {"f:data": {}},
        "gone": {"f:data": {}, "f:metadata": {"f:annotations": {"f:about": {}, "f:note": {}}}},
        "odder": {"f:data": {}, "f:metadata": 1},
    }


def test_a_key_is_left_with_what_is_about_it() -> None:
    made = secret()
    keep_keys(made, {"password"})
    assert (made.data, made.stringData) == ({"password": b"open"}, {})
    assert (made.type, made.immutable, made.metadata.labels) == ("Opaque", True, {"app": "shop"})
    assert made.metadata.annotations == {"note": "nothing"}
    assert owned(made) == {
        "both": {"f:data": {"f:password": {}}, "f:type": {}},
        "gone": {"f:metadata": {"f:annotations": {"f:note": {}}}},
        "odder": {"f:metadata": 1},
    }


def test_annotations_that_would_take_long_to_search_are_left_out() -> None:
    made = Secret(data={f"key-{i}": b"" for i in range(1000)})
    made.metadata.annotations = {"note": "x" * (MOST_SEARCHED // 900)}
    keep_keys(made, {"key-1"})
    assert (set(made.data), made.metadata.annotations) == ({"key-1"}, {})


KEYS = st.text("abcXYZ-_.", min_size=3, max_size=8)


@given(st.dictionaries(KEYS, st.binary(min_size=12, max_size=16), min_size=1), st.data())
def test_whatever_is_hidden_is_nowhere(data: dict[str, bytes], draw: st.DataObject) -> None:
    shown = draw.draw(st.sets(st.sampled_from(sorted(data))))
    hidden = data.keys() - shown
    made = Secret(data=dict(data))
    made.metadata.annotations = {f"{key}-note": f"about {key}" for key in data}
    made.metadata.managedFields = [
        entry("one", {"f:data": {f"f:{key}": {} for key in data}}),
    ]
    keep_keys(made, shown)
    assert made.data == {key: data[key] for key in shown}
    text = codec.encode(made.metadata).decode()
    visible = [key for key in hidden if not any(key in other for other in shown)]
    assert not any(json.dumps(key)[1:-1] in text for key in visible)
