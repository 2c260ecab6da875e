"""YAML: scalars and keys as sigs.k8s.io/yaml reads them, and no bombs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api.yaml_text import MAX_DEPTH, YAMLError, load


def tree(text: str) -> Any:
    return load(text.encode())[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y", True),
        ("No", False),
        ("ON", True),
        ("yEs", "yEs"),
        ("'y'", "y"),
        ("~", None),
        ("", None),
        ("null", None),
        ("'null'", "null"),
        ("12", 12),
        ("+12", 12),
        ("-1_000", -1000),
        ("0644", 420),
        ("0o644", 420),
        ("0b11", 3),
        ("0x1F", 31),
        ("08", 8),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("1e3", 1000),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1),
        ("1.2.3", "1.2.3"),
        ("0x", "0x"),
        ("_1", "_1"),
        ("!!str 12", "12"),
        ('!!int "12"', 12),
        ("!!binary aGk=", "hi"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("<<", "<<"),
        ("99999999999999999999999", 99999999999999999999999),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    found = tree(f"k: {text}")["k"]
    assert (found, type(found)) == (value, type(value))


def test_keys_become_text() -> None:
    assert tree("1: a\ntrue: b\n1.5: c\n'x': d\n") == {
        "1": "a",
        "true": "b",
        "1.5": "c",
        "x": "d",
    }


def test_aliases_are_copies_and_merges_fill_in() -> None:
    found = tree("a: &a {x: 1, v: 2}\nb: *a\nc: {<<: *a, v: 3}\nd: {<<: [{z: 1}, *a]}\n")
    assert found == {
        "a": {"x": 1, "v": 2},
        "b": {"x": 1, "v": 2},
        "c": {"x": 1, "v": 3},
        "d": {"x": 1, "v": 2, "z": 1},
    }
    assert found["a"] is not found["b"]


def test_duplicates_are_told_with_their_lines_and_the_last_wins() -> None:
    found, findings = load(b"a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert found == {"a": 3, "b": {"c": 2}}
    assert findings == [
        (
            'yaml: unmarshal errors:\n  line 4: key "c" already set in map\n'
            '  line 5: key "a" already set in map'
        )
    ]


def test_duplicates_are_told_a_hundred_times_at_most() -> None:
    assert load(b"a: 1\n" * 1000)[1][0].count("already set") == 100


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, levels):
        aliases = ", ".join([f"*a{i - 1}"] * 10)
        lines.append(f"a{i}: &a{i} [{aliases}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"a: [", "yaml: line 1: did not find expected node content"),
        (b"a: b\n c: d", "yaml: line 2: mapping values are not allowed in this context"),
        (b"a: @s3cret", "yaml: found character that cannot start any token"),
        (b"a: *s3cret", "yaml: unknown anchor, or more than one document"),
        (b"a: b\n---\nc: d\n", "yaml: unknown anchor, or more than one document"),
        (b"\xff", "yaml: invalid UTF-8"),
        (b"a: \x01", "yaml: control characters are not allowed"),
        (b"? [a]\n: b", "yaml: unsupported map key"),
        (b"~: b", "yaml: unsupported map key of type: <nil>"),
        (b"a: .nan", "yaml: a number must be finite"),
        (b"a: 1e999", "yaml: a number must be finite"),
        (b"a: !!binary '!'", "yaml: !!binary value contains invalid base64 data"),
        (b"<<: 1", "yaml: map merge requires map or sequence of maps as the value"),
        (b"a: &a [*a]", "yaml: exceeded max depth"),
        (b"a: &a {<<: *a}", "yaml: exceeded max depth"),
        (b"[" * 100_000, "yaml: exceeded max depth"),
        (b"- " * 100_000 + b"x", "yaml: exceeded max depth"),
        (bomb(9).encode(), "yaml: document contains excessive aliasing"),
    ],
)
def test_what_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(YAMLError) as caught:
        load(body)
    assert str(caught.value) == message


def test_depth_up_to_the_limit() -> None:
    depth = MAX_DEPTH - 1
    assert tree("a: " + "[" * depth + "]" * depth)["a"] is not None


def test_an_empty_document_is_nothing() -> None:
    assert load(b"") == (None, [])
    assert load(b"# only a comment\n") == (None, [])


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        load(text.encode(errors="surrogatepass"))
    except YAMLError:
        # The only way to refuse a text; anything else fails the test.
        return
