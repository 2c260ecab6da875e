"""Go's way of reading JSON values into types, where it differs from msgspec's.

The codec decodes strictly first, at C speed. Only what fails there, or is not in canonical form,
comes here: ``null`` is a zero value, base64 may contain line ends, a quantity may be a number, a
time may be in any zone. What Go refuses is refused in Go's words, and never with the value.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of

T = TypeVar("T", bound=Struct)

_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_ZERO: dict[str, Any] = {
    "string": "",
    "integer": 0,
    "number": 0.0,
    "boolean": False,
    "bytes": b"",
}


class UnreadableError(ValueError):
    """A value that Go would not read; ``str()`` says why in Go's words, without the value."""


def read(tree: Any, struct: type[T]) -> T:
    """Make a Struct from a JSON tree as Go would. Raises UnreadableError."""
    reader = _Reader()
    plain = reader.struct(tree, struct)
    if reader.first_error:
        raise UnreadableError(reader.first_error)
    return msgspec.convert(plain, struct)


class _Reader:
    """One pass over a tree; like Go, it reads on after a wrong type and reports the first."""

    def __init__(self) -> None:
        self.first_error = ""
        self._names: list[str] = []
        self._owner = ""

    def struct(self, value: Any, struct: type[Struct]) -> Any:
        """Fields that are known and not null."""
        if not isinstance(value, dict):
            return self._mismatch(value, TypeSchema("struct", struct=struct))
        outer, out = self._owner, {}
        for name, field in schema_of(struct).fields.items():
            given = value.get(name)
            if given is None:
                continue
            self._owner = struct.__name__
            self._names.append(name)
            out[name] = self._field(given, field)
            self._names.pop()
        self._owner = outer
        return out

    def _field(self, value: Any, field: FieldSchema) -> Any:
        if field.type.format == "date-time" and isinstance(value, str):
            return self._time(value, micro=field.facts.micro)
        return self._value(value, field.type)

    def _value(self, value: Any, type_: TypeSchema) -> Any:
        if type_.kind == "any":
            return value
        if value is None:
            return self._zero(type_)
        if type_.kind == "struct" and type_.struct is not None:
            return self.struct(value, type_.struct)
        if type_.kind in ("array", "map") and type_.items is not None:
            return self._collection(value, type_, type_.items)
        if type_.format == "date-time" and isinstance(value, str) and value:
            # Of an item: such a map is always one of Times. An item without a time is none.
            return self._time(value, micro=False)
        return self._scalar(value, type_)

    def _zero(self, type_: TypeSchema) -> Any:
        if type_.int_or_string:
            return 0
        return [] if type_.kind == "array" else _ZERO.get(type_.kind, {})

    def _collection(self, value: Any, type_: TypeSchema, items: TypeSchema) -> Any:
        if type_.kind == "array" and isinstance(value, list):
            return [self._value(v, items) for v in value]
        if type_.kind == "map" and isinstance(value, dict):
            return {k: self._value(v, items) for k, v in value.items()}
        return self._mismatch(value, type_)

    def _scalar(self, value: Any, type_: TypeSchema) -> Any:
        if isinstance(value, str):
            if type_.kind == "bytes":
                return self._bytes(value)
            if type_.kind == "string":
                return value
        elif isinstance(value, bool):
            if type_.kind == "boolean":
                return value
        elif isinstance(value, (int, float)):
            return self._number(value, type_)
        return self._mismatch(value, type_)

    def _number(self, value: float, type_: TypeSchema) -> Any:
        if type_.format == "quantity":
            return str(value)
        if type_.kind == "number":
            return value
        if isinstance(value, int) and (type_.int_or_string or type_.kind == "integer"):
            return self._integer(value, "int32" if type_.int_or_string else type_.format, type_)
        return self._mismatch(value, type_)

    def _integer(self, value: int, format_: str | None, type_: TypeSchema) -> Any:
        bound = 1 << (31 if format_ == "int32" else 63)
        return value if -bound <= value < bound else self._mismatch(value, type_)

    def _bytes(self, text: str) -> Any:
        try:
            return decode_base64(text)
        except UnreadableError as error:
            return self._fail(str(error), b"")

    def _time(self, text: str, *, micro: bool) -> Any:
        canonical = canonical_time(text, micro=micro)
        if canonical is None:
            return self._fail("parsing time: it is not in the form of RFC 3339", "")
        return canonical

    def _mismatch(self, value: Any, type_: TypeSchema) -> Any:
        target = go_type(type_)
        if self._names:
            where = f"Go struct field {self._owner}.{'.'.join(self._names)} of type {target}"
        else:
            where = f"Go value of type {target}"
        return self._fail(f"json: cannot unmarshal {_json_type(value)} into {where}", None)

    def _fail(self, reason: str, stand_in: Any) -> Any:
        self.first_error = self.first_error or reason
        return stand_in


def decode_base64(text: str) -> bytes:
    """Standard base64; line ends are skipped. Raises UnreadableError that tells the offset."""
    units = text.replace("\n", "").replace("\r", "")
    # The strict decoder refuses what Go's refuses, but for padding that completes nothing.
    if len(units) % 4 == 0 and not units.endswith("==="):
        try:
            return a2b_base64(units, strict_mode=True)
        except ValueError:
            pass  # Only where the fault stands is worked out below.
    offset = _first_illegal(text)
    raise UnreadableError(f"illegal base64 data at input byte {offset}")


def _first_illegal(text: str) -> int | None:
    """The byte at which Go's decoder gives up, or None when it does not."""
    units = text.encode("utf-8", "surrogatepass").decode("latin-1")
    quantum = 0
    for at, unit in enumerate(units):
        if unit in "\r\n":
            continue
        if unit in _ALPHABET:
            quantum = (quantum + 1) % 4
        elif unit == "=" and quantum >= 2:
            return _illegal_padding(units, at, quantum)
        else:
            return at
    return len(units) - quantum if quantum else None


def _illegal_padding(units: str, at: int, quantum: int) -> int | None:
    following = [i for i in range(at + 1, len(units)) if units[i] not in "\r\n"]
    if quantum == 2:
        if not following:
            return len(units)
        if units[following[0]] != "=":
            return following[0] - 1
        following = following[1:]
    return following[0] if following else None


def canonical_time(text: str, *, micro: bool) -> str | None:
    """An RFC 3339 time in UTC with no fraction, or six digits of it; None if it is no time."""
    match = _RFC3339.fullmatch(text)
    if not match:
        return None
    try:
        moment = datetime.fromisoformat(match[1] + match[3]).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    fraction = f".{(match[2] or '')[:6]:0<6}" if micro else ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + fraction + "Z"


def go_type(type_: TypeSchema) -> str:
    """The type as Go prints it, except that named scalars show as what they are made of."""
    if type_.int_or_string:
        return "intstr.IntOrString"
    if type_.struct is not None:
        return f"v1.{type_.struct.__name__}"
    if type_.items is not None:
        prefix = "[]" if type_.kind == "array" else "map[string]"
        return prefix + go_type(type_.items)
    if type_.kind == "integer":
        return type_.format or "int64"
    names = {"bytes": "[]uint8", "boolean": "bool", "number": "float64"}
    return names.get(type_.kind, type_.kind)


def _json_type(value: Any) -> str:
    names = ((bool, "bool"), ((int, float), "number"), (str, "string"), (list, "array"))
    return next((name for type_, name in names if isinstance(value, type_)), "object")
