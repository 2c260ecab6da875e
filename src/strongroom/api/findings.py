"""Field paths and the findings of validation, in upstream's wording.

Import these names from :mod:`strongroom.api.validation`. The source of the wording is
``k8s.io/apimachinery/pkg/util/validation/field``. Findings other than ``required``,
``forbidden_field`` and ``too_long`` print the value: never give them a value of a Secret; pass
:data:`REDACTED` instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.gotext import json_text, quote

REDACTED = "<secret contents redacted>"
IMMUTABLE = "field is immutable"


class Path:
    """Where a field stands in its object: ``str(Path("data").key("a"))`` is ``data[a]``."""

    __slots__ = ("_text",)

    def __init__(self, *names: str) -> None:
        self._text = ".".join(names)

    def __truediv__(self, name: str) -> Path:
        """The field ``name`` below this one."""
        return Path(f"{self._text}.{name}") if self._text else Path(name)

    def key(self, key: str) -> Path:
        """An entry of this map."""
        return Path(f"{self._text}[{key}]")

    def index(self, index: int) -> Path:
        """An item of this list."""
        return Path(f"{self._text}[{index}]")

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Path({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


def required(path: Path, detail: str = "") -> FieldError:
    """A value must be given and is not."""
    return _finding("FieldValueRequired", path, "Required value", detail)


def invalid_value(path: Path, value: Any, detail: str) -> FieldError:
    """The value is malformed or out of bounds. The value is printed."""
    return _finding("FieldValueInvalid", path, f"Invalid value: {_printed(value)}", detail)


def type_invalid(path: Path, value: Any, detail: str) -> FieldError:
    """The value has another type than the field. The value is printed."""
    return _finding("FieldValueTypeInvalid", path, f"Invalid value: {_printed(value)}", detail)


def forbidden_field(path: Path, detail: str) -> FieldError:
    """The value could be right elsewhere, but not under the present conditions."""
    return _finding("FieldValueForbidden", path, "Forbidden", detail)


def too_long(path: Path, limit: int | str) -> FieldError:
    """The value is longer than ``limit`` bytes; a text replaces upstream's detail."""
    if isinstance(limit, str):
        detail = limit
    elif limit < 0:
        detail = "value is too long"
    else:
        detail = f"may not be more than {limit} " + ("byte" if limit == 1 else "bytes")
    return _finding("FieldValueTooLong", path, "Too long", detail)


def too_many(path: Path, actual: int, limit: int) -> FieldError:
    """The list has ``actual`` items and may have ``limit``."""
    detail = f"must have at most {limit} " + ("item" if limit == 1 else "items")
    return _finding("FieldValueTooMany", path, f"Too many: {actual}", detail)


def duplicate(path: Path, value: Any) -> FieldError:
    """The value must be unique and is there twice. The value is printed."""
    return _finding("FieldValueDuplicate", path, f"Duplicate value: {_printed(value)}", "")


def not_supported(path: Path, value: Any, supported: Iterable[str]) -> FieldError:
    """The value is none of those that the field takes, which are told in the given order."""
    names = ", ".join(quote(s) for s in supported)
    detail = f"supported values: {names}" if names else ""
    return _finding("FieldValueNotSupported", path, f"Unsupported value: {_printed(value)}", detail)


def not_found_value(path: Path, value: Any) -> FieldError:
    """The value names something that is not there. The value is printed."""
    return _finding("FieldValueNotFound", path, f"Not found: {_printed(value)}", "")


def internal_finding(path: Path, detail: str) -> FieldError:
    """Judging the field failed for a reason that is not the client's."""
    return _finding("InternalError", path, "Internal error", detail)


def _finding(reason: str, path: Path, body: str, detail: str) -> FieldError:
    return FieldError(reason, str(path), f"{body}: {detail}" if detail else body)


def _printed(value: Any) -> str:
    return quote(value) if isinstance(value, str) else json_text(value)
