"""The smallest parts of protobuf's wire: varints, tags and lengths."""

from __future__ import annotations

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}

_U64 = 0xFFFF_FFFF_FFFF_FFFF


class MalformedError(ValueError):
    """Bytes that are no message of the wanted type. The text names fields, and no content."""


def varint(number: int) -> bytes:
    """A number of at most 64 bits; a negative one is written as its two's complement."""
    number &= _U64
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_SHORT = tuple(varint(number) for number in range(4096))
"""Nearly all lengths and many numbers: made once, because writing them is most of the work."""


def short_varint(number: int) -> bytes:
    """:func:`varint` of a number that is probably small and not negative."""
    return _SHORT[number] if 0 <= number < 4096 else varint(number)


def tag(number: int, wire: int) -> bytes:
    """What stands before a field's value."""
    return varint(number << 3 | wire)


def framed(start: bytes, content: bytes) -> bytes:
    """A field of bytes: its tag (``start``), the length, the content."""
    return start + short_varint(len(content)) + content


def read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at ``at``, and where the next thing begins. Raises MalformedError."""
    if at < end and data[at] < 0x80:  # nearly always
        return data[at], at + 1
    number = shift = 0
    while True:
        if at >= end:
            raise MalformedError("unexpected EOF")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & _U64, at
        shift += 7
        if shift >= 64:
            raise MalformedError("proto: integer overflow")
