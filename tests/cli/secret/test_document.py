"""A Secret as text to edit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.api.apply.last_applied import ANNOTATION
from strongroom.cli.secret.document import Document, Unreadable, document_of, dump, load
from strongroom.resources.secret import Secret

KEYS = st.text("abcXYZ019-_.", min_size=1, max_size=6)


@given(
    st.dictionaries(KEYS, st.binary(max_size=9) | st.text(max_size=9).map(str.encode), max_size=4)
)
@settings(max_examples=40)
def test_what_is_written_is_read_back(data: dict[str, bytes]) -> None:
    document = Document(data, {"app": "1", "b": "yes"}, {"note": "null\n"}, immutable=True)
    assert load(dump(document)) == document


@pytest.mark.parametrize(
    "text", ["5432", "yes", "null", "~", "1e3", "2026-01-01", "0x10", "=", "<<", "", "a: b", "#x"]
)
def test_text_is_the_text_that_it_is(text: str) -> None:
    assert load(dump(Document({"k": text.encode()}))).data == {"k": text.encode()}


def test_what_is_typed_without_quotes_is_text() -> None:
    assert load("data: {port: 5432, on: yes, none: null}\n").data == {
        "port": b"5432",
        "on": b"yes",
        "none": b"null",
    }
    assert load("data:\n  empty:\n  lines: |\n    a\n    b\n").data == {
        "empty": b"",
        "lines": b"a\nb\n",
    }


def test_lines_are_shown_as_lines_and_bytes_as_binary() -> None:
    text = dump(Document({"crt": b"one\ntwo\n", "raw": b"\xff\x00"}))
    assert text == "data:\n  crt: |\n    one\n    two\n  raw: !!binary |\n    /wA=\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("data: {k: *hunter2}", r"not valid YAML \(line 1, column 11\)"),
        ("data:\n  k: &hunter2\n", r"not valid YAML \(line 2"),
        ("data: {k: hunter2, k: hunter2}", "not valid YAML"),
        ("data: {[a]: hunter2}", "not valid YAML"),
        ("data: {k: !hunter2 x}", "not valid YAML"),
        ("data: {k: 'hunter2", "not valid YAML"),
        ("data: {k: \x07hunter2}", "not valid YAML"),
        ("data: {k: {hunter2: x}}", "data: k: the value is not text"),
        ("data: {k: !!int 5}", "data: k: the value is not text"),
        ("data: {!!int 5: hunter2}", "data: a key is not text"),
        ("data: hunter2", "data: expected lines of KEY: VALUE"),
        ("labels: {k: !!binary aHVudGVyMg==}", "labels: k: the value is not text"),
        ("hunter2", "expected data, labels, annotations, immutable"),
        ("dat: {k: hunter2}", "expected data, labels, annotations, immutable"),
        ("immutable: hunter2", "immutable: expected true or false"),
    ],
)
def test_what_is_wrong_is_told_and_not_quoted(text: str, told: str) -> None:
    with pytest.raises(Unreadable, match=told) as caught:
        load(text)
    assert "hunter2" not in str(caught.value)


def test_the_annotation_of_kubectl_is_not_shown() -> None:
    secret = Secret(data={"k": b"v"}, immutable=True)
    secret.metadata.annotations = {ANNOTATION: "{}", "note": "n"}
    assert document_of(secret) == Document({"k": b"v"}, {}, {"note": "n"}, immutable=True)
