"""Which old value a new one replaces, and whether they are the same.

Fields and entries belong together by name, items of a list of type ``map`` by their keys; items of
other lists do not. (``k8s.io/apiserver/pkg/cel/common/{equality,maplist}.go``)
"""

from __future__ import annotations

from typing import Any, Final

from strongroom.api.structural.model import Structural

ABSENT: Final[Any] = type("Absent", (), {"__repr__": lambda _: "ABSENT"})()
"""Stands for an old value that there is none of."""


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal. ``true`` is not 1, as it is in Python; 1.0 is 1."""
    return bool(a == b) and _same_kinds(a, b)


def _same_kinds(a: Any, b: Any) -> bool:
    """Whether equal values have truths in the same places. Does not recurse."""
    stack = [(a, b)]
    while stack:
        one, other = stack.pop()
        if type(one) is dict:
            stack += [(value, other[name]) for name, value in one.items()]
        elif type(one) is list:
            stack += zip(one, other, strict=True)
        elif (type(one) is bool) != (type(other) is bool):
            return False
    return True


class OldItems:
    """The items of an old list, by the keys that make them the same as items of the new one."""

    __slots__ = ("_keys", "_known", "_old")

    def __init__(self, schema: Structural, old: Any) -> None:
        usable = schema.list_type == "map" and type(old) is list and schema.list_keys
        self._old: list[Any] = old if usable else []
        self._keys = schema.list_keys
        self._known: dict[Any, Any] | None = None

    def of(self, item: Any) -> Any:
        """The old form of a new item, or ABSENT."""
        if not self._old:
            return ABSENT
        if self._known is None:
            self._known = {}
            for old in self._old:
                if (key := self._key(old)) is not None:
                    self._known.setdefault(key, old)
        key = self._key(item)
        return ABSENT if key is None else self._known.get(key, ABSENT)

    def _key(self, item: Any) -> tuple[Any, ...] | None:
        if type(item) is not dict:
            return None
        values = tuple(item.get(name) for name in self._keys)
        if any(value is None or isinstance(value, (dict, list)) for value in values):
            return None
        # A boolean is no number here, though Python finds them equal.
        return tuple((type(value) is bool, value) for value in values)
