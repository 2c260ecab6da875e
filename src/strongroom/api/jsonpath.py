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
from itertools import islice
from typing import Any

Step = Callable[[Any], Iterator[Any]]

MAX_LENGTH = 4096
MAX_FOUND = 10_000
"""Most values that a step may lead to: a path with many ``..`` finds the same over and over."""

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


class JSONPath:
    """A path through plain JSON values. Raises JSONPathError for a text that is none."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise JSONPathError("the path is too long")
        self._steps = _Reader(text).steps()

    def find(self, value: Any) -> list[Any]:
        """The values that the path leads to."""
        found = [value]
        for step in self._steps:
            below = (value for each in found for value in step(each))
            found = list(islice(below, MAX_FOUND))
        return found


def printed(value: Any) -> str:
    """A value as text: texts as they are, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return "<nil>" if value is None else json.dumps(value, separators=(",", ":"), sort_keys=True)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def steps(self) -> list[Step]:
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
            return _filter(match[1])
        parts = _split(inner)
        steps = [_selector(part.strip()) for part in parts]
        return steps[0] if len(steps) == 1 else _union(steps)

    def _inner(self) -> str:
        """What stands between this bracket and its end; brackets may stand within, and in texts."""
        text, start, depth, quoted = self._text, self._at + 1, 0, ""
        i = self._at
        while i < len(text):
            character = text[i]
            if quoted:
                if character == "\\":
                    i += 1
                elif character == quoted:
                    quoted = ""
            elif character in "'\"":
                quoted = character
            elif character == "[":
                depth += 1
            elif character == "]":
                depth -= 1
                if not depth:
                    self._at = i + 1
                    return text[start:i].strip()
            i += 1
        raise JSONPathError("unterminated array")


def _split(text: str) -> list[str]:
    """The parts between commas outside of texts."""
    return re.findall(r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^,'\"])+", text) or [""]


def _selector(text: str) -> Step:
    if match := _LITERAL.fullmatch(text):
        for quoted in match.groups()[:2]:
            if quoted is not None:
                return _field(re.sub(r"\\(.)", r"\1", quoted))
    match = _SLICE.fullmatch(text)
    if not text or match is None:
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


def _filter(text: str) -> Step:
    judge = _judge(text.strip())

    def step(value: Any) -> Iterator[Any]:
        for each in _every(value):
            if judge(each):
                yield each

    return step


def _judge(text: str) -> Callable[[Any], bool]:
    left, sign, right = _sides(text)
    find = _operand(left)
    if not sign:
        return lambda value: bool(find(value))
    compare, other = _COMPARE[sign], _operand(right)

    def judge(value: Any) -> bool:
        ours, theirs = find(value), other(value)
        if len(ours) != 1 or len(theirs) != 1:
            return False
        try:
            return compare(ours[0], theirs[0])
        except TypeError:
            return False

    return judge


def _sides(text: str) -> tuple[str, str, str]:
    """What stands on both sides of the comparison, which is outside of texts."""
    quoted, i = "", 0
    while i < len(text):
        character = text[i]
        if quoted:
            if character == "\\":
                i += 1
            elif character == quoted:
                quoted = ""
        elif character in "'\"":
            quoted = character
        elif match := _COMPARISON.match(text, i):
            return text[:i], match[1], text[match.end() :]
        i += 1
    return text, "", ""


def _operand(text: str) -> Callable[[Any], list[Any]]:
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
    return JSONPath(text).find
