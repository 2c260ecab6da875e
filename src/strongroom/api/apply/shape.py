"""What of a type has owners of its own: the declarations, as server-side apply reads them.

    LEAF      owned as one: scalars, and whatever is declared atomic
    RECORD    a Struct: each field has its own owners
    MAP       each entry has its own owners
    SET       a list of scalars, each with its own owners
    LIST_MAP  a list of objects that are known by their keys, whatever their order

A list that says nothing is atomic; a Struct or map that says nothing is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cache
from typing import Any

from strongroom.api.apply.fieldset import FieldsError, key_element, value_element
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of


class Form(Enum):
    """How the parts of a value are owned."""

    LEAF = auto()
    RECORD = auto()
    MAP = auto()
    SET = auto()
    LIST_MAP = auto()


@dataclass(frozen=True, slots=True)
class Shape:
    """A type as apply reads it.

    ``inner`` is the shape of the entries of a map or the items of a list. ``keys`` are those of a
    LIST_MAP, with what a missing one stands for.
    """

    form: Form
    schema: TypeSchema
    struct: type[Struct] | None = None
    inner: Shape | None = None
    keys: tuple[tuple[str, Any], ...] = ()

    def field(self, name: str) -> Shape | None:
        """The shape of a field or entry; None when there is no such field."""
        if self.form is Form.RECORD and self.struct is not None:
            return fields_of(self.struct).get(name)
        return self.inner

    @property
    def item(self) -> Shape:
        """The shape of the entries of a map or the items of a list."""
        if self.inner is None:
            raise TypeError("only maps and lists have items")
        return self.inner

    def element(self, item: Any) -> str:
        """The path element of a list's item. Raises FieldsError when it has none."""
        if self.form is Form.SET:
            if isinstance(item, (dict, list)) or item is None:
                raise FieldsError(f"associative list without keys has {_WRONG[type(item)]}")
            return value_element(item)
        if not isinstance(item, dict):
            what = "a null element" if item is None else "non-map elements"
            raise FieldsError(f"associative list with keys may not have {what}")
        found = {n: item.get(n, d) for n, d in self.keys if n in item or d is not None}
        if not found:
            names = " ".join(f'"{name}"' for name, _ in self.keys)
            raise FieldsError(
                f"associative list with keys has an element that omits all key fields [{names}] "
                "(and doesn't have default values for any key fields)"
            )
        return key_element(found)


_WRONG = {
    dict: "an element that's a map type",
    list: "an element that's a list",
    type(None): "an element that's an explicit null",
}
_ZERO = {"string": "", "integer": 0, "boolean": False}


@cache
def shape_of(struct: type[Struct]) -> Shape:
    """The shape of a type."""
    form = Form.LEAF if schema_of(struct).atomic else Form.RECORD
    return Shape(form, TypeSchema("struct", struct=struct), struct)


@cache
def fields_of(struct: type[Struct]) -> dict[str, Shape]:
    """The shapes of a type's fields by their names."""
    return {field.name: _field(field) for field in schema_of(struct).fields.values()}


def _field(field: FieldSchema) -> Shape:
    facts, plain = field.facts, _plain(field.type)
    if facts.atomic:
        return replace(plain, form=Form.LEAF)
    if facts.list_type == "set":
        return replace(plain, form=Form.SET)
    items = field.type.items
    if facts.list_type == "map" and items is not None and items.struct is not None:
        keys = tuple((key, _default(items.struct, key)) for key in facts.list_keys)
        return replace(plain, form=Form.LIST_MAP, keys=keys)
    return plain


def _plain(schema: TypeSchema) -> Shape:
    if schema.struct is not None:
        return shape_of(schema.struct)
    inner = _plain(schema.items) if schema.items is not None else None
    return Shape(Form.MAP if schema.kind == "map" else Form.LEAF, schema, inner=inner)


def _default(struct: type[Struct], key: str) -> Any:
    """What an item's missing key stands for: as declared, else the zero of a field that must be."""
    field = schema_of(struct).fields[key]
    if field.facts.default is not None:
        return field.facts.default
    return _ZERO.get(field.type.kind) if field.facts.required else None
