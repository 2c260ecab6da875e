"""The checked expression as the library serializes it: ``cel.expr.CheckedExpr``, read by hand.

The message is small and frozen (cel-spec's ``checked.proto`` and ``syntax.proto``), and reading it
here spares a dependency on a protobuf runtime.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from strongroom.api.cel.values import UInt


@dataclass(slots=True)
class Expr:
    """A node; exactly one of the subclasses."""

    id: int


@dataclass(slots=True)
class Const(Expr):
    """A literal."""

    value: Any


@dataclass(slots=True)
class Ident(Expr):
    """A name: of a variable, or of a type."""

    name: str


@dataclass(slots=True)
class Select(Expr):
    """``operand.field``; with ``test`` it is ``has(operand.field)``."""

    operand: Expr
    field: str
    test: bool


@dataclass(slots=True)
class Call(Expr):
    """A call of a function or operator."""

    target: Expr | None
    function: str
    args: list[Expr]


@dataclass(slots=True)
class MakeList(Expr):
    """A list literal; the elements at ``optional`` are left out when they are not there."""

    elements: list[Expr]
    optional: frozenset[int]


@dataclass(slots=True)
class Entry:
    """``key: value`` of a map literal, or a field of a message literal."""

    field: str
    key: Expr | None
    value: Expr
    optional: bool


@dataclass(slots=True)
class MakeMap(Expr):
    """A map literal, or a message literal when ``message`` names one."""

    message: str
    entries: list[Entry]


@dataclass(slots=True)
class Fold(Expr):
    """A macro over a list or map, as CEL's comprehensions are spelled out."""

    variable: str
    variable2: str
    range: Expr
    accumulator: str
    init: Expr
    condition: Expr
    step: Expr
    result: Expr


@dataclass(slots=True)
class Checked:
    """An expression with what the checker found: names and overloads, by node."""

    root: Expr
    names: dict[int, str] = field(default_factory=dict)
    overloads: dict[int, tuple[str, ...]] = field(default_factory=dict)


def read_checked(data: bytes) -> Checked:
    """The expression in a serialized ``Any`` of a CheckedExpr, or of a ParsedExpr."""
    parts = dict(_fields(data))
    inner, checked = parts[2], parts[1].endswith(b"CheckedExpr")
    names: dict[int, str] = {}
    overloads: dict[int, tuple[str, ...]] = {}
    root: Expr | None = None
    for number, value in _fields(inner):
        if number == 2 and checked:
            _reference(value, names, overloads)
        elif number == (4 if checked else 2):
            root = _expr(value)
    if root is None:
        raise ValueError("a checked expression without an expression")
    return Checked(root, names, overloads)


def _reference(data: bytes, names: dict[int, str], overloads: dict[int, tuple[str, ...]]) -> None:
    entry = dict(_fields(data))
    found = [(number, value) for number, value in _fields(entry.get(2, b""))]
    for number, value in found:
        if number == 1:
            names[entry.get(1, 0)] = value.decode()
    overloads[entry.get(1, 0)] = tuple(value.decode() for number, value in found if number == 3)


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field: integers, eight bytes of a double, or bytes."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
        elif wire == 1:
            yield key >> 3, data[at : at + 8]
            at += 8
        elif wire == 2:
            size, at = _varint(data, at)
            yield key >> 3, data[at : at + size]
            at += size
        else:
            raise ValueError("a checked expression has a field of an unknown wire type")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _expr(data: bytes) -> Expr:
    node = 0
    made: tuple[int, bytes] = (0, b"")
    for number, value in _fields(data):
        if number == 2:
            node = value
        else:
            made = (number, value)
    number, value = made
    reader = _READERS.get(number)
    if reader is None:
        raise ValueError("a checked expression has a node of an unknown kind")
    return reader(node, value)


def _const(node: int, data: bytes) -> Expr:
    for number, value in _fields(data):
        if number == 2:
            return Const(node, bool(value))
        if number == 3:
            return Const(node, _signed(value))
        if number == 4:
            return Const(node, UInt(value))
        if number == 5:
            return Const(node, struct.unpack("<d", value)[0])
        if number == 6:
            return Const(node, value.decode())
        if number == 7:
            return Const(node, bytes(value))
    return Const(node, None)


def _ident(node: int, data: bytes) -> Expr:
    return Ident(node, dict(_fields(data))[1].decode())


def _select(node: int, data: bytes) -> Expr:
    parts = dict(_fields(data))
    return Select(node, _expr(parts[1]), parts[2].decode(), bool(parts.get(3, 0)))


def _call(node: int, data: bytes) -> Expr:
    target: Expr | None = None
    function = ""
    args: list[Expr] = []
    for number, value in _fields(data):
        if number == 1:
            target = _expr(value)
        elif number == 2:
            function = value.decode()
        elif number == 3:
            args.append(_expr(value))
    return Call(node, target, function, args)


def _list(node: int, data: bytes) -> Expr:
    elements: list[Expr] = []
    optional: set[int] = set()
    for number, value in _fields(data):
        if number == 1:
            elements.append(_expr(value))
        elif isinstance(value, int):
            optional.add(value)
        else:
            at = 0
            while at < len(value):
                index, at = _varint(value, at)
                optional.add(index)
    return MakeList(node, elements, frozenset(optional))


def _map(node: int, data: bytes) -> Expr:
    message = ""
    entries: list[Entry] = []
    for number, value in _fields(data):
        if number == 1:
            message = value.decode()
            continue
        parts = dict(_fields(value))
        key = _expr(parts[3]) if 3 in parts else None
        name = parts[2].decode() if 2 in parts else ""
        entries.append(Entry(name, key, _expr(parts[4]), bool(parts.get(5, 0))))
    return MakeMap(node, message, entries)


def _fold(node: int, data: bytes) -> Expr:
    parts = dict(_fields(data))
    return Fold(
        node,
        parts[1].decode(),
        parts[8].decode() if 8 in parts else "",
        _expr(parts[2]),
        parts[3].decode(),
        _expr(parts[4]),
        _expr(parts[5]),
        _expr(parts[6]),
        _expr(parts[7]),
    )


_READERS = {3: _const, 4: _ident, 5: _select, 6: _call, 7: _list, 8: _map, 9: _fold}
