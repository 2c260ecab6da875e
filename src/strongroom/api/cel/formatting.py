"""``'%s of %d'.format([a, b])``: the verbs s d f e b x X o and %%."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from strongroom.api.cel.budget import Budget
from strongroom.api.cel.errors import CelError
from strongroom.api.cel.values import CelType, UInt, type_name
from strongroom.api.cel.writing import write_double, write_duration, write_timestamp

_VERB = re.compile(r"%(?:\.([0-9]*))?(.?)", re.DOTALL)
_MAX_PRECISION = 1000


def format_string(budget: Budget, text: str, args: list[Any]) -> str:
    """The text with each verb replaced by its argument. Raises CelError."""
    made: list[str] = []
    at = used = 0
    for found in _VERB.finditer(text):
        made.append(text[at : found.start()])
        at = found.end()
        precision, verb = found.group(1), found.group(2)
        if verb == "%" and precision is None:
            made.append("%")
            continue
        if used >= len(args):
            raise CelError(f"index {used} out of range")
        made.append(_one(budget, verb, precision, args[used]))
        budget.spend(len(made[-1]) * 0.1)
        used += 1
    return "".join(made) + text[at:]


def _one(budget: Budget, verb: str, precision: str | None, value: Any) -> str:
    if verb in "fe" and verb:
        return _fixed(verb, precision, value)
    formatter = _VERBS.get(verb)
    if formatter is None:
        what = f'unrecognized formatting clause "{verb}"'
        raise CelError(f"could not parse formatting clause: {what}")
    return formatter(budget, value)


def _fixed(verb: str, precision: str | None, value: Any) -> str:
    digits = 6 if not precision else int(precision[:5])
    if digits > _MAX_PRECISION:
        raise CelError(f"precision specifier exceeds maximum of {_MAX_PRECISION}")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        if value in ("NaN", "Infinity", "-Infinity"):
            return {"NaN": "NaN", "Infinity": "∞", "-Infinity": "-∞"}[value]
        raise _wrong("fixed-point" if verb == "f" else "scientific", value)
    return _named(float(value)) or f"{float(value):.{digits}{verb}}"


def _named(value: float) -> str:
    if value != value:
        return "NaN"
    return "Infinity" if value == float("inf") else "-Infinity" if value == -float("inf") else ""


def _wrong(what: str, value: Any) -> CelError:
    named = type_name(value)
    clause = {
        "fixed-point": "fixed-point clause can only be used on doubles",
        "scientific": "scientific clause can only be used on doubles",
        "decimal": "decimal clause can only be used on integers",
        "octal": "octal clause can only be used on integers",
        "binary": "only integers and bools can be formatted as binary",
        "hex": "only integers, byte buffers, and strings can be formatted as hex",
        "string": "string clause can only be used on strings, bools, bytes, ints, doubles, maps, "
        "lists, types, durations, and timestamps",
    }[what]
    return CelError(f"error during formatting: {clause}, was given {named}")


def _decimal(budget: Budget, value: Any) -> str:
    if isinstance(value, float) and _named(value):
        return _named(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong("decimal", value)
    return str(int(value))


def _octal(budget: Budget, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong("octal", value)
    return f"{int(value):o}"


def _binary(budget: Budget, value: Any) -> str:
    if not isinstance(value, int):
        raise _wrong("binary", value)
    return f"{int(value):b}"


def _hex(budget: Budget, value: Any) -> str:
    if isinstance(value, str):
        return value.encode().hex()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong("hex", value)
    return f"{int(value):x}"


def _text(budget: Budget, value: Any) -> str:
    """``%s``: strings bare, everything else as CEL writes it; lists and maps with their items."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        budget.spend(10 * len(value))
        return "[" + ", ".join(_text(budget, item) for item in value) + "]"
    if isinstance(value, Mapping):
        budget.spend(20 * len(value))
        items = sorted((_text(budget, key), _text(budget, item)) for key, item in value.items())
        return "{" + ", ".join(f"{key}: {item}" for key, item in items) + "}"
    writer = _WRITERS.get(type(value))
    if writer is None:
        raise _wrong("string", value)
    return writer(value)


def _double(value: float) -> str:
    return _named(value) or write_double(value)


_WRITERS: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    int: str,
    UInt: lambda value: str(int(value)),
    float: _double,
    bytes: lambda value: value.decode(errors="replace"),
    type(None): lambda value: "null",
    datetime: write_timestamp,
    timedelta: write_duration,
    CelType: lambda value: str(value.name),
}

_VERBS: dict[str, Callable[[Budget, Any], str]] = {
    "s": _text,
    "d": _decimal,
    "o": _octal,
    "b": _binary,
    "x": _hex,
    "X": lambda budget, value: _hex(budget, value).upper(),
}
