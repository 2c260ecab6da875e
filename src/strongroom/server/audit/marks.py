"""Where values may stand in the objects of a kind: the marks of its schema, made ready to walk by.

Marked are the fields that a declaration calls ``confidential``; the keys of a ConfigMap that its
annotation ``strongroom.io/sensitive-keys`` lists; fields of custom kinds with ``format: password``;
and what kubectl's annotation repeats of them. Where any JSON may stand, objects of kinds with marks
are looked for by their ``apiVersion`` and ``kind``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from strongroom.api.custom import CustomObject, is_custom
from strongroom.api.meta import ManagedFieldsEntry, Object, ObjectMeta
from strongroom.api.schema import Struct, TypeSchema, schema_of
from strongroom.api.structural import Structural
from strongroom.resources.catalog import CATALOG

PASSWORD = "password"  # noqa: S105 - the name of a format
"""The format by which the schema of a custom kind marks values."""


class Node:
    """What may stand at a place. ``leads`` says that a mark may be there or below."""

    leads: bool = True


class Keep(Node):
    """Nothing that is marked."""

    leads = False


@dataclass(frozen=True, slots=True)
class Hide(Node):
    """A value, or many of them; ``encoded`` in base64."""

    encoded: bool = False


class Free(Node):
    """Any JSON, in which objects may stand."""


class FieldSet(Node):
    """Managed fields, whose names may have values in them."""


class KeptFieldSet(FieldSet):
    """Managed fields of a kind in which no list with values is marked."""

    leads = False


@dataclass(slots=True, eq=False)
class Each(Node):
    """A list, or a map by free keys (``of`` says which)."""

    item: Node
    of: type[Any]
    leads: bool = True


@dataclass(frozen=True, slots=True)
class Listed:
    """Maps of which an annotation of the object lists the marked keys."""

    annotation: str
    fields: Mapping[str, Hide]

    def names_in(self, obj: dict[str, Any]) -> set[str] | None:
        """The marked keys of an object; None for all."""
        metadata = obj.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        text = annotations.get(self.annotation) if isinstance(annotations, dict) else None
        names = {name.strip() for name in text.split(",")} if isinstance(text, str) else set()
        return None if "*" in names else names - {""}


@dataclass(slots=True, eq=False)
class Fields(Node):
    """An object with fields by name; ``rest`` is what stands in those that it does not have."""

    fields: dict[str, Node]
    rest: Node
    leads: bool = True
    listed: Listed | None = None

    def field(self, name: str) -> Node:
        """What may stand in a field."""
        return self.fields.get(name, self.rest)


@dataclass(slots=True, eq=False)
class Annotations(Node):
    """Annotations of an object, one of which may repeat it."""

    owner: Node


@dataclass(slots=True, eq=False)
class LastApplied(Node):
    """The text of an object, as kubectl keeps it in an annotation."""

    owner: Node


KEEP = Keep()
FREE = Free()
FIELD_SET = FieldSet()
KEPT_FIELD_SET = KeptFieldSet()
HIDE_TEXT = Hide()
HIDE_BYTES = Hide(encoded=True)


def node_of(struct: type[Any]) -> Node:
    """The marks of a kind, or of any other type that bodies are of."""
    if is_custom(struct):
        return _custom_root(struct)
    builtin: type[Struct] = struct
    return _root(builtin)


def embedded_node(tree: dict[str, Any]) -> Node:
    """The marks of an object within free JSON; FREE if it is of no kind that has any."""
    kind, version = tree.get("kind"), tree.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        return FREE
    single = kind.removesuffix("List")
    struct = _marked_kinds().get((version, single))
    if struct is None:
        return FREE
    node = _root(struct)
    if single == kind:
        return node
    return Fields({"items": Each(node, list)}, FREE)


@cache
def _marked_kinds() -> dict[tuple[str, str], type[Struct]]:
    """Kinds whose values are looked for in free JSON too."""
    kinds = list(CATALOG.all())
    kinds += [part.other for r in CATALOG.all() for part in r.subresources if part.other]
    return {
        (r.api_version, r.kind): r.type
        for r in kinds
        if _leads(r.type, frozenset(), free=False) or _listed_maps(r.type) is not None
    }


# --- built-in kinds -----------------------------------------------------------------------------


@cache
def _root(struct: type[Struct]) -> Fields:
    """The marks of a built-in type, with those of the annotation that repeats the object."""
    node = _fields(struct)
    if not issubclass(struct, Object):
        return node
    maps = _listed_maps(struct)
    root = Fields(dict(node.fields), HIDE_TEXT, node.leads or maps is not None, maps)
    root.fields["metadata"] = _metadata(root, KEPT_FIELD_SET, leads=root.leads)
    return root


def _listed_maps(struct: type[Struct]) -> Listed | None:
    maps = [one for one in schema_of(struct).fields.values() if one.facts.confidential_by]
    if not maps:
        return None
    return Listed(maps[0].facts.confidential_by or "", {m.name: _hide(m.type) for m in maps})


def _metadata(owner: Node, managed: Node, *, leads: bool) -> Fields:
    fields = dict(_fields(ObjectMeta).fields)
    fields["annotations"] = Annotations(owner)
    entry = Fields(dict(_fields(ManagedFieldsEntry).fields), HIDE_TEXT)
    entry.fields["fieldsV1"] = managed
    fields["managedFields"] = Each(entry, list, managed.leads)
    return Fields(fields, HIDE_TEXT, leads)


_made: dict[type[Struct], Fields] = {}


def _fields(struct: type[Struct]) -> Fields:
    node = _made.get(struct)
    if node is None:
        # Known before its fields are: a type may have fields of its own type.
        node = _made[struct] = Fields({}, HIDE_TEXT, _leads(struct, frozenset()))
        for one in schema_of(struct).fields.values():
            node.fields[one.name] = _hide(one.type) if one.facts.confidential else _typed(one.type)
    return node


def _typed(type_: TypeSchema) -> Node:
    if type_.struct is not None:
        return _fields(type_.struct)
    if type_.items is not None:
        item = _typed(type_.items)
        return Each(item, list if type_.kind == "array" else dict, item.leads)
    return FREE if type_.kind == "any" else KEEP


def _hide(type_: TypeSchema) -> Hide:
    if type_.items is not None:
        return _hide(type_.items)
    return HIDE_BYTES if type_.kind == "bytes" else HIDE_TEXT


def _leads(struct: type[Struct], above: frozenset[type[Struct]], *, free: bool = True) -> bool:
    """Whether a type has a marked field somewhere, or one of any JSON (if ``free``)."""
    if struct is ManagedFieldsEntry or struct in above:
        return False
    for one in schema_of(struct).fields.values():
        type_: TypeSchema = one.type
        while type_.items is not None:
            type_ = type_.items
        if one.facts.confidential or (free and type_.kind == "any"):
            return True
        if type_.struct is not None and _leads(type_.struct, above | {struct}, free=free):
            return True
    return False


# --- custom kinds -------------------------------------------------------------------------------


def _custom_root(struct: type[CustomObject]) -> Fields:
    """The marks of a custom kind: kept with its schema, and forgotten with it."""
    schema = struct.structural
    if schema is None:
        return _with_metadata(Fields({}, FREE))
    known = schema.compiled.get("audit")
    if known is None:
        node = _structural(schema)
        whole = node if isinstance(node, Fields) else Fields({}, node, node.leads)
        known = schema.compiled["audit"] = _with_metadata(whole)
    root: Fields = known
    return root


def _with_metadata(node: Fields) -> Fields:
    root = Fields({**node.fields, "apiVersion": KEEP, "kind": KEEP}, node.rest, node.leads)
    root.fields["metadata"] = _metadata(root, FIELD_SET, leads=root.leads)
    return root


def _structural(schema: Structural) -> Node:
    if _is_password(schema):
        return HIDE_TEXT
    if schema.items is not None:
        item = _structural(schema.items)
        return Each(item, list, item.leads)
    values = schema.values
    free = schema.preserve or schema.additional is True
    rest: Node = _structural(values) if values is not None else FREE if free else HIDE_TEXT
    if not schema.properties:
        if values is not None:
            return Each(rest, dict, rest.leads)
        if free:
            return FREE
        return Fields({}, HIDE_TEXT, leads=False) if schema.type == "object" else KEEP
    fields = {name: _structural(inner) for name, inner in schema.properties.items()}
    if schema.embedded:
        fields = {"apiVersion": KEEP, "kind": KEEP, "metadata": FREE, **fields}
    leads = any(node.leads for node in fields.values()) or (rest is not HIDE_TEXT and rest.leads)
    return Fields(fields, rest, leads)


def _is_password(schema: Structural) -> bool:
    alternatives = (*schema.all_of, *schema.any_of, *schema.one_of)
    return schema.format == PASSWORD or any(_is_password(inner) for inner in alternatives)
