"""Going through the fields of a message: tables of what to do with each, and limits of a body."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from strongroom.api.protobuf.wire import (
    BYTES,
    FIXED_SIZES,
    VARINT,
    MalformedError,
    read_varint,
)

Tree = dict[str, Any]

_DEEPEST = 200
"""Nesting of messages, which only types that contain themselves can reach."""


class Budget:
    """What a body may still have, over all its messages."""

    __slots__ = ("depth", "fields")

    def __init__(self, fields: int) -> None:
        self.fields = fields
        self.depth = _DEEPEST

    def spend(self) -> None:
        """Count a field. Raises MalformedError when there were too many."""
        self.fields -= 1
        if self.fields < 0:
            raise MalformedError("exceeded max number of values")


left_of_body: ContextVar[Budget] = ContextVar("what the body may still have")


Put = Callable[[Tree, bytes, int, int], None]
"""Puts a field into a tree: its content stands between two places of the data."""

PutNumber = Callable[[Tree, int], None]
"""Puts a field that is a varint."""


class Table:
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


def fill(tree: Tree, table: Table, data: bytes, at: int, end: int) -> None:
    """Read the fields of one message into a tree."""
    budget = left_of_body.get()
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
        at, stop = content_range(data, at, end, key & 7)
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


def content_range(data: bytes, at: int, end: int, wire: int) -> tuple[int, int]:
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


def _check_unknown(table: Table, key: int) -> None:
    """An unknown number is skipped; a known one with another wire type is an error."""
    number = key >> 3
    if not number:
        raise MalformedError("proto: illegal tag 0")
    if number in table.names:
        raise MalformedError(f"proto: wrong wireType = {key & 7} for field {table.names[number]}")
