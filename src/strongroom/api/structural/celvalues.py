"""Values of custom objects as CEL rules see them (``k8s.io/apiserver/pkg/cel/common``).

What the schema types is typed: times and durations, bytes, numbers, lists of type ``set`` and
``map``. Names that CEL could not say are escaped.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

from strongroom.api.cel import MapList, SetList
from strongroom.api.structural.model import Structural

_RESERVED = frozenset(
    [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)
_ESCAPED = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_TO_ESCAPE = re.compile(r"__|[-./]")
_NAME = re.compile(r"[A-Za-z_.\-/][A-Za-z0-9_.\-/]*", re.ASCII)
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-zµμ]+)")
_UNITS = (
    (("ns", "nano"), 1e-9),
    (("us", "µs", "μs", "micro"), 1e-6),
    (("ms", "milli"), 1e-3),
    (("s", "sec"), 1.0),
    (("m", "min"), 60.0),
    (("h", "hr", "hour"), 3600.0),
    (("d", "day"), 86400.0),
    (("w", "wk", "week"), 604800.0),
)


def escape(name: str) -> str | None:
    """The name of a field in CEL; None when it cannot be said."""
    if name in _RESERVED:
        return f"__{name}__"
    if not _NAME.fullmatch(name):
        return None
    return _TO_ESCAPE.sub(lambda match: _ESCAPED[match[0]], name)


def declaration(schema: Structural) -> str:
    """The CEL type of a value; objects are ``dyn``, for CEL here has no types of our making."""
    if schema.int_or_string:
        return "dyn"
    if schema.type == "string":
        return _TEXTS.get(schema.format, "string")
    if schema.type == "array" and schema.items is not None:
        return f"list<{declaration(schema.items)}>"
    if schema.type == "object" and schema.values is not None:
        return f"map<string, {declaration(schema.values)}>"
    return {"boolean": "bool", "number": "double", "integer": "int"}.get(schema.type, "dyn")


_TEXTS = {
    "byte": "bytes",
    "duration": "duration",
    "date": "timestamp",
    "date-time": "timestamp",
}


def cel_value(value: Any, schema: Structural, *, whole: bool = False) -> Any:
    """A value as rules see it; ``whole`` says that it is an object with metadata."""
    kind = type(value)
    if kind is dict:
        return _object(value, schema, whole=whole or schema.embedded)
    if kind is list:
        return _list(value, schema)
    if kind is str:
        return _text(value, schema.format) if schema.type == "string" and schema.format else value
    if kind is int and schema.type == "number":
        return float(value)
    if kind is float and schema.type == "integer" and value.is_integer():
        return int(value)
    return value


def _object(tree: dict[str, Any], schema: Structural, *, whole: bool) -> dict[str, Any]:
    if not schema.properties and schema.values is not None and not whole:
        values = schema.values
        return {name: cel_value(value, values) for name, value in tree.items()}
    out = {}
    for name, value in tree.items():
        field, said = schema.properties.get(name), escape(name)
        if said is None:
            continue
        if field is not None:
            out[said] = cel_value(value, field)
        elif whole and name == "metadata" and type(value) is dict:
            out[said] = {k: v for k, v in value.items() if k in ("name", "generateName")}
        else:
            # What is preserved unknown compares as it is.
            out[said] = value
    return out


def _list(items: list[Any], schema: Structural) -> list[Any]:
    inner = schema.items
    values = items if inner is None else [cel_value(item, inner) for item in items]
    if schema.list_type == "set":
        return SetList(values)
    if schema.list_type == "map":
        return MapList(values, [escape(key) or key for key in schema.list_keys])
    return values


def _text(text: str, format_: str) -> Any:
    """The text in its type; as it is where that cannot be, which validation has told of."""
    try:
        if format_ == "byte":
            return urlsafe_b64decode(text.replace("+", "-").replace("/", "_"))
        if format_ == "duration":
            return _duration(text)
        if format_ in ("date", "date-time"):
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return text
    return text


def _duration(text: str) -> timedelta:
    total = 0.0
    for number, unit in _DURATION.findall(text):
        total += float(number) * _seconds(unit.lower())
    return timedelta(seconds=-total if text.startswith("-") else total)


def _seconds(unit: str) -> float:
    for names, seconds in _UNITS:
        if unit in names or (len(names[-1]) > 2 and unit.startswith(names[-1])):
            return seconds
    return 0.0
