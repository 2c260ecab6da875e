"""Judging JSON inside values with the findings that Go's ``encoding/json`` would tell.

Docker configurations in Secrets must be JSON objects, and upstream reports Go's own message. That
message names at most one character of the text, never more of it.
"""

from __future__ import annotations

import re

import msgspec

_SPACE = re.compile(rb"[ \t\r\n]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_DIGITS = re.compile(rb"[0-9]*")
_LITERALS = {ord("t"): (b"true", "bool"), ord("f"): (b"false", "bool"), ord("n"): (b"null", "null")}
_MAX_DEPTH = 200
"""Upstream stops at 10000; no docker configuration is deeper than four."""


def json_object_error(text: bytes) -> str:
    """What is wrong with ``text`` as a JSON object (``null`` passes too), or an empty string."""
    try:
        if isinstance(msgspec.json.decode(text), dict):
            return ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # the scanner below tells what is wrong, and accepts what only Go accepts
    try:
        kind = _Scanner(text).document()
    except _MalformedError as error:
        return str(error)
    if kind in ("object", "null"):
        return ""
    return f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"


class _MalformedError(Exception):
    """The text is not JSON; the message is Go's."""


class _Scanner:
    """Walks the text once; each method leaves ``at`` behind what it has read."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0

    def document(self) -> str:
        kind = self._value(0)
        self._skip(_SPACE)
        if self._at < len(self._text):
            self._fail("after top-level value")
        return kind

    def _value(self, depth: int) -> str:
        if depth > _MAX_DEPTH:
            raise _MalformedError("exceeded max depth")
        first = self._token()
        if first == ord("{"):
            return self._object(depth)
        if first == ord("["):
            return self._array(depth)
        if first == ord('"'):
            return self._string()
        if first == ord("-") or chr(first).isdecimal():
            return self._number()
        if first in _LITERALS:
            return self._literal(*_LITERALS[first])
        return self._fail("looking for beginning of value")

    def _object(self, depth: int) -> str:
        self._at += 1
        if self._token() == ord("}"):
            self._at += 1
            return "object"
        while True:
            if self._token() != ord('"'):
                self._fail("looking for beginning of object key string")
            self._string()
            if self._token() != ord(":"):
                self._fail("after object key")
            self._at += 1
            self._value(depth + 1)
            if self._closed(ord("}"), "after object key:value pair"):
                return "object"

    def _array(self, depth: int) -> str:
        self._at += 1
        if self._token() == ord("]"):
            self._at += 1
            return "array"
        while True:
            self._value(depth + 1)
            if self._closed(ord("]"), "after array element"):
                return "array"

    def _closed(self, end: int, context: str) -> bool:
        mark = self._token()
        if mark not in (end, ord(",")):
            self._fail(context)
        self._at += 1
        return mark == end

    def _string(self) -> str:
        self._at += 1
        while True:
            self._skip(_PLAIN)
            mark = self._byte()
            if mark < 0x20:
                self._fail("in string literal")
            self._at += 1
            if mark == ord('"'):
                return "string"
            self._escape()

    def _escape(self) -> None:
        if self._byte() not in b'"\\/bfnrtu':
            self._fail("in string escape code")
        self._at += 1
        if self._text[self._at - 1] == ord("u"):
            for _ in range(4):
                if self._byte() not in b"0123456789abcdefABCDEF":
                    self._fail("in \\u hexadecimal character escape")
                self._at += 1

    def _number(self) -> str:
        if self._byte() == ord("-"):
            self._at += 1
        if self._byte() == ord("0"):
            self._at += 1
        else:
            self._digits("in numeric literal")
        if self._rest(b"."):
            self._digits("after decimal point in numeric literal")
        if self._rest(b"eE"):
            self._rest(b"+-")
            self._digits("in exponent of numeric literal")
        return "number"

    def _digits(self, context: str) -> None:
        if self._byte() not in b"0123456789":
            self._fail(context)
        self._skip(_DIGITS)

    def _rest(self, marks: bytes) -> bool:
        found = self._at < len(self._text) and self._text[self._at] in marks
        self._at += found
        return found

    def _literal(self, word: bytes, kind: str) -> str:
        for expected in word:
            if self._byte() != expected:
                self._fail(f"in literal {word.decode()} (expecting {chr(expected)!r})")
            self._at += 1
        return kind

    def _skip(self, pattern: re.Pattern[bytes]) -> None:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()

    def _token(self) -> int:
        self._skip(_SPACE)
        return self._byte()

    def _byte(self) -> int:
        if self._at >= len(self._text):
            raise _MalformedError("unexpected end of JSON input")
        return self._text[self._at]

    def _fail(self, context: str) -> str:
        character = _quoted(self._text[self._at])
        raise _MalformedError(f"invalid character {character} {context}")


def _quoted(byte: int) -> str:
    """A byte as Go prints it there: in single quotes, with Go's escapes."""
    named = {0x07: "\\a", 0x08: "\\b", 0x0B: "\\v", 0x0C: "\\f", 0x27: "\\'", 0x5C: "\\\\"}
    named |= {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}
    if byte in named:
        return f"'{named[byte]}'"
    if chr(byte).isprintable():
        return f"'{chr(byte)}'"
    return f"'\\x{byte:02x}'" if byte < 0x80 else f"'\\u{byte:04x}'"
