"""The declaration language of kinds: one typed Struct, from which every wire form is derived.

A wire type is a :class:`Struct` whose attributes bear Kubernetes' own JSON names. Each field says,
through :func:`F`, its protobuf number, its meaning, and how patches and apply merge it::

    class KeyToPath(Struct):
        key: Annotated[str, F(1, "The key to project.")] = ""
        mode: Annotated[int | None, F(3, "Mode bits of the file.", format="int32")] = None

The defaults follow Go, because the wire does: a plain ``str``, ``int``, ``bool``, ``list`` or
``dict`` defaults to its zero value and is left out of the output while it has it (``omitempty``);
``T | None`` is Go's pointer, where unset and zero differ; a nested Struct that Go embeds by value
(``spec``, ``status``) is a ``msgspec.field(default_factory=...)`` and always written.
A JSON ``null`` means unset and never reaches a Struct: the codec strips it.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import msgspec

ListType = Literal["atomic", "set", "map"]
PatchStrategy = Literal["merge", "replace", "retainKeys", "merge,retainKeys"]
Kind = Literal["string", "integer", "number", "boolean", "bytes", "struct", "array", "map", "any"]


class Struct(msgspec.Struct, omit_defaults=True):
    """Base of every wire type. Its repr names the type only: objects may hold values.

    A type that is ``owned_whole`` has one owner in server-side apply, not one for each field.
    """

    owned_whole: ClassVar[bool] = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What :func:`F` says about a field beyond its Python type."""

    number: int
    list_type: ListType | None = None
    list_keys: tuple[str, ...] = ()
    merge_key: str | None = None
    patch: PatchStrategy | None = None
    format: str | None = None
    enum: tuple[str, ...] = ()
    required: bool = False
    atomic: bool = False
    granular: bool = False
    micro: bool = False
    confidential: bool = False
    confidential_by: str | None = None
    write_only: bool = False
    within: tuple[int, ...] = ()
    by_value: bool = False
    wrapped: bool = False
    refers: str | None = None
    default: str | None = None


def F(number: int, description: str, **facts: Any) -> msgspec.Meta:  # noqa: N802 - reads as a noun
    """Declare a field: its protobuf number, its meaning in a sentence or two, and its facts.

    ``list_type``, ``list_keys``, ``atomic`` and ``granular`` (what a map is anyway, said where
    upstream says it) are server-side apply's; ``patch`` and ``merge_key`` strategic merge patch's;
    ``format`` and ``enum`` OpenAPI's; ``required`` marks what upstream's schema lists as required;
    ``confidential`` marks values that logs and audit never show; ``confidential_by`` names the
    annotation in which an object lists the keys of the map whose values are such.
    ``within`` is the number of the message that holds the field in protobuf where Go inlines a
    struct, so that JSON has no such level (a tuple of numbers for structs in structs);
    ``by_value`` marks a time, quantity or free-form value that Go holds without a pointer, so that
    protobuf has it even when it is unset; ``wrapped`` a list that protobuf holds in a message of
    its own. ``refers`` names the kind whose name the field holds. ``default`` is what the
    published schema says a missing field means.

    Formats that the codec acts on: ``int32`` and ``int64`` bound a number; ``date-time`` is a
    Time (with ``micro=True`` a MicroTime, which keeps its fraction); ``quantity`` is a string
    that may also arrive as a number. A format of a list or map is that of its items. Of a field
    that holds any JSON it is the name of the definition that is published for it.
    """
    return msgspec.Meta(
        description=description, extra={"field": FieldFacts(number=number, **_spread(facts))}
    )


def _spread(facts: dict[str, Any]) -> dict[str, Any]:
    within = facts.get("within")
    return facts | {"within": (within,)} if isinstance(within, int) else facts


def always(factory: Callable[[], Any]) -> Any:
    """The default of a field that is on the wire even when it is empty (no ``omitempty`` in Go).

    ``factory`` makes the value: ``always(str)``, ``always(list)``, ``always(lambda: "Table")``.
    """
    # msgspec leaves out empty lists and maps when it knows the factory; it never knows this one.
    return msgspec.field(default_factory=lambda: factory())  # noqa: PLW0108 - hides the factory


@dataclass(frozen=True, slots=True)
class TypeSchema:
    """A field's or item's type: ``struct`` names its class, ``array`` and ``map`` their items."""

    kind: Kind
    struct: type[Struct] | None = None
    items: TypeSchema | None = None
    format: str | None = None
    int_or_string: bool = False


AnyStruct = type[Struct]


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One declared field, as every derivation (OpenAPI, protobuf, patches, apply) reads it."""

    name: str
    attribute: str
    description: str
    type: TypeSchema
    nullable: bool
    facts: FieldFacts
    owner: AnyStruct
    """The type that declares the field."""


@dataclass(frozen=True, slots=True)
class StructSchema:
    """A wire type: its name, what it is for, and its fields by JSON name in declared order."""

    name: str
    description: str
    fields: dict[str, FieldSchema]
    atomic: bool = False


@cache
def schema_of(struct: type[Struct]) -> StructSchema:
    """The schema that a Struct declares. Raises TypeError for a type that has no wire form."""
    fields = {}
    for info in msgspec.structs.fields(struct):
        inner, meta = _unwrap(info.type)
        facts = (meta.extra or {}).get("field") if meta else None
        if meta is None or not isinstance(facts, FieldFacts):
            raise TypeError(f"{struct.__name__}.{info.name} is not declared with F(...)")
        type_schema, nullable = _type_schema(inner, facts.format)
        fields[info.encode_name] = FieldSchema(
            name=info.encode_name,
            attribute=info.name,
            description=meta.description or "",
            type=type_schema,
            nullable=nullable,
            facts=facts,
            owner=struct,
        )
    description = inspect.cleandoc(struct.__doc__ or "")
    return StructSchema(struct.__name__, description, fields, struct.owned_whole)


def _unwrap(annotation: Any) -> tuple[Any, msgspec.Meta | None]:
    if get_origin(annotation) is Annotated:
        inner, *metas = get_args(annotation)
        return inner, next((m for m in metas if isinstance(m, msgspec.Meta)), None)
    return annotation, None


_SCALARS: dict[Any, Kind] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "bytes",
    Any: "any",
    msgspec.Raw: "any",
}


def _type_schema(annotation: Any, format_: str | None) -> tuple[TypeSchema, bool]:
    annotation, _ = _unwrap(annotation)
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        members = [a for a in get_args(annotation) if a is not type(None)]
        nullable = len(members) < len(get_args(annotation))
        if {int, str} <= set(members):
            return TypeSchema("string", format=format_, int_or_string=True), nullable
        if set(members) == {int, float}:
            # Go has one type of numbers here; we keep how they were written.
            return TypeSchema("number", format=format_), nullable
        if len(members) == 1:
            return _type_schema(members[0], format_)[0], nullable
    if annotation in _SCALARS:
        return TypeSchema(_SCALARS[annotation], format=format_), False
    if origin is list:
        return TypeSchema("array", items=_type_schema(get_args(annotation)[0], format_)[0]), False
    if origin is dict:
        return TypeSchema("map", items=_type_schema(get_args(annotation)[1], format_)[0]), False
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return TypeSchema("struct", struct=annotation), False
    raise TypeError(f"{annotation!r} has no wire form")
