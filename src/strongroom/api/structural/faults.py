"""Faults of values, in the words of upstream's validator (``k8s.io/kube-openapi/pkg/validation``).

A fault has two texts: the one that upstream's validator makes, by which equal ones are told once,
and the finding that becomes of it. A value that its schema calls a password or bytes is not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.findings import (
    REDACTED,
    Path,
    invalid_value,
    not_supported,
    required,
    too_long,
    too_many,
    type_invalid,
)
from strongroom.api.gotext import json_text, quote

At = tuple[Any, str] | None
"""Where a value stands: the place of what holds it, and ``.name`` or ``[1]``. None is the root."""

_CONFIDENTIAL = ("password", "byte")
_NOWHERE = Path("<nil>")
"""What Go prints for a path that is none."""


Made = tuple[str, FieldError]


class Fault:
    """What is wrong with a value: put into words when somebody asks, which for most alternatives
    of a schema nobody does.
    """

    __slots__ = ("_given", "_made", "_make")

    def __init__(self, make: Callable[..., Made], *given: Any) -> None:
        self._make, self._given = make, given
        self._made: Made | None = None

    def _told(self) -> Made:
        if self._made is None:
            self._made = self._make(*self._given)
        return self._made

    @property
    def message(self) -> str:
        """What upstream's validator says."""
        return self._told()[0]

    @property
    def finding(self) -> FieldError:
        """What the client is told."""
        return self._told()[1]


def name_of(at: At) -> str:
    """The place as upstream's validator names it; nothing for the root."""
    steps = []
    while at is not None:
        at, step = at
        steps.append(step)
    return "".join(reversed(steps)).removeprefix(".")


class Faults:
    """Makes the faults below a path. ``base`` is empty for a whole object."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._nowhere = base if str(base) else _NOWHERE

    def _path(self, name: str) -> Path:
        return self._base / name if name else self._base

    def wrong_type(self, at: At, types: str, got: str) -> Fault:
        """The value has none of the types. ``got`` says which it has."""
        return Fault(self._wrong_type, at, types, got)

    def _wrong_type(self, at: At, types: str, got: str) -> Made:
        name = name_of(at)
        message = f"{name} in body must be of type {types}: {quote(got)}"
        return message, type_invalid(self._path(name), got, message)

    def wrong_format(self, at: At, format_: str, text: str) -> Fault:
        """The text is not in its format."""
        return Fault(self._wrong_format, at, format_, text)

    def _wrong_format(self, at: At, format_: str, text: str) -> Made:
        name, shown = name_of(at), REDACTED if format_ in _CONFIDENTIAL else text
        message = f"{name} in body must be of type {format_}: {quote(shown)}"
        return message, type_invalid(self._path(name), shown, message)

    def missing(self, at: At, field: str) -> Fault:
        """A required field is not there."""
        return Fault(self._missing, at, field)

    def _missing(self, at: At, field: str) -> Made:
        name = f"{name_of(at)}.{field}".removeprefix(".")
        return f"{name} in body is required", required(self._path(name))

    def not_listed(self, at: At, value: Any, enum: Sequence[Any]) -> Fault:
        """The value is none of those that are listed."""
        return Fault(self._not_listed, at, value, enum)

    def _not_listed(self, at: At, value: Any, enum: Sequence[Any]) -> Made:
        name = name_of(at)
        supported = [v if isinstance(v, str) else json_text(v) for v in enum]
        message = f"{name} in body should be one of {supported}"
        return message, not_supported(self._path(name), value, supported)

    def long(self, at: At, limit: int) -> Fault:
        """The text is too long."""
        return Fault(self._long, at, limit)

    def _long(self, at: At, limit: int) -> Made:
        name = name_of(at)
        message = f"{name} in body should be at most {limit} chars long"
        return message, too_long(self._path(name), limit)

    def many(self, at: At, size: int, limit: int, what: str) -> Fault:
        """There are too many items or properties."""
        return Fault(self._many, at, size, limit, what)

    def _many(self, at: At, size: int, limit: int, what: str) -> Made:
        name = name_of(at)
        message = f"{name} in body should have at most {limit} {what}"
        return message, too_many(self._path(name), size, limit)

    def invalid(self, at: At, value: Any, should: str, format_: str = "") -> Fault:
        """Any other rule that the value breaks: ``should`` follows "in body"."""
        return Fault(self._invalid, at, value, should, format_)

    def _invalid(self, at: At, value: Any, should: str, format_: str = "") -> Made:
        name = name_of(at)
        message = f"{name} in body {should}"
        shown = REDACTED if format_ in _CONFIDENTIAL else value
        return message, invalid_value(self._path(name), shown, message)

    def forbidden_entry(self, at: At, key: str) -> Fault:
        """The map may have no such entry."""
        return Fault(self._forbidden_entry, at, key)

    def _forbidden_entry(self, at: At, key: str) -> Made:
        name = name_of(at)
        message = f"{name}.{key} in body is a forbidden property"
        return message, invalid_value(self._path(name), key, message)

    def alternatives(self, at: At, rule: str) -> Fault:
        """A junctor does not hold: upstream tells the place in the text only."""
        return Fault(self._alternatives, at, rule)

    def _alternatives(self, at: At, rule: str) -> Made:
        message = f"{quote(name_of(at))} {rule}"
        return message, invalid_value(self._nowhere, "", message)

    def range(self, at: At, type_: str, format_: str) -> Fault:
        """The number is beyond its format."""
        return Fault(self._range, at, type_, format_)

    def _range(self, at: At, type_: str, format_: str) -> Made:
        message = f"Checked value must be of type {type_} with format {format_} in {name_of(at)}"
        return message, invalid_value(self._nowhere, "", message)


def number_text(number: float) -> str:
    """A number as Go prints it (``%v``)."""
    if isinstance(number, int) or (number.is_integer() and abs(number) < 1e21):
        return str(int(number))
    return repr(number)
