"""Writing objects in Kubernetes' protobuf form, byte for byte as upstream's generated code does.

Fields go in the order of their numbers and maps in the order of their keys. What Go holds by value
is written even when it is zero, what it holds by pointer only when it is set, and an empty list or
map not at all. Each type is compiled once, from its declaration, into a list of small functions.
"""

from __future__ import annotations

import struct as binary
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

from strongroom.api.codec import encode as encode_json
from strongroom.api.protobuf.alternatives import alternative, alternative_encoder
from strongroom.api.protobuf.wire import (
    BYTES,
    FIXED64,
    VARINT,
    framed,
    short_varint,
    tag,
    varint,
)
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

Encode = Callable[[Any], bytes]
"""Turns a value into bytes: a whole field with its tag, or only the content of one."""


def encode_message(obj: Struct) -> bytes:
    """The object's own message, without kind and version."""
    return message_encoder(type(obj))(obj)


@lru_cache(maxsize=512)
def has_message(struct: type[Struct]) -> bool:
    """Whether a type has a protobuf form: custom kinds hold what no number is declared for."""
    try:
        fields = schema_of(struct).fields
    except TypeError:
        return False
    return all(f.facts.number for name, f in fields.items() if name not in ("kind", "apiVersion"))


@cache
def message_encoder(struct: type[Struct]) -> Encode:
    """What writes messages of a type."""
    # kind and apiVersion have no number: the envelope tells them
    fields = schema_of(struct).fields.values()
    return _level([field for field in fields if field.facts.number], 0)


def _level(fields: list[FieldSchema], depth: int) -> Encode:
    """The fields at a depth of messages within messages, and below."""
    here = [field for field in fields if len(field.facts.within) == depth]
    inlined: dict[int, list[FieldSchema]] = {}
    for field in fields:
        if len(field.facts.within) > depth:
            inlined.setdefault(field.facts.within[depth], []).append(field)
    if not inlined:
        return _joined(here)
    parts: dict[int, Encode] = {field.facts.number: _joined([field]) for field in here}
    for number, members in inlined.items():
        parts[number] = _message(number, _level(members, depth + 1))
    ordered = [parts[number] for number in sorted(parts)]
    return lambda obj: b"".join([part(obj) for part in ordered])


def _joined(fields: list[FieldSchema]) -> Encode:
    """The fields of an object, one after the other."""
    ordered = sorted(fields, key=lambda field: field.facts.number)
    encoders = [_field(field) for field in ordered]
    if not ordered:
        return lambda obj: b""
    get = attrgetter(*[field.attribute for field in ordered])
    if len(ordered) == 1:
        only = encoders[0]
        return lambda obj: only(get(obj))
    return lambda obj: b"".join(
        [encode(value) for encode, value in zip(encoders, get(obj), strict=True)]
    )


def _message(number: int, content: Encode) -> Encode:
    start = tag(number, BYTES)
    return lambda value: framed(start, content(value))


def _field(field: FieldSchema) -> Encode:
    """The whole of a field; nothing where Go would write nothing."""
    number, type_, facts = field.facts.number, field.type, field.facts
    if type_.kind == "array" and type_.items is not None:
        return _array(number, type_.items, field)
    if type_.kind == "map" and type_.items is not None:
        return _map(number, type_.items, field)
    one = _single(number, type_, field)
    if type_.kind == "bytes":
        return lambda value: one(value) if value else b""
    missing = framed(tag(number, BYTES), _zero(type_)) if facts.by_value else b""
    if type_.format in ("date-time", "quantity"):
        # In JSON a missing time is the same as no time; in protobuf Go's zero time is a message.
        return lambda value: one(value) if value else missing
    if field.nullable or type_.kind == "any":
        return lambda value: missing if value is None else one(value)
    return one


def _array(number: int, items: TypeSchema, field: FieldSchema) -> Encode:
    one = _single(number, items, field)
    if field.facts.wrapped:
        start, wrapped = tag(number, BYTES), _single(1, items, field)
        return lambda values: framed(start, b"".join(map(wrapped, values))) if values else b""
    return lambda values: b"".join(map(one, values)) if values else b""


def _map(number: int, items: TypeSchema, field: FieldSchema) -> Encode:
    start, key_start = tag(number, BYTES), tag(1, BYTES)
    if items.kind == "array" and items.items is not None:
        inner = _single(1, items.items, field)
        one = _message(2, lambda values: b"".join(map(inner, values)))
    else:
        one = _single(2, items, field)

    def encode(entries: dict[str, Any] | None) -> bytes:
        if not entries:
            return b""
        # Code points and the bytes of UTF-8 sort alike, so this is Go's order.
        return b"".join(
            [
                framed(start, framed(key_start, key.encode()) + one(entries[key]))
                for key in sorted(entries)
            ]
        )

    return encode


def _single(number: int, type_: TypeSchema, field: FieldSchema) -> Encode:
    """A field with one set value."""
    if type_.kind in ("integer", "boolean"):
        start = tag(number, VARINT)
        return lambda value: start + short_varint(value)
    if type_.kind == "number":
        start = tag(number, FIXED64)
        return lambda value: start + binary.pack("<d", value)
    start = tag(number, BYTES)
    if type_.kind == "string" and not type_.format and not type_.int_or_string:
        empty = start + b"\0"
        return lambda value: framed(start, value.encode()) if value else empty
    if type_.kind == "bytes":
        return lambda value: framed(start, value)
    return _message(number, _content(type_, field))


def _content(type_: TypeSchema, field: FieldSchema) -> Encode:
    """The content of a message that JSON writes as an object or as a single value."""
    if type_.int_or_string:
        return _int_or_string
    if type_.format == "date-time":
        return _micro_time if field.facts.micro else _time
    if type_.format == "quantity":
        return lambda text: framed(b"\x0a", text.encode())
    if form := alternative(field):
        return alternative_encoder(form, field.owner, message_encoder)
    if type_.kind == "any":
        return lambda tree: framed(b"\x0a", encode_json(tree))
    if type_.struct is not None:
        return _nested(type_.struct)
    return lambda text: bytes(text.encode())


def _nested(struct: type[Struct]) -> Encode:
    """Found at the first use, since a type may contain itself."""
    found: list[Encode] = []

    def encode(value: Any) -> bytes:
        if not found:
            found.append(message_encoder(struct))
        return found[0](value)

    return encode


def _zero(type_: TypeSchema) -> bytes:
    """The content of what is unset where Go has no pointer."""
    if type_.format == "quantity":
        return framed(b"\x0a", b"0")
    return _int_or_string(0) if type_.int_or_string else b""


def _int_or_string(value: int | str) -> bytes:
    if isinstance(value, str):
        return b"\x08\x01\x10\x00" + framed(b"\x1a", value.encode())
    return b"\x08\x00\x10" + varint(value) + b"\x1a\x00"


@lru_cache(maxsize=1024)
def _time(text: str) -> bytes:
    if not text:
        return b""
    # A Time is kept to the second, whatever fraction was sent.
    return b"\x08" + varint((datetime.fromisoformat(text) - _EPOCH) // _SECOND) + b"\x10\x00"


@lru_cache(maxsize=1024)
def _micro_time(text: str) -> bytes:
    if not text:
        return b""
    since = datetime.fromisoformat(text) - _EPOCH
    return b"\x08" + varint(since // _SECOND) + b"\x10" + varint(since.microseconds * 1000)
