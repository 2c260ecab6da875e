"""JSON trees as the messages of gnostic, the protobuf form of OpenAPI documents.

The messages are proto3: a zero is not written. Objects with free names become lists of named
entries, extensions (``x-…``) lists of any values, whose text is YAML; ours is JSON, which is YAML.
Facts: the ``.proto`` files of google/gnostic-models.
"""

from __future__ import annotations

import struct as binary
from collections.abc import Callable, Mapping
from typing import Any

from strongroom.api.codec import encode as encode_json
from strongroom.api.protobuf.wire import BYTES, FIXED64, VARINT, framed, short_varint, tag

Tree = dict[str, Any]
Message = Callable[[Any], bytes]
"""The content of a message, made of a tree."""

Part = tuple[int, Callable[[int, Any], bytes]]
"""A field: its number, and what writes a value under it."""


def message(extensions: int = 0, **parts: Part) -> Message:
    """A message of fields by their JSON names (a trailing ``_`` is dropped, ``_ref`` is ``$ref``).

    ``extensions`` is the number under which ``x-…`` fields are kept.
    """
    named = {"$ref" if name == "_ref" else name.rstrip("_"): part for name, part in parts.items()}
    ordered = sorted(named.items(), key=lambda item: item[1][0])

    def encode(tree: Tree) -> bytes:
        found = [write(number, tree[name]) for name, (number, write) in ordered if name in tree]
        if extensions:
            found += [
                _entry(extensions, name, _any(value))
                for name, value in tree.items()
                if name.startswith("x-")
            ]
        return b"".join(found)

    return encode


def _entry(number: int, name: str, content: bytes) -> bytes:
    inner = framed(b"\x0a", name.encode()) + framed(b"\x12", content)
    return framed(tag(number, BYTES), inner)


def _any(value: Any) -> bytes:
    return framed(b"\x12", encode_json(value) + b"\n")


def text(number: int) -> Part:
    """A string."""
    return number, lambda n, value: framed(tag(n, BYTES), value.encode()) if value else b""


def texts(number: int) -> Part:
    """A list of strings."""
    return number, lambda n, values: b"".join(framed(tag(n, BYTES), v.encode()) for v in values)


def flag(number: int) -> Part:
    """A truth value."""
    return number, lambda n, value: tag(n, VARINT) + b"\x01" if value else b""


def whole(number: int) -> Part:
    """An integer."""
    return number, lambda n, value: tag(n, VARINT) + short_varint(int(value)) if value else b""


def real(number: int) -> Part:
    """A number, as a double."""
    return number, lambda n, v: tag(n, FIXED64) + binary.pack("<d", v) if v else b""


def anything(number: int) -> Part:
    """Any value."""
    return number, lambda n, value: framed(tag(n, BYTES), _any(value))


def anythings(number: int) -> Part:
    """A list of any values."""
    return number, lambda n, values: b"".join(framed(tag(n, BYTES), _any(v)) for v in values)


def one(number: int, content: Message) -> Part:
    """A message."""
    return number, lambda n, value: framed(tag(n, BYTES), content(value))


def many(number: int, content: Message) -> Part:
    """A list of messages."""
    return number, lambda n, values: b"".join(framed(tag(n, BYTES), content(v)) for v in values)


def entries(content: Message, *, number: int = 1, extensions: int = 0) -> Message:
    """A message of entries, each with a name and a message."""

    def encode(tree: Tree) -> bytes:
        return b"".join(
            _entry(extensions, name, _any(value))
            if extensions and name.startswith("x-")
            else _entry(number, name, content(value))
            for name, value in tree.items()
        )

    return encode


def wrapped(number: int, content: Message) -> Message:
    """A message around another one: a choice that is always the same."""
    return lambda value: framed(tag(number, BYTES), content(value))


def chosen(choose: Callable[[Tree], int], contents: Mapping[int, Message]) -> Message:
    """One of several messages; ``choose`` tells the number of the one that a tree is."""

    def encode(tree: Tree) -> bytes:
        number = choose(tree)
        return framed(tag(number, BYTES), contents[number](tree))

    return encode


def listed(values: list[str]) -> bytes:
    """StringArray and TypeItem: strings under number 1."""
    return b"".join(framed(b"\x0a", value.encode()) for value in values)


def schema_or_flag(content: Message) -> Message:
    """What ``additionalProperties`` may be: a schema under 1, or a truth value under 2."""

    def encode(value: Any) -> bytes:
        if isinstance(value, bool):
            return b"\x10" + (b"\x01" if value else b"\x00")
        return framed(b"\x0a", content(value))

    return encode


BOUNDS: Mapping[str, Callable[[int], Part]] = {
    "multipleOf": real,
    "maximum": real,
    "exclusiveMaximum": flag,
    "minimum": real,
    "exclusiveMinimum": flag,
    "maxLength": whole,
    "minLength": whole,
    "pattern": text,
    "maxItems": whole,
    "minItems": whole,
    "uniqueItems": flag,
    "maxProperties": whole,
    "minProperties": whole,
    "required": texts,
    "enum": anythings,
}
"""What both versions say of a value, in the order of their numbers."""


def bounds(first: int) -> dict[str, Part]:
    """The fields of ``BOUNDS``, numbered from ``first``."""
    return {name: part(first + at) for at, (name, part) in enumerate(BOUNDS.items())}
