"""Reading Kubernetes' protobuf form, which kubectl and client-go write objects in.

Which number means which field stands in the declaration of the kind; what is declared nowhere is
skipped, as every protobuf reader does. Messages of errors name fields only, never what is in them.
Each type is compiled once into a table of small functions, one for each tag that it knows.
"""

from __future__ import annotations

import struct as binary
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import msgspec

from strongroom.api.errors import bad_request
from strongroom.api.jsontext import MAX_VALUES, count_values
from strongroom.api.protobuf.envelope import PREFIX
from strongroom.api.protobuf.wire import (
    BYTES,
    FIXED64,
    FIXED_SIZES,
    VARINT,
    MalformedError,
    read_varint,
)
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of
from strongroom.api.times import format_micro_time, format_time

T = TypeVar("T", bound=Struct)
Tree = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEEPEST = 200
"""Nesting of messages, which only types that contain themselves can reach."""


class _Budget:
    """What a body may still have, over all its messages."""

    __slots__ = ("depth", "fields")

    def __init__(self) -> None:
        # Twice the values, since entries of maps are messages too.
        self.fields = 2 * MAX_VALUES
        self.depth = _DEEPEST


_budget: ContextVar[_Budget] = ContextVar("what the body may still have")


def decode_protobuf(body: bytes, struct: type[T], *, kind: str) -> T:
    """The object in a body. Raises StatusError 400; ``kind`` is the wanted one, for the message."""
    try:
        return read(body, struct)
    except MalformedError as error:
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind}): {error}"
        ) from None


def read(body: bytes, struct: type[T]) -> T:
    """The object in an envelope. Raises MalformedError, whose text holds nothing of the body."""
    if not body.startswith(PREFIX):
        raise MalformedError("couldn't get version/kind; no protobuf prefix")
    _budget.set(_Budget())
    try:
        unknown: Tree = {}
        _fill(unknown, _UNKNOWN, body, len(PREFIX), len(body))
        if unknown.get("contentEncoding"):
            raise MalformedError("a content encoding is not supported")
        tree: Tree = {}
        raw = unknown.get("raw", b"")
        _fill(tree, _table(struct), raw, 0, len(raw))
        if count_values(tree) > MAX_VALUES:
            raise MalformedError("exceeded max number of values")
        return msgspec.convert(tree | unknown.get("told", {}), struct, builtin_types=(bytes,))
    except MalformedError:
        raise
    except (ValueError, OverflowError, RecursionError):
        # Not chained: texts of these errors may quote the value.
        raise MalformedError("proto: illegal field value") from None


Put = Callable[[Tree, bytes, int, int], None]
"""Puts a field into a tree: its content stands between two places of the data."""

PutNumber = Callable[[Tree, int], None]
"""Puts a field that is a varint."""


class _Table:
    """What a type makes of each tag: by the tag itself, which is number and wire type."""

    __slots__ = ("names", "numbers", "ranges")

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.ranges: dict[int, Put] = {}
        self.numbers: dict[int, PutNumber] = {}

    def add_range(self, number: int, name: str, put: Put, wire: int = BYTES) -> None:
        self.names[number] = name
        self.ranges[number << 3 | wire] = put

    def add_number(self, number: int, name: str, put: PutNumber) -> None:
        self.names[number] = name
        self.numbers[number << 3 | VARINT] = put


def _fill(tree: Tree, table: _Table, data: bytes, at: int, end: int) -> None:
    """Read the fields of one message into a tree."""
    budget = _budget.get()
    budget.depth -= 1
    if budget.depth < 0:
        raise MalformedError("exceeded max depth")
    left = budget.fields
    while at < end:
        left -= 1
        if left < 0:
            raise MalformedError("exceeded max number of values")
        key = data[at]
        at += 1
        if key > 0x7F:
            key, at = read_varint(data, at - 1, end)
        if key & 7 == VARINT:
            number, at = read_varint(data, at, end)
            put_number = table.numbers.get(key)
            if put_number is None:
                _check_unknown(table, key)
            else:
                put_number(tree, number)
            continue
        at, stop = _range(data, at, end, key & 7)
        put = table.ranges.get(key)
        if put is None:
            _check_unknown(table, key)
        else:
            budget.fields = left
            put(tree, data, at, stop)
            left = budget.fields
        at = stop
    budget.fields = left
    budget.depth += 1


def _range(data: bytes, at: int, end: int, wire: int) -> tuple[int, int]:
    """Where the content of a field begins and ends."""
    if wire == BYTES:
        size, at = read_varint(data, at, end)
    elif wire in FIXED_SIZES:
        size = FIXED_SIZES[wire]
    else:
        raise MalformedError(f"proto: illegal wireType {wire}")
    if size > end - at:
        raise MalformedError("unexpected EOF")
    return at, at + size


def _check_unknown(table: _Table, key: int) -> None:
    """An unknown number is skipped; a known one with another wire type is an error."""
    number = key >> 3
    if not number:
        raise MalformedError("proto: illegal tag 0")
    if number in table.names:
        raise MalformedError(f"proto: wrong wireType = {key & 7} for field {table.names[number]}")


@cache
def _table(struct: type[Struct]) -> _Table:
    """How each field of a type is read; derived once from the declaration."""
    table = _Table()
    inlined: dict[int, _Table] = {}
    for field in schema_of(struct).fields.values():
        number, within = field.facts.number, field.facts.within
        if not number:
            continue  # kind and apiVersion: the envelope tells them
        target = table if within is None else inlined.setdefault(within, _Table())
        _add(target, field)
    for within, fields in inlined.items():
        table.add_range(within, "inlined message", _inline(fields))
    return table


def _inline(fields: _Table) -> Put:
    return lambda tree, data, at, end: _fill(tree, fields, data, at, end)


def _add(table: _Table, field: FieldSchema) -> None:
    number, name, type_ = field.facts.number, field.name, field.type
    if type_.kind == "array" and type_.items is not None:
        if field.facts.wrapped:
            table.add_range(number, name, _wrapped(name, type_.items, field))
        else:
            _add_array(table, number, name, type_.items, field)
    elif type_.kind == "map" and type_.items is not None:
        table.add_range(number, name, _map(name, type_.items, field))
    elif (integer := _integer(type_)) is not None:

        def put_number(tree: Tree, value: int) -> None:
            tree[name] = integer(value)

        table.add_number(number, name, put_number)
    else:
        read_one = _reader(type_, field)

        def put(tree: Tree, data: bytes, at: int, end: int) -> None:
            value = read_one(data, at, end)
            if value is not None:
                tree[name] = value

        table.add_range(number, name, put, FIXED64 if type_.kind == "number" else BYTES)


def _add_array(
    table: _Table, number: int, name: str, items: TypeSchema, field: FieldSchema
) -> None:
    integer = _integer(items)
    if integer is None:
        read_one = _reader(items, field)

        def put(tree: Tree, data: bytes, at: int, end: int) -> None:
            tree.setdefault(name, []).append(read_one(data, at, end))

        table.add_range(number, name, put)
        return

    def put_number(tree: Tree, value: int) -> None:
        tree.setdefault(name, []).append(integer(value))

    def put_packed(tree: Tree, data: bytes, at: int, end: int) -> None:
        budget, numbers = _budget.get(), tree.setdefault(name, [])
        while at < end:
            budget.fields -= 1
            if budget.fields < 0:
                raise MalformedError("exceeded max number of values")
            value, at = read_varint(data, at, end)
            numbers.append(integer(value))

    table.add_number(number, name, put_number)
    table.add_range(number, name, put_packed)


def _wrapped(name: str, items: TypeSchema, field: FieldSchema) -> Put:
    """A list in a message of its own; the list is there even if it is empty."""
    inner = _Table()
    _add_array(inner, 1, name, items, field)

    def put(tree: Tree, data: bytes, at: int, end: int) -> None:
        tree.setdefault(name, [])
        _fill(tree, inner, data, at, end)

    return put


def _map(name: str, items: TypeSchema, field: FieldSchema) -> Put:
    """Entries are messages: the key is field 1, the value field 2; either may be missing."""
    entry = _Table()
    entry.add_range(1, name, _put("key", _text))
    integer = _integer(items)
    zero: Callable[[], Any]
    if items.kind == "array" and items.items is not None:
        entry.add_range(2, name, _wrapped("value", items.items, field))
        zero = list
    elif integer is not None:
        entry.add_number(2, name, lambda tree, value: tree.update(value=integer(value)))
        zero = type(integer(0))
    else:
        read_one = _reader(items, field)
        entry.add_range(2, name, _put("value", read_one))

        def zero() -> Any:
            return read_one(b"", 0, 0)

    def put(tree: Tree, data: bytes, at: int, end: int) -> None:
        found: Tree = {}
        _fill(found, entry, data, at, end)
        value = found["value"] if "value" in found else zero()
        tree.setdefault(name, {})[found.get("key", "")] = value

    return put


def _put(name: str, read_one: Read) -> Put:
    def put(tree: Tree, data: bytes, at: int, end: int) -> None:
        tree[name] = read_one(data, at, end)

    return put


Read = Callable[[bytes, int, int], Any]
"""Turns the content of a field into a tree's value; None means that the field is unset."""


def _integer(type_: TypeSchema) -> Callable[[int], int] | None:
    """What makes a varint a signed number or a truth value; None for all that is no varint."""
    if type_.int_or_string:
        return None
    if type_.kind == "boolean":
        return bool
    if type_.kind == "integer":
        return _int32 if type_.format == "int32" else _int64
    return None


def _int32(value: int) -> int:
    return ((value & 0xFFFF_FFFF) ^ 0x8000_0000) - 0x8000_0000


def _int64(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _reader(type_: TypeSchema, field: FieldSchema) -> Read:
    if type_.int_or_string:
        return _int_or_string
    if type_.format == "date-time":
        return _micro_time if field.facts.micro else _time
    if type_.format == "quantity":
        return _quantity
    if type_.kind == "any":
        return _json
    if type_.struct is not None:
        return _nested(type_.struct)
    return {"string": _text, "bytes": _bytes, "number": _double}[type_.kind]


def _text(data: bytes, at: int, end: int) -> str:
    return data[at:end].decode()


def _bytes(data: bytes, at: int, end: int) -> bytes:
    return data[at:end]


def _double(data: bytes, at: int, end: int) -> float:
    number: float = binary.unpack("<d", data[at:end])[0]
    return number


def _nested(struct: type[Struct]) -> Read:
    found: list[_Table] = []

    def read_one(data: bytes, at: int, end: int) -> Tree:
        if not found:  # at the first use, since a type may contain itself
            found.append(_table(struct))
        tree: Tree = {}
        _fill(tree, found[0], data, at, end)
        return tree

    return read_one


def _small(data: bytes, at: int, end: int) -> tuple[dict[int, int], dict[int, bytes]]:
    """Numbers and contents of one of the small messages that JSON writes as a single value."""
    numbers: dict[int, int] = {}
    contents: dict[int, bytes] = {}
    budget = _budget.get()
    while at < end:
        budget.fields -= 1
        if budget.fields < 0:
            raise MalformedError("exceeded max number of values")
        key, at = read_varint(data, at, end)
        if key & 7 == VARINT:
            numbers[key >> 3], at = read_varint(data, at, end)
        else:
            start, at = _range(data, at, end, key & 7)
            contents[key >> 3] = data[start:at]
    return numbers, contents


def _int_or_string(data: bytes, at: int, end: int) -> int | str:
    numbers, contents = _small(data, at, end)
    if numbers.get(1, 0):
        return contents.get(3, b"").decode()
    return _int32(numbers.get(2, 0))


def _quantity(data: bytes, at: int, end: int) -> str:
    return _small(data, at, end)[1].get(1, b"").decode() or "0"


def _json(data: bytes, at: int, end: int) -> Any:
    """FieldsV1 and RawExtension: a message around the bytes of some JSON."""
    text = _small(data, at, end)[1].get(1, b"")
    return msgspec.json.decode(text) if text else None


def _time(data: bytes, at: int, end: int) -> str | None:
    """A moment in JSON's form; an empty message is Go's zero time, which JSON leaves out."""
    if at == end:
        return None
    seconds = _int64(_small(data, at, end)[0].get(1, 0))
    return format_time(_EPOCH + timedelta(seconds=seconds))


def _micro_time(data: bytes, at: int, end: int) -> str | None:
    if at == end:
        return None
    numbers = _small(data, at, end)[0]
    # Nanoseconds are rounded down to what a MicroTime holds.
    micro = _int32(numbers.get(2, 0)) // 1000
    return format_micro_time(
        _EPOCH + timedelta(seconds=_int64(numbers.get(1, 0)), microseconds=micro)
    )


def _unknown_table() -> _Table:
    told = _Table()
    told.add_range(1, "apiVersion", _put("apiVersion", _text))
    told.add_range(2, "kind", _put("kind", _text))

    def put_told(tree: Tree, data: bytes, at: int, end: int) -> None:
        _fill(tree.setdefault("told", {}), told, data, at, end)

    table = _Table()
    table.add_range(1, "typeMeta", put_told)
    table.add_range(2, "raw", _put("raw", _bytes))
    table.add_range(3, "contentEncoding", _put("contentEncoding", _text))
    table.add_range(4, "contentType", _put("contentType", _text))
    return table


_UNKNOWN = _unknown_table()
"""``runtime.Unknown``: the envelope."""
