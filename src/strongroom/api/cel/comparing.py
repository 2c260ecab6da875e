"""Equality and order of CEL values: numbers compare across their types, nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from strongroom.api.cel.budget import Budget
from strongroom.api.cel.errors import CelError
from strongroom.api.cel.values import MapList, Opaque, Optional, SetList, UInt

NO_OVERLOAD = "no such overload"

_SIMPLE = frozenset({str, int, float, bytes, UInt, datetime, timedelta})
_NUMBERS = frozenset({int, float, UInt})
_ORDERED = frozenset({str, bytes, bool, datetime, timedelta})


def equal(a: Any, b: Any, budget: Budget) -> bool:
    """Whether two values are equal; values of different types are not, numbers excepted."""
    kind, other = type(a), type(b)
    if kind is other and kind in _SIMPLE:
        return bool(a == b)
    if kind in _NUMBERS and other in _NUMBERS:
        return bool(a == b)
    if kind is bool or other is bool or a is None or b is None:
        return a is b
    if isinstance(a, list):
        return isinstance(b, list) and _equal_lists(a, b, budget)
    if isinstance(a, Mapping):
        return isinstance(b, Mapping) and _equal_maps(a, b, budget)
    if kind is Optional and other is Optional:
        return bool(a.present == b.present and (not a.present or equal(a.value, b.value, budget)))
    if kind is not other:
        return isinstance(a, str) and isinstance(b, str) and str(a) == str(b)
    return bool(a.equals(b)) if isinstance(a, Opaque) else bool(a == b)


def _equal_lists(a: list[Any], b: list[Any], budget: Budget) -> bool:
    if len(a) != len(b):
        return False
    if isinstance(a, SetList):
        return all(contains(b, item, budget) for item in a)
    if isinstance(a, MapList):
        budget.spend(len(a))
        others = {a.key(item): item for item in b}
        return all(a.key(item) in others and equal(item, others[a.key(item)], budget) for item in a)
    budget.spend(len(a) * 0.1)
    return all(equal(mine, theirs, budget) for mine, theirs in zip(a, b, strict=True))


def _equal_maps(a: Mapping[Any, Any], b: Mapping[Any, Any], budget: Budget) -> bool:
    if len(a) != len(b):
        return False
    budget.spend(len(a) * 0.1)
    return all(key in b and equal(value, b[key], budget) for key, value in a.items())


def contains(values: list[Any], wanted: Any, budget: Budget) -> bool:
    """Whether a list holds a value that is equal."""
    budget.spend(len(values) * 0.1)
    return any(equal(value, wanted, budget) for value in values)


def less(a: Any, b: Any) -> bool:
    """Whether ``a`` comes before ``b``. Raises CelError for values that have no order."""
    kind, other = type(a), type(b)
    if (kind is other and kind in _ORDERED) or (kind in _NUMBERS and other in _NUMBERS):
        return bool(a < b)
    raise CelError(NO_OVERLOAD)
