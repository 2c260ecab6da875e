"""``semver()``: versions after semver.org.

Source: ``k8s.io/apiserver/pkg/cel/library/semverlib.go``.
"""

from __future__ import annotations

import re
from typing import Any

from strongroom.api.cel.errors import CelError
from strongroom.api.cel.overloads import function, method
from strongroom.api.cel.values import INT_MAX, Opaque

_NUMBER = r"(0|[1-9]\d*)"
_FORM = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?\Z", re.ASCII
)
_LONGEST = 256


class Semver(Opaque):
    """A version; what it was built from does not count when versions are compared."""

    __slots__ = ("_order", "numbers")
    type_name = "kubernetes.Semver"

    def __init__(self, numbers: tuple[int, int, int], before: tuple[str, ...]) -> None:
        self.numbers = numbers
        ranks = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in before)
        self._order = (numbers, not before, ranks)

    def equals(self, other: Any) -> bool:
        """Whether neither comes before the other."""
        return self.compare(other) == 0

    def compare(self, other: Semver) -> int:
        """-1, 0 or 1."""
        return (self._order > other._order) - (self._order < other._order)


def _parse(text: str) -> Semver | None:
    found = _FORM.match(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    numbers = (int(found.group(1)), int(found.group(2)), int(found.group(3)))
    before = tuple(found.group(4).split(".")) if found.group(4) else ()
    build = tuple(found.group(5).split(".")) if found.group(5) else ()
    leading_zero = any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in before)
    if leading_zero or "" in (*before, *build) or max(numbers) > INT_MAX:
        return None
    return Semver(numbers, before)


def _normalized(text: str) -> str:
    """With three numbers, without leading zeros and without a ``v``."""
    parts = text.removeprefix("v").split(".", 2)
    for at, part in enumerate(parts):
        if len(part) > 1:
            rest = part.lstrip("0")
            parts[at] = rest if rest[:1].isdigit() else f"0{rest}"
    if len(parts) < 3 and not set("+-") & set(parts[-1]):
        parts += ["0"] * (3 - len(parts))
    return ".".join(parts)


def _semver(text: str, normalize: bool = False) -> Semver:
    parsed = _parse(_normalized(text) if normalize else text)
    if parsed is None:
        raise CelError("Invalid semantic version")
    return parsed


def _is_semver(text: str, normalize: bool = False) -> bool:
    return _parse(_normalized(text) if normalize else text) is not None


_V = Semver.type_name

FUNCTIONS = (
    function("semver", f"string -> {_V}", _semver),
    function("semver", f"string bool -> {_V}", _semver),
    function("isSemver", "string -> bool", _is_semver),
    function("isSemver", "string bool -> bool", _is_semver),
    method("isGreaterThan", f"{_V} {_V} -> bool", lambda a, b: a.compare(b) > 0),
    method("isLessThan", f"{_V} {_V} -> bool", lambda a, b: a.compare(b) < 0),
    method("compareTo", f"{_V} {_V} -> int", Semver.compare),
    method("major", f"{_V} -> int", lambda version: version.numbers[0]),
    method("minor", f"{_V} -> int", lambda version: version.numbers[1]),
    method("patch", f"{_V} -> int", lambda version: version.numbers[2]),
)
