"""Reading Kubernetes' protobuf form, which kubectl and client-go write objects in.

Which number means which field stands in the declaration of the kind; what is declared nowhere is
skipped, as every protobuf reader does. Messages of errors name fields only, never what is in them.
Each type is compiled once into a table of small functions, one for each tag that it knows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec

from strongroom.api.errors import bad_request
from strongroom.api.jsontext import count_values, most_values
from strongroom.api.protobuf import values
from strongroom.api.protobuf.alternatives import alternative, alternative_reader
from strongroom.api.protobuf.encoding import has_message
from strongroom.api.protobuf.envelope import PREFIX
from strongroom.api.protobuf.fields import Budget, Put, Table, Tree, fill, left_of_body
from strongroom.api.protobuf.wire import BYTES, FIXED64, MalformedError, read_varint
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of

T = TypeVar("T", bound=Struct)


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
    if not has_message(struct):
        raise MalformedError(
            "object *unstructured.Unstructured does not implement the protobuf marshalling "
            "interface and cannot be encoded to a protobuf message"
        )
    if not body.startswith(PREFIX):
        raise MalformedError("couldn't get version/kind; no protobuf prefix")
    most = most_values(struct)
    # Twice the values, since entries of maps are messages too.
    left_of_body.set(Budget(2 * most))
    try:
        unknown: Tree = {}
        fill(unknown, _UNKNOWN, body, len(PREFIX), len(body))
        if unknown.get("contentEncoding"):
            raise MalformedError("a content encoding is not supported")
        tree: Tree = {}
        raw = unknown.get("raw", b"")
        fill(tree, _table(struct), raw, 0, len(raw))
        if count_values(tree) > most:
            raise MalformedError("exceeded max number of values")
        return msgspec.convert(tree | unknown.get("told", {}), struct, builtin_types=(bytes,))
    except MalformedError:
        raise
    except (ValueError, OverflowError, RecursionError):
        # Not chained: texts of these errors may quote the value.
        raise MalformedError("proto: illegal field value") from None


@cache
def _table(struct: type[Struct]) -> Table:
    """How each field of a type is read; derived once from the declaration."""
    # kind and apiVersion have no number: the envelope tells them
    fields = schema_of(struct).fields.values()
    return _level([field for field in fields if field.facts.number], 0)


def _level(fields: list[FieldSchema], depth: int) -> Table:
    """The fields at a depth of messages within messages, and below."""
    table = Table()
    inlined: dict[int, list[FieldSchema]] = {}
    for field in fields:
        if len(field.facts.within) == depth:
            _add(table, field)
        else:
            inlined.setdefault(field.facts.within[depth], []).append(field)
    for number, members in inlined.items():
        table.add_range(number, "inlined message", _inline(_level(members, depth + 1)))
    return table


def _inline(fields: Table) -> Put:
    return lambda tree, data, at, end: fill(tree, fields, data, at, end)


def _add(table: Table, field: FieldSchema) -> None:
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


def _add_array(table: Table, number: int, name: str, items: TypeSchema, field: FieldSchema) -> None:
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
        budget, numbers = left_of_body.get(), tree.setdefault(name, [])
        while at < end:
            budget.spend()
            value, at = read_varint(data, at, end)
            numbers.append(integer(value))

    table.add_number(number, name, put_number)
    table.add_range(number, name, put_packed)


def _wrapped(name: str, items: TypeSchema, field: FieldSchema) -> Put:
    """A list in a message of its own; the list is there even if it is empty."""
    inner = Table()
    _add_array(inner, 1, name, items, field)

    def put(tree: Tree, data: bytes, at: int, end: int) -> None:
        tree.setdefault(name, [])
        fill(tree, inner, data, at, end)

    return put


def _map(name: str, items: TypeSchema, field: FieldSchema) -> Put:
    """Entries are messages: the key is field 1, the value field 2; either may be missing."""
    entry = Table()
    entry.add_range(1, name, _put("key", values.read_text))
    integer = _integer(items)
    zero: Callable[[], Any]
    if items.kind == "array" and items.items is not None:
        entry.add_range(2, name, _wrapped("value", items.items, field))
        zero = list
    elif integer is not None:
        entry.add_number(2, name, lambda tree, value: tree.update(value=integer(value)))
        zero = type(integer(0))
    else:
        read_one = _entry_reader(items, field)
        entry.add_range(2, name, _put("value", read_one))

        def zero() -> Any:
            return read_one(b"", 0, 0)

    def put(tree: Tree, data: bytes, at: int, end: int) -> None:
        found: Tree = {}
        fill(found, entry, data, at, end)
        value = found["value"] if "value" in found else zero()
        tree.setdefault(name, {})[found.get("key", "")] = value

    return put


def _entry_reader(items: TypeSchema, field: FieldSchema) -> Read:
    read_one = _reader(items, field)
    if items.format != "date-time":
        return read_one
    # An entry without a time is there all the same.
    return lambda data, at, end: read_one(data, at, end) or ""


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
        return values.read_int32 if type_.format == "int32" else values.read_int64
    return None


def _reader(type_: TypeSchema, field: FieldSchema) -> Read:
    if type_.int_or_string:
        return values.read_int_or_string
    if type_.format == "date-time":
        return values.read_micro_time if field.facts.micro else values.read_time
    if type_.format == "quantity":
        return values.read_quantity
    if form := alternative(field):
        return alternative_reader(form, field.owner, lambda: _table(field.owner))
    if type_.kind == "any":
        return values.read_json
    if type_.struct is not None:
        return _nested(type_.struct)
    return {"string": values.read_text, "bytes": values.read_bytes, "number": values.read_double}[
        type_.kind
    ]


def _nested(struct: type[Struct]) -> Read:
    found: list[Table] = []

    def read_one(data: bytes, at: int, end: int) -> Tree:
        if not found:  # at the first use, since a type may contain itself
            found.append(_table(struct))
        tree: Tree = {}
        fill(tree, found[0], data, at, end)
        return tree

    return read_one


def _unknown_table() -> Table:
    told = Table()
    told.add_range(1, "apiVersion", _put("apiVersion", values.read_text))
    told.add_range(2, "kind", _put("kind", values.read_text))

    def put_told(tree: Tree, data: bytes, at: int, end: int) -> None:
        fill(tree.setdefault("told", {}), told, data, at, end)

    table = Table()
    table.add_range(1, "typeMeta", put_told)
    table.add_range(2, "raw", _put("raw", values.read_bytes))
    table.add_range(3, "contentEncoding", _put("contentEncoding", values.read_text))
    table.add_range(4, "contentType", _put("contentType", values.read_text))
    return table


_UNKNOWN = _unknown_table()
"""``runtime.Unknown``: the envelope."""
