"""Reading Kubernetes' protobuf form, which kubectl and client-go write objects in.

A body is ``k8s`` and a zero byte, then the message ``runtime.Unknown``: kind and version, and the
object's own message as bytes. Which number means which field stands in the declaration of the kind;
what is declared nowhere is skipped, as every protobuf reader does. Messages of errors name fields
only, never what is in them. (``k8s.io/apimachinery/pkg/runtime/serializer/protobuf``)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import msgspec

from strongroom.api.errors import bad_request
from strongroom.api.jsontext import MAX_VALUES, count_values
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of
from strongroom.api.times import format_micro_time, format_time

T = TypeVar("T", bound=Struct)
Tree = dict[str, Any]

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
PREFIX = b"k8s\x00"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_left: ContextVar[list[int]] = ContextVar("fields that the body may still have")
"""Of all messages of a body together; twice the values, since entries of maps are messages too."""


class MalformedError(ValueError):
    """Bytes that are no message of the wanted type."""


def decode_protobuf(body: bytes, struct: type[T], *, kind: str) -> T:
    """The object in a body. Raises StatusError 400; ``kind`` is the wanted one, for the message."""
    try:
        return read(body, struct)
    except (MalformedError, OverflowError, UnicodeDecodeError, msgspec.ValidationError) as error:
        reason = str(error) if isinstance(error, MalformedError) else "proto: illegal field value"
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind}): {reason}"
        ) from None


def read(body: bytes, struct: type[T]) -> T:
    """The object in a body. Raises MalformedError, and ValueErrors for values out of range."""
    if not body.startswith(PREFIX):
        raise MalformedError("couldn't get version/kind; no protobuf prefix")
    _left.set([2 * MAX_VALUES])
    told: Tree = {}
    raw = b""
    for number, wire, value in _records(body[len(PREFIX) :]):
        if wire != _BYTES:
            raise _wrong_wire_type("Unknown", wire)
        if number == 1:
            _fill(told, _TYPE_META, value)
        elif number == 2:
            raw = value
        elif number == 3 and value:
            raise MalformedError("a content encoding is not supported")
    tree: Tree = {}
    _fill(tree, _readers(struct), raw)
    if count_values(tree) > MAX_VALUES:
        raise MalformedError("exceeded max number of values")
    return msgspec.convert(tree | told, struct, builtin_types=(bytes,))


def _records(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Field number, wire type and value (int or bytes) of each field of a message."""
    at, end = 0, len(data)
    left = _left.get()
    while at < end:
        left[0] -= 1
        if left[0] < 0:
            raise MalformedError("exceeded max number of values")
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if not number:
            raise MalformedError("proto: illegal tag 0")
        value: int | bytes
        if wire == _VARINT:
            value, at = _varint(data, at)
        else:
            if wire == _BYTES:
                size, at = _varint(data, at)
            elif wire in _FIXED_SIZES:
                size = _FIXED_SIZES[wire]
            else:
                raise MalformedError(f"proto: illegal wireType {wire}")
            if size > end - at:
                raise MalformedError("unexpected EOF")
            value, at = data[at : at + size], at + size
        yield number, wire, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at ``at``, and where the next thing begins."""
    number = shift = 0
    while True:
        if at >= len(data):
            raise MalformedError("unexpected EOF")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
        if shift >= 64:
            raise MalformedError("proto: integer overflow")


Reader = Callable[[Tree, int, Any], None]
"""Puts one field (its wire type and value) into a tree."""


def _fill(tree: Tree, readers: dict[int, Reader], message: bytes) -> None:
    for number, wire, value in _records(message):
        reader = readers.get(number)
        if reader is not None:
            reader(tree, wire, value)


@cache
def _readers(struct: type[Struct]) -> dict[int, Reader]:
    """How each field number of a message is read; derived once from the declaration."""
    readers: dict[int, Reader] = {}
    inlined: dict[int, dict[int, Reader]] = {}
    for field in schema_of(struct).fields.values():
        number, within = field.facts.number, field.facts.within
        if not number:
            continue  # kind and apiVersion: the envelope tells them
        target = readers if within is None else inlined.setdefault(within, {})
        target[number] = _reader(field)
    for within, fields in inlined.items():
        readers[within] = _inline(fields)
    return readers


def _inline(fields: dict[int, Reader]) -> Reader:
    def put(tree: Tree, wire: int, value: Any) -> None:
        _expect(wire, _BYTES, "inlined message")
        _fill(tree, fields, value)

    return put


def _reader(field: FieldSchema) -> Reader:
    name, kind = field.name, field.type.kind
    if kind == "array" and field.type.items is not None:
        return _array(name, _value(name, field.type.items, field))
    if kind == "map" and field.type.items is not None:
        return _map(name, _value(name, field.type.items, field))
    single = _value(name, field.type, field)

    def put(tree: Tree, wire: int, value: Any) -> None:
        read = single(wire, value)
        if read is not None:
            tree[name] = read

    return put


Value = Callable[[int, Any], Any]
"""Turns one wire value into a tree's; None means that the field is unset."""


def _array(name: str, item: Value) -> Reader:
    def put(tree: Tree, wire: int, value: Any) -> None:
        tree.setdefault(name, []).append(item(wire, value))

    return put


def _map(name: str, item: Value) -> Reader:
    def put(tree: Tree, wire: int, value: Any) -> None:
        _expect(wire, _BYTES, name)
        key, found = "", item(_BYTES, b"")
        for number, inner, content in _records(value):
            if number == 1:
                _expect(inner, _BYTES, name)
                key = content.decode()
            elif number == 2:
                found = item(inner, content)
        tree.setdefault(name, {})[key] = found

    return put


def _value(name: str, type_: TypeSchema, field: FieldSchema) -> Value:
    if type_.int_or_string:
        return _message(name, _int_or_string)
    if type_.kind == "string" and field.facts.format == "date-time":
        form = format_micro_time if field.facts.micro else format_time
        return _message(name, lambda message: _time(message, form))
    if type_.kind == "string" and field.facts.format == "quantity":
        return _message(name, lambda message: _within(message).get(1, b"").decode())
    if type_.kind == "any":
        # FieldsV1 and RawExtension: a message around the bytes of some JSON.
        return _message(name, lambda message: msgspec.json.decode(_within(message).get(1, b"{}")))
    if type_.struct is not None:
        return _message(name, _nested(type_.struct))
    return _scalar(name, type_.kind, field.facts.format)


def _scalar(name: str, kind: str, format_: str | None) -> Value:
    bits = 32 if format_ == "int32" else 64

    def integer(wire: int, value: Any) -> int:
        _expect(wire, _VARINT, name)
        low = int(value) & ((1 << bits) - 1)
        return low - (1 << bits) if low >> (bits - 1) else low

    def text(wire: int, value: Any) -> str:
        _expect(wire, _BYTES, name)
        return str(value, "utf-8")

    def raw(wire: int, value: Any) -> bytes:
        _expect(wire, _BYTES, name)
        return bytes(value)

    def boolean(wire: int, value: Any) -> bool:
        _expect(wire, _VARINT, name)
        return bool(value)

    values: dict[str, Value] = {
        "integer": integer,
        "string": text,
        "bytes": raw,
        "boolean": boolean,
    }
    return values[kind]


def _message(name: str, read: Callable[[bytes], Any]) -> Value:
    def value(wire: int, content: Any) -> Any:
        _expect(wire, _BYTES, name)
        return read(content)

    return value


def _nested(struct: type[Struct]) -> Callable[[bytes], Tree]:
    def read(message: bytes) -> Tree:
        tree: Tree = {}
        _fill(tree, _readers(struct), message)
        return tree

    return read


def _within(message: bytes) -> dict[int, Any]:
    """The fields of one of the small messages that JSON writes as a single value."""
    return {number: value for number, _, value in _records(message)}


def _int_or_string(message: bytes) -> int | str:
    fields = _within(message)
    if fields.get(1, 0):
        return str(fields.get(3, b""), "utf-8")
    return int(_scalar("intVal", "integer", "int32")(_VARINT, fields.get(2, 0)))


def _time(message: bytes, form: Callable[[datetime], str]) -> str | None:
    """A moment in JSON's form; an empty message is Go's zero time, which JSON leaves out."""
    if not message:
        return None
    fields = _within(message)
    seconds = _scalar("seconds", "integer", "int64")(_VARINT, fields.get(1, 0))
    # Nanoseconds are rounded down to what a MicroTime holds.
    return form(_EPOCH + timedelta(seconds=seconds, microseconds=fields.get(2, 0) // 1000))


def _expect(wire: int, wanted: int, name: str) -> None:
    if wire != wanted:
        raise _wrong_wire_type(name, wire)


def _wrong_wire_type(name: str, wire: int) -> MalformedError:
    return MalformedError(f"proto: wrong wireType = {wire} for field {name}")


_TYPE_META: dict[int, Reader] = {
    1: lambda tree, wire, value: tree.update(apiVersion=_scalar("", "string", None)(wire, value)),
    2: lambda tree, wire, value: tree.update(kind=_scalar("", "string", None)(wire, value)),
}
