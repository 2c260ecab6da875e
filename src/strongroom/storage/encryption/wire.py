"""The little of protobuf's encoding that envelopes, KMS plugins and etcd need.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Value = int | bytes


class WireError(ValueError):
    """Bytes are no such message. The text goes on after what it is about: "is cut short"."""


def varint(number: int) -> bytes:
    """A number from 0 on."""
    coded = bytearray()
    while number > 0x7F:
        coded.append(number & 0x7F | 0x80)
        number >>= 7
    coded.append(number)
    return bytes(coded)


def field(number: int, value: bytes) -> bytes:
    """A field of bytes or text, below number 16."""
    return bytes((number << 3 | _BYTES,)) + varint(len(value)) + value


def number_field(number: int, value: int) -> bytes:
    """A field that is a number from 0 on, below number 16."""
    return bytes((number << 3 | _VARINT,)) + varint(value)


def map_field(number: int, entries: Mapping[str, bytes]) -> bytes:
    """A field ``map<string, bytes>``, in the order of its keys."""
    return b"".join(
        field(number, field(1, name.encode()) + field(2, entries[name])) for name in sorted(entries)
    )


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a message, in their order; of one that comes twice, the last counts."""

    values: tuple[tuple[int, Value], ...]

    def __repr__(self) -> str:
        return f"<{len(self.values)} fields>"

    def data(self, number: int) -> bytes:
        """A field of bytes, b"" if missing. Raises WireError if it is ever of another type."""
        found = b""
        for value in self._all(number):
            found = _expect(value)
        return found

    def text(self, number: int) -> str:
        """A field of text. Raises WireError."""
        try:
            return self.data(number).decode()
        except UnicodeDecodeError:
            raise WireError("has text that is not UTF-8") from None

    def number(self, number: int) -> int:
        """A field that is a number, 0 if missing. Raises WireError."""
        found = 0
        for value in self._all(number):
            if not isinstance(value, int):
                raise WireError("has a field of a wrong type")
            found = value
        return found

    def messages(self, number: int) -> list[Fields]:
        """A field of messages that may come more than once. Raises WireError."""
        return [read(_expect(value)) for value in self._all(number)]

    def map(self, number: int) -> dict[str, bytes]:
        """A field ``map<string, bytes>``. Raises WireError."""
        entries = [read(_expect(value)) for value in self._all(number)]
        return {entry.text(1): entry.data(2) for entry in entries}

    def _all(self, number: int) -> Iterator[Value]:
        return (value for name, value in self.values if name == number)


def read(message: bytes) -> Fields:
    """Take a message apart. Raises WireError."""
    fields: list[tuple[int, Value]] = []
    position = 0
    while position < len(message):
        tag, position = read_varint(message, position)
        kind = tag & 7
        if kind == _VARINT:
            number, position = read_varint(message, position)
            fields.append((tag >> 3, number))
            continue
        if kind == _BYTES:
            length, position = read_varint(message, position)
        elif kind in {_FIXED64, _FIXED32}:
            length = 8 if kind == _FIXED64 else 4
        else:
            raise WireError("has a field of an unknown form")
        if position + length > len(message):
            raise WireError("is cut short or damaged")
        fields.append((tag >> 3, message[position : position + length]))
        position += length
    return Fields(tuple(fields))


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """A number, and where it ends. Raises WireError."""
    number = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
    raise WireError("is cut short or damaged")


def _expect(value: Value) -> bytes:
    if isinstance(value, int):
        raise WireError("has a field of a wrong type")
    return value
