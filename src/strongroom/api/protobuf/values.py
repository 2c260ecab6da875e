"""Reading single values: scalars, and the small messages that JSON writes as one value."""

from __future__ import annotations

import struct as binary
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from strongroom.api.protobuf.fields import content_range, left_of_body
from strongroom.api.protobuf.wire import VARINT, read_varint
from strongroom.api.times import format_micro_time, format_time

_EXACT = 1 << 53
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_int32(value: int) -> int:
    """A varint as a signed number of 32 bits."""
    return ((value & 0xFFFF_FFFF) ^ 0x8000_0000) - 0x8000_0000


def read_int64(value: int) -> int:
    """A varint as a signed number of 64 bits."""
    return value - (1 << 64) if value >> 63 else value


def read_text(data: bytes, at: int, end: int) -> str:
    """A string. Raises UnicodeDecodeError."""
    return data[at:end].decode()


def read_bytes(data: bytes, at: int, end: int) -> bytes:
    """Bytes as they are."""
    return data[at:end]


def read_double(data: bytes, at: int, end: int) -> float:
    """A float of eight bytes."""
    number: float = binary.unpack("<d", data[at:end])[0]
    # As JSON writes it: without a fraction where there is none.
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def _small(data: bytes, at: int, end: int) -> tuple[dict[int, int], dict[int, bytes]]:
    """Numbers and contents of one of the small messages that JSON writes as a single value."""
    numbers: dict[int, int] = {}
    contents: dict[int, bytes] = {}
    budget = left_of_body.get()
    while at < end:
        budget.spend()
        key, at = read_varint(data, at, end)
        if key & 7 == VARINT:
            numbers[key >> 3], at = read_varint(data, at, end)
        else:
            start, at = content_range(data, at, end, key & 7)
            contents[key >> 3] = data[start:at]
    return numbers, contents


def read_int_or_string(data: bytes, at: int, end: int) -> int | str:
    """An IntOrString."""
    numbers, contents = _small(data, at, end)
    if numbers.get(1, 0):
        return contents.get(3, b"").decode()
    return read_int32(numbers.get(2, 0))


def read_quantity(data: bytes, at: int, end: int) -> str:
    """A Quantity; an empty one is zero."""
    return _small(data, at, end)[1].get(1, b"").decode() or "0"


def read_json(data: bytes, at: int, end: int) -> Any:
    """FieldsV1 and RawExtension: a message around the bytes of some JSON."""
    text = _small(data, at, end)[1].get(1, b"")
    return msgspec.json.decode(text) if text else None


def read_time(data: bytes, at: int, end: int) -> str | None:
    """A moment in JSON's form; an empty message is Go's zero time, which JSON leaves out."""
    if at == end:
        return None
    seconds = read_int64(_small(data, at, end)[0].get(1, 0))
    return format_time(_EPOCH + timedelta(seconds=seconds))


def read_micro_time(data: bytes, at: int, end: int) -> str | None:
    """As :func:`read_time`, with microseconds."""
    if at == end:
        return None
    numbers = _small(data, at, end)[0]
    # Nanoseconds are rounded down to what a MicroTime holds.
    micro = read_int32(numbers.get(2, 0)) // 1000
    return format_micro_time(
        _EPOCH + timedelta(seconds=read_int64(numbers.get(1, 0)), microseconds=micro)
    )
