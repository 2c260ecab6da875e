"""The values of CEL in Python, and which CEL type each is.

bool, int, float, str, bytes, None, list and dict are themselves; datetime is a timestamp and
timedelta a duration. What Python lacks stands here: unsigned integers, optionals and types.
Lists and maps of Kubernetes that compare and add up by their list type are subclasses of list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

INT_MIN: Final = -(1 << 63)
INT_MAX: Final = (1 << 63) - 1
UINT_MAX: Final = (1 << 64) - 1


class UInt(int):
    """An unsigned integer of 64 bits."""

    __slots__ = ()


class Optional:
    """A value that may not be there; ``NONE`` is the one that is not."""

    __slots__ = ("present", "value")

    def __init__(self, value: Any, *, present: bool = True) -> None:
        self.value = value
        self.present = present

    def __repr__(self) -> str:
        return f"Optional(present={self.present})"


NONE: Final = Optional(None, present=False)


class CelType:
    """A type as a value, as ``type(x)`` gives it."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CelType) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"CelType({self.name})"


class Opaque:
    """A value of a library's own type. Subclasses say the type's name and what is equal."""

    __slots__ = ()
    type_name = "opaque"

    def equals(self, other: Any) -> bool:
        """Whether the two are the same value; ``other`` is of the same class."""
        return self is other


class SetList(list[Any]):
    """A list of ``x-kubernetes-list-type: set``: order does not count, ``+`` keeps single items."""

    __slots__ = ()


class MapList(list[Any]):
    """A list of ``x-kubernetes-list-type: map``, whose items are told apart by ``keys``."""

    __slots__ = ("keys",)

    def __init__(self, items: Sequence[Any], keys: Sequence[str]) -> None:
        super().__init__(items)
        self.keys = tuple(keys)

    def key(self, item: Any) -> str:
        """What tells an item apart."""
        if not isinstance(item, Mapping):
            return repr(type(item))
        return repr([(name, item.get(name)) for name in self.keys])


_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    UInt: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    SetList: "list",
    MapList: "list",
    dict: "map",
    type(None): "null_type",
    Optional: "optional_type",
    CelType: "type",
    datetime: "google.protobuf.Timestamp",
    timedelta: "google.protobuf.Duration",
}


def type_name(value: Any) -> str:
    """The name of a value's type, as CEL writes it."""
    name = _NAMES.get(type(value))
    if name is not None:
        return name
    if isinstance(value, Opaque):
        return value.type_name
    for kind in (datetime, timedelta, str, bool, int, float, bytes, list):
        if isinstance(value, kind):
            return _NAMES[kind]
    return "map" if isinstance(value, Mapping) else type(value).__name__


def plain(value: Any) -> Any:
    """A result as callers get it: JSON-like, an optional as its value or None."""
    if isinstance(value, Optional):
        return plain(value.value)
    if isinstance(value, UInt):
        return int(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    return value.name if isinstance(value, CelType) else value
