"""What of a type has owners of its own: the declarations, as server-side apply reads them.

    LEAF      owned as one: scalars, and whatever is declared atomic
    RECORD    a Struct: each field has its own owners
    MAP       each entry has its own owners
    SET       a list of scalars, each with its own owners
    LIST_MAP  a list of objects that are known by their keys, whatever their order
    ANY       what nothing is declared of: an object is a map of such, all else is owned as one

A list that says nothing is atomic; a Struct or map that says nothing is not. Custom objects are
declared by the schema of their CRD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cache
from typing import Any, Final

from strongroom.api import custom
from strongroom.api.apply.fieldset import FieldsError, key_element, value_element
from strongroom.api.meta import ObjectMeta
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of
from strongroom.api.structural import Structural

ABSENT: Final[Any] = object()
"""Stands for a value that there is none of."""


class Form(Enum):
    """How the parts of a value are owned."""

    LEAF = auto()
    RECORD = auto()
    MAP = auto()
    SET = auto()
    LIST_MAP = auto()
    ANY = auto()


@dataclass(frozen=True, slots=True)
class Shape:
    """A type as apply reads it.

    ``inner`` is the shape of the entries of a map or the items of a list, and of those fields of a
    RECORD that are not declared. ``keys`` are those of a LIST_MAP, with what a missing one stands
    for. ``fields`` are those of a RECORD that no Struct declares.
    """

    form: Form
    schema: TypeSchema
    struct: type[Struct] | None = None
    inner: Shape | None = None
    keys: tuple[tuple[str, Any], ...] = ()
    fields: Mapping[str, Shape] | None = None

    def field(self, name: str) -> Shape | None:
        """The shape of a field or entry; None when there is no such field."""
        if self.form is Form.RECORD:
            return self._declared.get(name, self.inner)
        return self.inner

    @property
    def _declared(self) -> Mapping[str, Shape]:
        return fields_of(self.struct) if self.struct is not None else self.fields or {}

    def is_entry(self, name: str) -> bool:
        """Whether a name is one that no declaration has: such are owned themselves, too."""
        return self.form is Form.MAP or (self.form is Form.RECORD and name not in self._declared)

    def seen(self, *values: Any) -> Shape:
        """The shape in view of the values: of ANY, whether it is a map here."""
        if self.form is not Form.ANY:
            return self
        told = [value for value in values if value is not None and value is not ABSENT]
        if told and all(isinstance(value, dict) for value in told):
            return self.opened
        return _ATOM

    @property
    def opened(self) -> Shape:
        """The shape as that of an object, even where it is owned as one."""
        if self.struct is not None or self.fields is not None:
            return replace(self, form=Form.RECORD)
        return _OPEN if self.form is Form.ANY else replace(self, form=Form.MAP)

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


_ANYTHING = TypeSchema("any")
_ATOM = Shape(Form.LEAF, _ANYTHING)
_ANY = Shape(Form.ANY, _ANYTHING)
_OPEN = Shape(Form.MAP, _ANYTHING, inner=_ANY)


def shape_of(struct: type[Struct]) -> Shape:
    """The shape of a type."""
    if issubclass(struct, custom.CustomObject):
        return _custom(struct.structural)
    return _struct_shape(struct)


@cache
def _struct_shape(struct: type[Struct]) -> Shape:
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
        return _struct_shape(schema.struct)
    inner = _plain(schema.items) if schema.items is not None else None
    return Shape(Form.MAP if schema.kind == "map" else Form.LEAF, schema, inner=inner)


def _default(struct: type[Struct], key: str) -> Any:
    """What an item's missing key stands for: as declared, else the zero of a field that must be."""
    field = schema_of(struct).fields[key]
    if field.facts.default is not None:
        return field.facts.default
    return _ZERO.get(field.type.kind) if field.facts.required else None


def _custom(schema: Structural | None) -> Shape:
    """The shape of a custom object; with its schema comes and goes what was made of it."""
    if schema is None:
        return Shape(Form.RECORD, _OBJECT, inner=_ANY, fields=_TYPE_META)
    known = schema.compiled.get("shape")
    if known is None:
        known = schema.compiled["shape"] = _structural(schema, free=False, whole=True)
    shape: Shape = known
    return shape


_OBJECT = TypeSchema("map")
_TEXT = Shape(Form.LEAF, TypeSchema("string"))
_TYPE_META = {"apiVersion": _TEXT, "kind": _TEXT, "metadata": _struct_shape(ObjectMeta)}
_LEAVES = {
    "integer": Shape(Form.LEAF, TypeSchema("integer")),
    "number": Shape(Form.LEAF, TypeSchema("number")),
    "boolean": Shape(Form.LEAF, TypeSchema("boolean")),
}


def _structural(schema: Structural, *, free: bool, whole: bool = False) -> Shape:
    """The shape that a schema declares (``kube-openapi/pkg/schemaconv``).

    ``free`` says that something above preserves unknown fields: then all below does.
    """
    free = free or schema.preserve
    if schema.type == "object" or whole:
        return _structural_object(schema, free=free, whole=whole or schema.embedded)
    if schema.type == "array":
        return _structural_list(schema, free=free)
    if schema.type == "string":
        return _TEXT if schema.format in ("", "byte") else _ATOM
    if not schema.type and schema.properties:
        fields = _structural_object(schema, free=free, whole=schema.embedded)
        return replace(fields, form=Form.ANY, schema=_ANYTHING)
    return _LEAVES.get(schema.type, _ANY)


def _structural_object(schema: Structural, *, free: bool, whole: bool) -> Shape:
    form = Form.LEAF if schema.map_type == "atomic" else None
    fields = {name: _structural(s, free=free) for name, s in schema.properties.items()}
    if whole:
        fields |= _TYPE_META
    if schema.values is not None:
        inner: Shape | None = _structural(schema.values, free=free)
    elif schema.additional is not None:
        inner = _ANY if schema.additional else None
    else:
        inner = _ANY if free or not fields else None
    if not fields:
        return Shape(form or Form.MAP, _OBJECT, inner=inner)
    return Shape(form or Form.RECORD, _OBJECT, inner=inner, fields=fields)


def _structural_list(schema: Structural, *, free: bool) -> Shape:
    items = schema.items
    inner = _structural(items, free=free) if items is not None else _ATOM
    if schema.list_type == "set":
        return Shape(Form.SET, _LIST, inner=inner)
    if schema.list_type == "map" and items is not None:
        properties = items.properties
        keys = tuple((n, properties[n].default) for n in schema.list_keys if n in properties)
        return Shape(Form.LIST_MAP, _LIST, inner=inner, keys=keys)
    return Shape(Form.LEAF, _LIST, inner=inner)


_LIST = TypeSchema("array")
