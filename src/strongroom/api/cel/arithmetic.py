"""``+ - * / %`` and negation: 64 bits with overflow as an error, as in Go."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from strongroom.api.cel.budget import Budget
from strongroom.api.cel.comparing import NO_OVERLOAD, contains
from strongroom.api.cel.errors import CelError
from strongroom.api.cel.values import INT_MAX, INT_MIN, UINT_MAX, MapList, SetList, UInt


def _int(value: int) -> int:
    if INT_MIN <= value <= INT_MAX:
        return value
    raise CelError("integer overflow")


def _uint(value: int) -> UInt:
    if 0 <= value <= UINT_MAX:
        return UInt(value)
    raise CelError("unsigned integer overflow")


def add(a: Any, b: Any, budget: Budget) -> Any:
    """``a + b``: numbers, strings, bytes, lists, times and durations."""
    kind = type(a)
    if kind is type(b):
        if kind is int:
            return _int(a + b)
        if kind is float:
            return a + b
        if kind is str or kind is bytes:
            budget.spend((len(a) + len(b)) * 0.1)
            return a + b
        if kind is UInt:
            return _uint(int(a) + int(b))
    if isinstance(a, list) and isinstance(b, list):
        budget.spend((len(a) + len(b)) * 0.1)
        return _join(a, b, budget)
    return _add_times(a, b)


def _join(a: list[Any], b: list[Any], budget: Budget) -> list[Any]:
    """Two lists in one; sets and maps keep one of each, of equal keys the right one."""
    if isinstance(a, SetList):
        joined = SetList(a)
        joined.extend(item for item in b if not contains(a, item, budget))
        return joined
    if isinstance(a, MapList):
        budget.spend(len(a) + len(b))
        items = {a.key(item): item for item in a}
        items.update({a.key(item): item for item in b})
        return MapList(list(items.values()), a.keys)
    return [*a, *b]


def _add_times(a: Any, b: Any) -> Any:
    try:
        if isinstance(a, (datetime, timedelta)) and isinstance(b, timedelta):
            return _span(a + b)
        if isinstance(a, timedelta) and isinstance(b, datetime):
            return b + a
    except OverflowError:
        raise CelError("timestamp overflow") from None
    raise CelError(NO_OVERLOAD)


def _span(value: Any) -> Any:
    """A duration within the 64 bits of nanoseconds that Go has for it; a time as it is."""
    if isinstance(value, timedelta) and abs(value.total_seconds()) * 1e9 > INT_MAX:
        raise CelError("duration overflow")
    return value


def subtract(a: Any, b: Any) -> Any:
    """``a - b``: numbers, times and durations."""
    kind = type(a)
    if kind is type(b):
        if kind is int:
            return _int(a - b)
        if kind is float:
            return a - b
        if kind is UInt:
            return _uint(int(a) - int(b))
    try:
        if isinstance(a, datetime) and isinstance(b, (datetime, timedelta)):
            return _span(a - b)
        if isinstance(a, timedelta) and isinstance(b, timedelta):
            return _span(a - b)
    except OverflowError:
        raise CelError("timestamp overflow") from None
    raise CelError(NO_OVERLOAD)


def multiply(a: Any, b: Any) -> Any:
    """``a * b`` of two numbers of one type."""
    kind = type(a)
    if kind is type(b):
        if kind is int:
            return _int(a * b)
        if kind is float:
            return a * b
        if kind is UInt:
            return _uint(int(a) * int(b))
    raise CelError(NO_OVERLOAD)


def divide(a: Any, b: Any) -> Any:
    """``a / b``; integers towards zero."""
    kind = type(a)
    if kind is type(b):
        if kind is float:
            return _divide_floats(a, b)
        if kind is int or kind is UInt:
            if b == 0:
                raise CelError("division by zero")
            quotient = abs(int(a)) // abs(int(b))
            return (
                UInt(quotient)
                if kind is UInt
                else _int(-quotient if (a < 0) != (b < 0) else quotient)
            )
    raise CelError(NO_OVERLOAD)


def _divide_floats(a: float, b: float) -> float:
    if b != 0:
        return a / b
    if a == 0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def modulo(a: Any, b: Any) -> Any:
    """``a % b`` of integers, with the sign of ``a``."""
    kind = type(a)
    if kind is type(b) and (kind is int or kind is UInt):
        if b == 0:
            raise CelError("modulus by zero")
        rest = abs(int(a)) % abs(int(b))
        return UInt(rest) if kind is UInt else (-rest if a < 0 else rest)
    raise CelError(NO_OVERLOAD)


def negate(a: Any) -> Any:
    """``-a`` of an int or a double."""
    kind = type(a)
    if kind is int:
        return _int(-a)
    if kind is float:
        return -a
    raise CelError(NO_OVERLOAD)
