"""``int() uint() double() string() bytes() bool() type() dyn() size()`` and what strings have."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sized
from datetime import datetime, timedelta
from typing import Any

from strongroom.api.cel.errors import CelError
from strongroom.api.cel.overloads import builtin
from strongroom.api.cel.values import INT_MAX, INT_MIN, UINT_MAX, CelType, UInt, type_name
from strongroom.api.cel.writing import write_double, write_duration, write_timestamp
from strongroom.api.regexps import PatternError, compile_pattern

_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def _conversion(source: str, target: str) -> CelError:
    """Upstream's error would quote the value; ours says the types only."""
    return CelError(f"type conversion error from '{source}' to '{target}'")


def _int(value: Any) -> int:
    kind = type(value)
    if kind is str:
        if not _INTEGER.match(value) or len(value) > 32:
            raise _conversion("string", "int")
        value = int(value)
    elif kind is float:
        if not math.isfinite(value) or not INT_MIN < value < INT_MAX:
            raise CelError("integer overflow")
        value = int(value)
    elif kind is datetime:
        value = math.floor(value.timestamp())
    if not INT_MIN <= value <= INT_MAX:
        raise CelError("integer overflow")
    return int(value)


def _uint(value: Any) -> UInt:
    if type(value) is str:
        if not value.isascii() or not value.isdigit() or len(value) > 32:
            raise _conversion("string", "uint")
        value = int(value)
    if not math.isfinite(value) or not 0 <= value <= UINT_MAX:
        raise CelError("unsigned integer overflow")
    return UInt(int(value))


def _double(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        raise _conversion("string", "double") from None


def _string(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return write_double(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise CelError("invalid UTF-8 in bytes, cannot convert to string") from None
    if isinstance(value, datetime):
        return write_timestamp(value)
    return write_duration(value) if isinstance(value, timedelta) else str(value)


def _bool(value: str) -> bool:
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise _conversion("string", "bool")


def _size(value: Sized | Mapping[Any, Any]) -> int:
    return len(value)


def _matches(text: str, pattern: str) -> bool:
    try:
        return compile_pattern(pattern).matches(text)
    except PatternError as error:
        raise CelError(str(error)) from None


def _same(value: Any) -> Any:
    return value


_NUMBERS = ("int", "uint", "double")

FUNCTIONS = (
    *(builtin("int", f"{kind} -> int", _int) for kind in (*_NUMBERS, "string", "timestamp")),
    *(builtin("uint", f"{kind} -> uint", _uint) for kind in (*_NUMBERS, "string")),
    *(builtin("double", f"{kind} -> double", _double) for kind in (*_NUMBERS, "string")),
    *(
        builtin("string", f"{kind} -> string", _string)
        for kind in (*_NUMBERS, "string", "bool", "bytes", "timestamp", "duration")
    ),
    builtin("bytes", "bytes -> bytes", _same),
    builtin("bytes", "string -> bytes", lambda value: value.encode()),
    builtin("bool", "bool -> bool", _same),
    builtin("bool", "string -> bool", _bool),
    builtin("dyn", "dyn -> dyn", _same),
    builtin("type", "dyn -> type", lambda value: CelType(type_name(value))),
    *(builtin("size", f"{kind} -> int", _size) for kind in ("string", "bytes", "list", "map")),
    builtin("contains", "string string -> bool", lambda text, part: part in text),
    builtin("startsWith", "string string -> bool", str.startswith),
    builtin("endsWith", "string string -> bool", str.endswith),
    builtin("matches", "string string -> bool", _matches),
)
