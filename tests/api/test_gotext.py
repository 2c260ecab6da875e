"""Go's printing of values."""

from __future__ import annotations

import pytest

from strongroom.api import gotext


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ("a b", '"a b"'),
        ("é☃", '"é☃"'),
        ('a"b\\c', r'"a\"b\\c"'),
        ("\a\b\f\n\r\t\v", r'"\a\b\f\n\r\t\v"'),
        ("\x00\x7f", r'"\x00\x7f"'),
        ("\u200b", r'"\u200b"'),
        ("\U000e0001", r'"\U000e0001"'),
    ],
)
def test_quoted_text(text: str, quoted: str) -> None:
    assert gotext.quote(text) == quoted


def test_lists_and_json() -> None:
    assert gotext.strings(["a", 'b"']) == r'[]string{"a", "b\""}'
    assert gotext.json_text({"a": "<&>", "b": None}) == r'{"a":"\u003c\u0026\u003e","b":null}'
