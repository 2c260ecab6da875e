"""JSONPath as kubectl and printer columns have it (``k8s.io/client-go/util/jsonpath``).

Read: names (``.spec.name``, ``['a.b']``), items (``[0]``, ``[-1]``, ``[1:3]``, ``[*]``, ``[0,2]``),
anything below (``..name``), and filters (``[?(@.type=="Ready")]``, with ``== != < <= > >=``).
What is missing is no result. Neither is what a filter cannot compare.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

Step = Callable[[Any], Iterator[Any]]

MAX_LENGTH = 4096
MAX_STEPS = 10_000
"""Values that a search may come to. A path with many ``..``, or with filters in filters, comes to
the same ones over and over: without an end to it, one cell of a table would take hours."""
MAX_NESTED = 16
"""Deepest nesting of filters."""

_NAME = re.compile(r"(?:[^.\[\]'\"()\s\\,:?@]|\\.)+")
_SLICE = re.compile(r"(-?\d*)(?::(-?\d*))?(?::(-?\d*))?")
_FILTER = re.compile(r"\?\((.*)\)", re.DOTALL)
_COMPARISON = re.compile(r"\s*(==|!=|<=|>=|<|>)\s*")
_LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(-?\d+(?:\.\d+)?)|(true|false)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class JSONPathError(ValueError):
    """A path that cannot be read; the text says why."""


class _Exhausted(Exception):
    """The search has come to too many values."""


class _Search:
    """What a path and the paths in its filters may still come to."""

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def take(self) -> None:
        """Count one value. Raises _Exhausted."""
        self.left -= 1
        if self.left < 0:
            raise _Exhausted


class JSONPath:
    """A path through plain JSON values. Raises JSONPathError for a text that is none."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise JSONPathError("the path is too long")
        self._search = _Search()
        self._find = _Reader(text, self._search, 0).path()

    def find(self, value: Any) -> list[Any]:
        """The values that the path leads to; none where that takes too long to find out."""
        self._search.left = MAX_STEPS
        try:
            return self._find(value)
        except _Exhausted:
            return []


def printed(value: Any) -> str:
    """A value as text: texts as they are, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return "<nil>" if value is None else json.dumps(value, separators=(",", ":"), sort_keys=True)


class _Reader:
    def __init__(self, text: str, search: _Search, depth: int) -> None:
        if depth > MAX_NESTED:
            raise JSONPathError("filters are nested too deep")
        self._text = text
        self._at = 0
        self._search = search
        self._depth = depth

    def path(self) -> Callable[[Any], list[Any]]:
        """What finds the values that the path leads to."""
        steps, take = self._steps(), self._search.take

        def find(value: Any) -> list[Any]:
            take()
            found = [value]
            for step in steps:
                below = []
                for each in found:
                    for value in step(each):
                        take()
                        below.append(value)
                found = below
            return found

        return find

    def _steps(self) -> list[Step]:
        steps: list[Step] = []
        text = self._text
        if text.startswith(("$", "@")):
            self._at = 1
        while self._at < len(text):
            if text.startswith("..", self._at):
                self._at += 2
                steps.append(_descend)
                if self._at < len(text) and text[self._at] != "[":
                    steps.append(self._named())
            elif text[self._at] == ".":
                self._at += 1
                if self._at == len(text):
                    break  # a single dot is the value itself
                if text[self._at] != "[":
                    steps.append(self._named())
            elif text[self._at] == "[":
                steps.append(self._bracket())
            else:
                steps.append(self._named())
        return steps

    def _named(self) -> Step:
        if self._text.startswith("*", self._at):
            self._at += 1
            return _every
        match = _NAME.match(self._text, self._at)
        if match is None:
            raise JSONPathError(f"unrecognized character at {self._at}")
        self._at = match.end()
        return _field(re.sub(r"\\(.)", r"\1", match[0]))

    def _bracket(self) -> Step:
        inner = self._inner()
        if inner == "*":
            return _every
        if match := _FILTER.fullmatch(inner):
            return self._filter(match[1].strip())
        parts = _split(inner)
        steps = [_selector(part.strip()) for part in parts]
        return steps[0] if len(steps) == 1 else _union(steps)

    def _inner(self) -> str:
        """What stands between this bracket and its end; brackets may stand within, and in texts."""
        text, start, depth = self._text, self._at + 1, 0
        for i in _outside_texts(text, self._at):
            if text[i] == "[":
                depth += 1
            elif text[i] == "]":
                depth -= 1
                if not depth:
                    self._at = i + 1
                    return text[start:i].strip()
        raise JSONPathError("unterminated array")

    def _filter(self, text: str) -> Step:
        judge, take = self._judge(text), self._search.take

        def step(value: Any) -> Iterator[Any]:
            for each in _every(value):
                take()
                if judge(each):
                    yield each

        return step

    def _judge(self, text: str) -> Callable[[Any], bool]:
        left, sign, right = _sides(text)
        find = self._operand(left)
        if not sign:
            return lambda value: bool(find(value))
        compare, other = _COMPARE[sign], self._operand(right)

        def judge(value: Any) -> bool:
            ours, theirs = find(value), other(value)
            if len(ours) != 1 or len(theirs) != 1:
                return False
            try:
                return compare(ours[0], theirs[0])
            except TypeError:
                return False

        return judge

    def _operand(self, text: str) -> Callable[[Any], list[Any]]:
        if match := _LITERAL.fullmatch(text):
            single, double, number, truth = match.groups()
            if number is not None:
                literal: Any = float(number) if "." in number else int(number)
            elif truth is not None:
                literal = truth == "true"
            else:
                literal = re.sub(r"\\(.)", r"\1", single if single is not None else double)
            return lambda value: [literal]
        if not text.startswith(("@", "$", ".", "[")):
            raise JSONPathError(f"unrecognized operand {text}")
        return _Reader(text, self._search, self._depth + 1).path()


def _split(text: str) -> list[str]:
    """The parts between commas outside of texts."""
    return re.findall(r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^,'\"])+", text) or [""]


def _selector(text: str) -> Step:
    if match := _LITERAL.fullmatch(text):
        for quoted in match.groups()[:2]:
            if quoted is not None:
                return _field(re.sub(r"\\(.)", r"\1", quoted))
    match = _SLICE.fullmatch(text)
    if not text or match is None or "-" in match.groups():
        raise JSONPathError(f"invalid array index {text}")
    if ":" not in text:
        return _item(int(text))
    first, last, stride = (int(part) if part else None for part in match.groups())
    if stride is not None and stride <= 0:
        raise JSONPathError("step must be > 0")
    return _items(slice(first, last, stride))


def _field(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _item(index: int) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield value[index]

    return step


def _items(wanted: slice) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from value[wanted]

    return step


def _union(steps: list[Step]) -> Step:
    def step(value: Any) -> Iterator[Any]:
        for each in steps:
            yield from each(value)

    return step


def _every(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from (value[key] for key in sorted(value))
    elif isinstance(value, list):
        yield from value


def _descend(value: Any) -> Iterator[Any]:
    """The value and everything below it."""
    pending = [value]
    while pending:
        here = pending.pop()
        yield here
        pending += reversed(list(_every(here)))


def _sides(text: str) -> tuple[str, str, str]:
    """What stands on both sides of the comparison, which is outside of texts."""
    for i in _outside_texts(text, 0):
        if match := _COMPARISON.match(text, i):
            return text[:i], match[1], text[match.end() :]
    return text, "", ""


def _outside_texts(text: str, start: int) -> Iterator[int]:
    """Where the characters are that stand in no quoted text, nor quote one."""
    quoted, i = "", start
    while i < len(text):
        character = text[i]
        if quoted:
            if character == "\\":
                i += 1
            elif character == quoted:
                quoted = ""
        elif character in "'\"":
            quoted = character
        else:
            yield i
        i += 1
