"""What kubectl leaves in an annotation of a Secret, without the values."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api.apply.last_applied import ANNOTATION, MASK
from strongroom.resources.last_applied import (
    EMPTY,
    fill_annotation,
    mask_annotation,
    masked,
)
from strongroom.resources.secret import SECRETS, Secret

MANIFEST = {
    "apiVersion": "v1",
    "data": {"a": "aHVudGVyMg==", "b": ""},
    "immutable": False,
    "kind": "Secret",
    "metadata": {"annotations": {"note": "n"}, "name": "s", "namespace": "default"},
    "type": "Opaque",
}


def text(tree: Any) -> str:
    return json.dumps(tree, separators=(",", ":"), sort_keys=True) + "\n"


def test_keys_stay_and_values_go() -> None:
    assert masked(text(MANIFEST)) == text({**MANIFEST, "data": {"a": MASK, "b": MASK}})
    assert masked(text({"stringData": {"a": "hunter2", "b": None}})) == text(
        {"stringData": {"a": MASK, "b": None}}
    )


def test_the_mark_can_stand_in_data() -> None:
    assert len(base64.b64decode(MASK, validate=True)) == 15


def test_what_is_masked_stays_as_it_is_byte_for_byte() -> None:
    spaced = json.dumps({**MANIFEST, "data": {"a": MASK}}, indent=2)
    assert masked(spaced) == spaced
    assert masked(EMPTY) == EMPTY


@pytest.mark.parametrize(
    "tree",
    [
        {"dat": {"a": "hunter2"}},
        {"stringdata": {"a": "hunter2"}},
        {"metadata": {"data": {"a": "hunter2"}}},
        {"metadata": {"annotations": {ANNOTATION: text({"data": {"a": "hunter2"}})}}},
        {"data": {"a": {"b": "hunter2"}}},
        {"data": {"a": ["hunter2"]}},
        {"stringData": {"a": 12345678}},
        {"kind": {"hunter2": 1}},
        {"data": "hunter2"},
        {"data": ["hunter2"]},
        {"stringData": 12345678},
        {"metadata": "hunter2"},
        ["hunter2"],
        "hunter2",
    ],
)
def test_no_form_of_a_manifest_keeps_a_value(tree: Any) -> None:
    left = masked(text(tree))
    assert "hunter2" not in left
    assert "12345678" not in left
    assert isinstance(json.loads(left), dict)


@pytest.mark.parametrize(
    "repeated",
    [
        '{"data":{"a":"hunter2"},"data":{"a":"%s"}}',
        '{"data":{"a":"hunter2","a":"%s"}}',
        '{"data":{"a":"%s"},"metadata":{"x":"hunter2"},"metadata":{"name":"n"}}',
        '{"stringData":{"a":"hunter2"},"stringData":null}',
    ],
)
def test_what_a_repeated_key_hides_goes(repeated: str) -> None:
    text = repeated.replace("%s", MASK)
    left = masked(text)
    assert "hunter2" not in left
    assert json.loads(left) == json.loads(text)


@pytest.mark.parametrize("broken", ['{"data": {"a": "hunter2"}', "hunter2", "\ud800", "[" * 500])
def test_what_is_no_json_is_emptied(broken: str) -> None:
    assert masked(broken) == EMPTY


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "stringData", "metadata", "annotations", ANNOTATION, "kind"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_masking_twice_changes_nothing_more(tree: Any) -> None:
    once = masked(text(tree))
    assert masked(once) == once


@given(
    st.dictionaries(st.sampled_from("abc"), st.binary(max_size=5)),
    st.dictionaries(st.sampled_from("xyz"), st.text('a<&>\u2028é"\\\n', max_size=5)),
)
def test_an_apply_reads_back_what_it_wrote(data: dict[str, bytes], texts: dict[str, str]) -> None:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    meta = {"annotations": {"html": "<b>&"}, "name": "s"}
    whole = {"apiVersion": "v1", "data": encoded, "kind": "Secret", "metadata": meta}
    written = go_text({**whole, "stringData": texts})
    annotations = {ANNOTATION: written}
    mask_annotation(annotations)
    stored = {**data, **{key: value.encode() for key, value in texts.items()}}
    fill_annotation(annotations, stored)
    assert annotations[ANNOTATION] == written


def go_text(tree: Any) -> str:
    """As Go's encoder writes it."""
    written = json.dumps(tree, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    for char in "<>&\u2028":
        written = written.replace(char, f"\\u{ord(char):04x}")
    return written + "\n"


def test_what_the_secret_has_no_value_for_stays_marked() -> None:
    annotations = {ANNOTATION: text({"data": {"gone": MASK}, "stringData": {"raw": MASK}})}
    before = dict(annotations)
    assert fill_annotation(annotations, {"raw": b"\xff"})
    assert annotations == before
    assert not fill_annotation({}, {})
    assert not fill_annotation({ANNOTATION: f"[{MASK}"}, {})


def secret(annotation: str, **data: bytes) -> Secret:
    made = Secret(data=data)
    made.metadata.annotations = {ANNOTATION: annotation, "other": annotation}
    return made


def test_a_secret_is_masked_before_anybody_sees_it() -> None:
    made = secret(text(MANIFEST), a=b"hunter2")
    SECRETS.default(made)
    assert "aHVudGVyMg" not in made.metadata.annotations[ANNOTATION]
    assert made.metadata.annotations["other"] == text(MANIFEST)


def test_emptying_is_told_once() -> None:
    new, old = secret("{", a=b"1"), secret("{}", a=b"1")
    SECRETS.default(new)
    (told,) = SECRETS.warnings(new, None)
    assert "not the manifest of a Secret, emptied" in told
    assert SECRETS.warnings(new, old) == []


@pytest.mark.parametrize("value", [MASK.encode(), base64.b64decode(MASK)])
def test_a_mark_that_becomes_a_value_is_told(value: bytes) -> None:
    new = Secret(data={"a": value, "b": b"1"})
    (told,) = SECRETS.warnings(new, Secret(data={"a": b"hunter2"}))
    assert told.startswith("data[a]: the value is the mark")
    assert SECRETS.warnings(new, new) == []
