"""Go's words about JSON that is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.resources.json_text import json_object_error

_START = "looking for beginning of value"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"auths": {"a": [1, -2.5e3, true, false, null, "\\u00e9\\n"]}}', ""),
        (b" null ", ""),
        (b'{"a": "\xff"}', ""),
        (b"", "unexpected end of JSON input"),
        (b'{"a":', "unexpected end of JSON input"),
        (b'"a', "unexpected end of JSON input"),
        (b"-", "unexpected end of JSON input"),
        (b"[]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (b'"a"', "json: cannot unmarshal string into Go value of type map[string]interface {}"),
        (b"1.5", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        (b"true", "json: cannot unmarshal bool into Go value of type map[string]interface {}"),
        (b"'", f"invalid character '\\'' {_START}"),
        (b"\x00", f"invalid character '\\x00' {_START}"),
        ("é".encode(), f"invalid character 'Ã' {_START}"),
        (b"[1,]", f"invalid character ']' {_START}"),
        (b"{a", "invalid character 'a' looking for beginning of object key string"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b'{"a" 1', "invalid character '1' after object key"),
        (b'{"a":1 b', "invalid character 'b' after object key:value pair"),
        (b"[1 2", "invalid character '2' after array element"),
        (b"{} {}", "invalid character '{' after top-level value"),
        (b'{"a\n"', "invalid character '\\n' in string literal"),
        (b'{"\\x"', "invalid character 'x' in string escape code"),
        (b'{"\\u00g"', "invalid character 'g' in \\u hexadecimal character escape"),
        (b"trup", "invalid character 'p' in literal true (expecting 'e')"),
        (b"-a", "invalid character 'a' in numeric literal"),
        (b"1.a", "invalid character 'a' after decimal point in numeric literal"),
        (b"1e+a", "invalid character 'a' in exponent of numeric literal"),
        (b"01", "invalid character '1' after top-level value"),
        (b"[" * 300, "exceeded max depth"),
    ],
)
def test_the_message(text: bytes, message: str) -> None:
    assert json_object_error(text) == message


@given(st.binary(max_size=40) | st.text(alphabet='{}[]":,0123 etrunfals\\', max_size=30))
def test_it_agrees_with_another_reader(text: bytes | str) -> None:
    raw = text if isinstance(text, bytes) else text.encode()
    try:
        value = json.loads(raw.decode("ascii"), parse_constant=lambda name: 1 / 0)
        valid = value is None or isinstance(value, dict)
    except (ValueError, ZeroDivisionError):
        valid = False
    if raw.isascii():
        assert (json_object_error(raw) == "") == valid
