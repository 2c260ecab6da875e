"""Label selectors. Import their names from :mod:`strongroom.api.selectors`.

The grammar, its tolerances and its messages are upstream's (``k8s.io/apimachinery/pkg/labels``).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from strongroom.api.errors import bad_request
from strongroom.api.findings import Path, invalid_value
from strongroom.api.names import label_value, qualified_name

LabelOperator = Literal["in", "notin", "=", "==", "!=", "exists", "!", ">", "<"]

MAX_REQUIREMENTS = 500
"""Most conditions of a selector (of labels, of fields): each is tried on each object of a list."""

_OPERATORS: tuple[LabelOperator, ...] = ("in", "notin", "=", "==", "!=", ">", "<")
_OPERATORS_TEXT = "in, notin, =, ==, !=, gt, lt"
_INT64 = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True, slots=True)
class LabelRequirement:
    """One condition on a label. ``values`` are sorted and unique."""

    key: str
    operator: LabelOperator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet the condition; a missing key meets ``notin``, ``!=`` and ``!``."""
        value = labels.get(self.key)
        match self.operator:
            case "in" | "=" | "==":
                return value is not None and self._has(value)
            case "notin" | "!=":
                return value is None or not self._has(value)
            case "exists":
                return value is not None
            case "!":
                return value is None
        number, bound = _int64(value), _int64(self.values[0])
        if number is None or bound is None:
            return False
        return number > bound if self.operator == ">" else number < bound

    def _has(self, value: str) -> bool:
        at = bisect_left(self.values, value)
        return at < len(self.values) and self.values[at] == value

    def __str__(self) -> str:
        if self.operator == "exists":
            return self.key
        if self.operator == "!":
            return f"!{self.key}"
        values = ",".join(self.values)
        if self.operator in ("in", "notin"):
            return f"{self.key} {self.operator} ({values})"
        return f"{self.key}{self.operator}{values}"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Conditions on labels that must all hold; sorted by key."""

    requirements: tuple[LabelRequirement, ...] = ()

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """Read ``a=b,c in (d,e),!f``. Raises StatusError 400 in upstream's words."""
        try:
            requirements = _LabelParser(text).parse()
        except _SyntaxError as error:
            raise bad_request(str(error)) from None
        return cls(tuple(sorted(requirements, key=lambda r: r.key)))

    @classmethod
    def from_labels(cls, labels: Mapping[str, str]) -> LabelSelector:
        """The selector of objects that bear all these labels."""
        pairs = sorted(labels.items())
        return cls(tuple(LabelRequirement(key, "=", (value,)) for key, value in pairs))

    @property
    def empty(self) -> bool:
        """Whether it selects everything."""
        return not self.requirements

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet all conditions."""
        return all(r.matches(labels) for r in self.requirements)

    def requires_exact(self, key: str) -> str | None:
        """The only value that the label may have, if there is just one."""
        for r in self.requirements:
            if r.key == key:
                exact = r.operator in ("=", "==", "in") and len(r.values) == 1
                return r.values[0] if exact else None
        return None

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


def _int64(text: str | None) -> int | None:
    if text is None or not _INT64.fullmatch(text):
        return None
    number = int(text) if len(text) <= 20 else 1 << 64
    return number if -(1 << 63) <= number < 1 << 63 else None


class _SyntaxError(Exception):
    """What is wrong with the text; becomes a 400 in ``parse``."""


_SPACE = " \t\r\n"
_SYMBOLS = "=!(),><"
_TWO = ("==", "!=")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of kind and literal; kinds are the symbols, ``in``, ``notin``, ``id`` and ``end``."""
    position = 0
    while position < len(text):
        character = text[position]
        if character in _SPACE:
            position += 1
        elif character in _SYMBOLS:
            literal = text[position : position + 2]
            literal = literal if literal in _TWO else character
            yield literal, literal
            position += len(literal)
        else:
            end = position
            while end < len(text) and text[end] not in _SPACE and text[end] not in _SYMBOLS:
                end += 1
            literal = text[position:end]
            yield (literal if literal in ("in", "notin") else "id"), literal
            position = end
    yield "end", ""


class _LabelParser:
    """Recursive descent over the tokens; keywords are plain words where values stand."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._position = 0

    def parse(self) -> list[LabelRequirement]:
        found: list[LabelRequirement] = []
        while True:
            kind, literal = self._peek()
            if kind == "end":
                return found
            if kind not in ("id", "!"):
                raise _SyntaxError(
                    f"found '{literal}', expected: !, identifier, or 'end of string'"
                )
            found.append(self._requirement())
            if len(found) > MAX_REQUIREMENTS:
                raise _SyntaxError(f"found more than {MAX_REQUIREMENTS} requirements")
            kind, literal = self._next()
            if kind == "end":
                return found
            if kind != ",":
                raise _SyntaxError(f"found '{literal}', expected: ',' or 'end of string'")
            kind, literal = self._peek()
            if kind not in ("id", "!"):
                raise _SyntaxError(f"found '{literal}', expected: identifier after ','")

    def _peek(self) -> tuple[str, str]:
        kind, literal = self._tokens[self._position]
        return ("id" if kind in ("in", "notin") else kind), literal

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        # The end is never passed: whoever looks again sees it again.
        self._position = min(self._position + 1, len(self._tokens) - 1)
        return token

    def _requirement(self) -> LabelRequirement:
        try:
            return self._checked(*self._parts())
        except _SyntaxError as error:
            raise _SyntaxError(f"unable to parse requirement: {error}") from None

    def _parts(self) -> tuple[str, LabelOperator, set[str]]:
        kind, key = self._next()
        absent = kind == "!"
        if absent:
            kind, key = self._next()
        if kind != "id":
            raise _SyntaxError(f"found '{key}', expected: identifier")
        if wrong := qualified_name(key):
            raise _SyntaxError(str(invalid_value(Path("<nil>"), key, "; ".join(wrong))))
        if absent:
            return key, "!", set()
        if self._peek()[0] in ("end", ","):
            return key, "exists", set()
        operator = self._operator()
        values = self._values() if operator in ("in", "notin") else self._exact_value()
        return key, operator, values

    def _operator(self) -> LabelOperator:
        kind, literal = self._tokens[self._position]
        self._next()
        for operator in _OPERATORS:
            if kind == operator:
                return operator
        raise _SyntaxError(f"found '{literal}', expected: {_OPERATORS_TEXT}")

    def _values(self) -> set[str]:
        kind, literal = self._next()
        if kind != "(":
            raise _SyntaxError(f"found '{literal}' expected: '('")
        kind, literal = self._peek()
        if kind == ")":
            self._next()
            return {""}
        if kind not in ("id", ","):
            raise _SyntaxError(f"found '{literal}', expected: ',', ')' or identifier")
        values = self._value_list()
        # The list ends where a closing parenthesis follows, and nowhere else.
        self._next()
        return values

    def _value_list(self) -> set[str]:
        """Values up to the closing parenthesis; nothing between two commas is the empty value."""
        values: set[str] = set()
        while True:
            kind, literal = self._next()
            if kind == "id":
                values.add(literal)
                kind, literal = self._peek()
                if kind == ")":
                    return values
                if kind != ",":
                    raise _SyntaxError(f"found '{literal}', expected: ',' or ')'")
            elif kind == ",":
                if not values or self._peek()[0] in (",", ")"):
                    values.add("")
                if self._peek()[0] == ")":
                    return values
            else:
                raise _SyntaxError(f"found '{literal}', expected: ',', or identifier")

    def _exact_value(self) -> set[str]:
        if self._peek()[0] in ("end", ","):
            return {""}
        kind, literal = self._next()
        if kind != "id":
            raise _SyntaxError(f"found '{literal}', expected: identifier")
        return {literal}

    def _checked(self, key: str, operator: LabelOperator, values: set[str]) -> LabelRequirement:
        ordered = tuple(sorted(values))
        path = Path("values")
        errors = []
        for i, value in enumerate(ordered):
            if operator in ("<", ">") and _int64(value) is None:
                detail = "for 'Gt', 'Lt' operators, the value must be an integer"
                errors.append(str(invalid_value(path.index(i), value, detail)))
        for i, value in enumerate(ordered):
            if wrong := label_value(value):
                at = path.index(i).key(key)
                errors.append(str(invalid_value(at, value, "; ".join(wrong))))
        if errors:
            unique = list(dict.fromkeys(errors))
            raise _SyntaxError(unique[0] if len(unique) == 1 else "[" + ", ".join(unique) + "]")
        return LabelRequirement(key, operator, ordered)
