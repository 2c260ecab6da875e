"""What may be a schema or something else, in the schemas of custom kinds.

JSON writes one or the other; protobuf writes a message with a field for either. The declaration
holds such a value as a plain tree and names the form; the schema is of the type that declares it.
(``JSONSchemaPropsOrBool``, ``…OrArray``, ``…OrStringArray`` of ``apiextensions/v1``)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from strongroom.api.codec import to_tree
from strongroom.api.lenient import read
from strongroom.api.protobuf.fields import Table, Tree, fill
from strongroom.api.protobuf.values import read_text
from strongroom.api.protobuf.wire import framed
from strongroom.api.schema import FieldSchema, Struct

_FIRST, _SECOND = b"\x0a", b"\x12"
_OR_BOOL, _OR_ARRAY, _OR_STRINGS = (
    f"JSONSchemaPropsOr{x}" for x in ("Bool", "Array", "StringArray")
)

Encode = Callable[[Any], bytes]


def alternative(field: FieldSchema) -> str:
    """Which of the forms a field is of; empty for none."""
    name = (field.facts.format or "").rpartition(".")[2]
    return name if name in (_OR_BOOL, _OR_ARRAY, _OR_STRINGS) else ""


def alternative_encoder(
    form: str, schema: type[Struct], encoder: Callable[[type[Struct]], Encode]
) -> Encode:
    """What writes the content; ``encoder`` makes what writes messages of a type."""

    def message(tree: Any) -> bytes:
        return encoder(schema)(read(tree, schema))

    def or_bool(value: Any) -> bytes:
        if isinstance(value, bool):
            return b"\x08\x01" if value else b"\x08\x00"
        return b"\x08\x01" + framed(_SECOND, message(value))

    def or_array(value: Any) -> bytes:
        if isinstance(value, list):
            return b"".join(framed(_SECOND, message(item)) for item in value)
        return framed(_FIRST, message(value))

    def or_strings(value: Any) -> bytes:
        if isinstance(value, list):
            return b"".join(framed(_SECOND, item.encode()) for item in value)
        return framed(_FIRST, message(value))

    return {_OR_BOOL: or_bool, _OR_ARRAY: or_array, _OR_STRINGS: or_strings}[form]


def alternative_reader(
    form: str, schema: type[Struct], table: Callable[[], Table]
) -> Callable[[bytes, int, int], Any]:
    """What reads the content; ``table`` gives that of the schema's type."""

    def message(data: bytes, at: int, end: int) -> Tree:
        tree: Tree = {}
        fill(tree, table(), data, at, end)
        # Zeros that protobuf writes and JSON does not are left out.
        return to_tree(msgspec.convert(tree, schema))

    def put_schema(tree: Tree, data: bytes, at: int, end: int) -> None:
        tree["value"] = message(data, at, end)

    def put_item(tree: Tree, data: bytes, at: int, end: int) -> None:
        _items(tree).append(message(data, at, end))

    def put_text(tree: Tree, data: bytes, at: int, end: int) -> None:
        _items(tree).append(read_text(data, at, end))

    choice = Table()
    if form == _OR_BOOL:
        choice.add_number(1, "allows", lambda tree, value: tree.update(value=bool(value)))
        choice.add_range(2, "schema", put_schema)
    else:
        choice.add_range(1, "schema", put_schema)
        choice.add_range(2, "items", put_item if form == _OR_ARRAY else put_text)
    otherwise: Any = False if form == _OR_BOOL else []

    def read_one(data: bytes, at: int, end: int) -> Any:
        tree: Tree = {}
        fill(tree, choice, data, at, end)
        return tree.get("value", otherwise)

    return read_one


def _items(tree: Tree) -> list[Any]:
    """The list under way; hostile bytes may have a schema before it."""
    if not isinstance(tree.get("value"), list):
        tree["value"] = []
    items: list[Any] = tree["value"]
    return items
