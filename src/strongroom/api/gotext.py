"""Go's ways of printing values, where upstream's messages contain them (``%q``, ``%#v``, JSON)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}
"""Characters that Go, and CEL after it, writes with a letter behind a backslash."""


def quote(text: str) -> str:
    """Print as Go's ``%q`` does: double quotes, escapes for what is not printable."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_quoted(c) for c in text) + '"'


def _quoted(character: str) -> str:
    if escape := ESCAPES.get(character):
        return escape
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def strings(values: list[str]) -> str:
    """Print as Go's ``%#v`` prints a slice of strings."""
    return "[]string{" + ", ".join(quote(v) for v in values) + "}"


def quotes(values: Iterable[str]) -> str:
    """Print as Go's ``%q`` prints a slice of strings."""
    return "[" + " ".join(quote(v) for v in values) + "]"


def json_text(value: Any) -> str:
    """Print as Go's ``json.Marshal``: compact, with ``<``, ``>`` and ``&`` escaped."""
    text = msgspec.json.encode(value).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
