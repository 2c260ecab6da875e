"""Regular expressions in linear time, with RE2's syntax, for patterns that clients give us.

Python's own engine backtracks: a pattern of ten characters can keep it busy for years. RE2 is the
engine whose syntax Kubernetes documents for patterns in schemas and in CEL. A pattern's automaton
may take a megabyte; larger ones are refused.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20


class PatternError(ValueError):
    """A pattern that is none; the message is the engine's and quotes the part that is wrong."""


class Pattern:
    """A compiled pattern."""

    __slots__ = ("_compiled", "_search", "text")

    def __init__(self, text: str, compiled: Any) -> None:
        self.text = text
        self._compiled = compiled
        # In bytes, for offsets in text, which nobody asks for here, cost more than the match.
        self._search = re2.compile(text.encode(), _OPTIONS).search

    def matches(self, text: str) -> bool:
        """Whether the pattern occurs anywhere in ``text``."""
        return self._search(text.encode()) is not None

    def find(self, text: str) -> str:
        """The first occurrence, "" when there is none."""
        found = self._compiled.search(text)
        return "" if found is None else str(found.group(0))

    def find_all(self, text: str, limit: int) -> list[str]:
        """The first ``limit`` occurrences that do not overlap; all with a negative limit."""
        found: list[str] = []
        if limit == 0:
            return found
        for match in self._compiled.finditer(text):
            found.append(match.group(0))
            if len(found) == limit:
                break
        return found


@lru_cache(maxsize=1024)
def compile_pattern(text: str) -> Pattern:
    """The pattern of a text. Raises PatternError, as Go's regexp package words it."""
    try:
        return Pattern(text, re2.compile(text, _OPTIONS))
    except re2.error as error:
        raise PatternError(_reason(error)) from None


def _reason(error: Exception) -> str:
    """RE2's reason in Go's form, ``error parsing regexp: missing closing ): `(a` ``."""
    told = error.args[0] if error.args else b""
    text = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
    what, colon, part = text.partition(": ")
    what = _WORDS.get(what, what)
    return f"error parsing regexp: {what}: `{part}`" if colon else f"error parsing regexp: {what}"


_WORDS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "invalid repetition size": "invalid repeat count",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid perl operator": "invalid or unsupported Perl syntax",
}
