"""OpenAPI definitions of the declared types: v2 ``definitions`` and v3 ``components.schemas``.

``kubectl explain``, client-side validation and code generators read these, so names and extensions
are upstream's: ``io.k8s.api.core.v1.Secret``, ``x-kubernetes-group-version-kind`` and so on. A
type's package follows from its module: those of ``strongroom.api`` are apimachinery's, others are
core's unless the module says otherwise in ``API_PACKAGE``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from strongroom.api.custom import CustomObject
from strongroom.api.discovery import Info
from strongroom.api.errors import Status
from strongroom.api.meta import DeleteOptions, ListMeta, ObjectMeta
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of
from strongroom.api.structural import Structural, publish

Definition = dict[str, Any]
Version = Literal[2, 3]

META_V1 = "io.k8s.apimachinery.pkg.apis.meta.v1"
CORE_V1 = "io.k8s.api.core.v1"
APIEXTENSIONS_V1 = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
RAW = "io.k8s.apimachinery.pkg.runtime.RawExtension"
TIME, MICRO_TIME = f"{META_V1}.Time", f"{META_V1}.MicroTime"
FIELDS_V1, PATCH, WATCH_EVENT = f"{META_V1}.FieldsV1", f"{META_V1}.Patch", f"{META_V1}.WatchEvent"

_ROOTS: dict[Version, str] = {2: "#/definitions/", 3: "#/components/schemas/"}
_ZERO = {"string": "", "integer": 0, "number": 0, "boolean": False}


@dataclass(frozen=True, slots=True)
class ServedKind:
    """A kind of the API and the type that declares it; its List, if there is one, comes with it."""

    group: str
    version: str
    kind: str
    struct: type[Struct]
    listed: bool = True
    list_kind: str = ""
    """Kind of its List, if it is not the kind with ``List`` appended."""

    @property
    def plural_kind(self) -> str:
        """The kind of its List."""
        return self.list_kind or f"{self.kind}List"


def definitions(
    kinds: Iterable[ServedKind], also: Iterable[type[Struct]] = (), *, version: Version = 3
) -> dict[str, Definition]:
    """All definitions that the kinds, their Lists and ``also`` need, by name, sorted.

    The types of every API are always there: Status, DeleteOptions, Patch, WatchEvent.
    """
    book = _Book(version)
    served = tuple(kinds)
    for kind in served:
        book.add_kind(kind)
    for struct in also:
        book.add(struct)
    groups = sorted({(kind.group, kind.version) for kind in served} | {("", "v1")})
    options = book.definition(DeleteOptions)
    options["x-kubernetes-group-version-kind"] = [
        _gvk(group, version_, "DeleteOptions") for group, version_ in groups
    ]
    book.definition(Status)["x-kubernetes-group-version-kind"] = [_gvk("", "v1", "Status")]
    book.add_well_known(groups)
    return dict(sorted(book.entries.items()))


def definition_name(struct: type[Struct]) -> str:
    """The name of a type's definition, such as ``io.k8s.api.core.v1.Secret``."""
    if struct is Info:
        return "io.k8s.apimachinery.pkg.version.Info"
    if issubclass(struct, CustomObject):
        group, _, version = struct.api_version.partition("/")
        return ".".join([*reversed(group.split(".")), version, struct.kind_name])
    module = sys.modules[struct.__module__]
    package = getattr(module, "API_PACKAGE", None)
    if package is None:
        package = META_V1 if module.__name__.startswith("strongroom.api.") else CORE_V1
    return f"{package}.{struct.__name__}"


def list_name(name: str, list_kind: str = "") -> str:
    """The name of the definition of a kind's List, from the name of the kind's own."""
    package, _, kind = name.rpartition(".")
    return f"{package}.{list_kind or f'{kind}List'}"


def reference(name: str, version: Version = 3) -> dict[str, str]:
    """A ``$ref`` to a definition."""
    return {"$ref": _ROOTS[version] + name}


class _Book:
    """Definitions under construction."""

    def __init__(self, version: Version) -> None:
        self.version: Version = version
        self.entries: dict[str, Definition] = {}

    def add_kind(self, kind: ServedKind) -> None:
        name = definition_name(kind.struct)
        if issubclass(kind.struct, CustomObject):
            self._add_custom(kind, name, kind.struct.structural)
        else:
            gvk = _gvk(kind.group, kind.version, kind.kind)
            self.definition(kind.struct)["x-kubernetes-group-version-kind"] = [gvk]
        if kind.listed:
            self.entries[list_name(name, kind.list_kind)] = self._list(kind, name)

    def _add_custom(self, kind: ServedKind, name: str, schema: Structural | None) -> None:
        """A custom kind tells of itself by its schema; only its metadata is as everybody's."""
        self.add(ObjectMeta)
        gvk = (kind.group, kind.version, kind.kind)
        self.entries[name] = publish(schema, version=self.version, gvk=gvk)

    def definition(self, struct: type[Struct]) -> Definition:
        """The definition of a type, which is made with all that it needs at the first call."""
        self.add(struct)
        return self.entries[definition_name(struct)]

    def add(self, struct: type[Struct]) -> None:
        name = definition_name(struct)
        if name in self.entries:
            return
        schema = schema_of(struct)
        entry: Definition = {"type": "object", "description": schema.description}
        # Entered before its fields, because a type may contain itself.
        self.entries[name] = entry
        if schema.fields:
            entry["properties"] = {
                field.name: self._property(field) for field in schema.fields.values()
            }
        if required := sorted(f.name for f in schema.fields.values() if f.facts.required):
            entry["required"] = required
        if schema.atomic:
            entry["x-kubernetes-map-type"] = "atomic"

    def _list(self, kind: ServedKind, name: str) -> Definition:
        properties = {
            "apiVersion": {"type": "string", "description": "Group and version of the schema."},
            "items": {
                "type": "array",
                "description": f"The {kind.kind} objects.",
                "items": self._described(reference(name, self.version), default={}),
            },
            "kind": {"type": "string", "description": f"{kind.plural_kind}."},
            "metadata": self._described(
                self._struct(ListMeta), description="Standard list metadata.", default={}
            ),
        }
        return {
            "type": "object",
            "description": f"A list of {kind.kind} objects.",
            "properties": properties,
            "required": ["items"],
            "x-kubernetes-group-version-kind": [_gvk(kind.group, kind.version, kind.plural_kind)],
        }

    def _property(self, field: FieldSchema) -> Definition:
        facts = field.facts
        shape = self._shape(field.type, micro=facts.micro)
        if field.type.kind == "any":
            shape = self._known(FIELDS_V1 if field.name == "fieldsV1" else field.type.format or RAW)
        default: Any = facts.default
        if field.type.kind == "struct" and not field.nullable:
            default = {}
        elif facts.required and "$ref" not in shape:
            default = _ZERO.get(field.type.kind)
        out = self._described(shape, description=field.description, default=default)
        if facts.enum and self.version == 3:
            # The v2 document of upstream knows no enumerations.
            out.get("items", out)["enum"] = sorted(facts.enum)
        if facts.list_type:
            out["x-kubernetes-list-type"] = facts.list_type
        if facts.list_keys:
            out["x-kubernetes-list-map-keys"] = list(facts.list_keys)
        if facts.atomic or facts.granular:
            out["x-kubernetes-map-type"] = "atomic" if facts.atomic else "granular"
        if facts.patch:
            out["x-kubernetes-patch-strategy"] = facts.patch
        if facts.merge_key:
            out["x-kubernetes-patch-merge-key"] = facts.merge_key
        return out

    def _shape(self, type_: TypeSchema, *, micro: bool = False) -> Definition:
        if type_.struct is not None:
            return self._struct(type_.struct)
        if type_.int_or_string:
            return self._known(INT_OR_STRING)
        if type_.items is not None:
            items = self._shape(type_.items)
            zero = _ZERO.get(type_.items.kind) if "$ref" not in items else None
            items = self._described(items, default={} if type_.items.struct else zero)
            key = "items" if type_.kind == "array" else "additionalProperties"
            return {"type": "array" if type_.kind == "array" else "object", key: items}
        if type_.kind == "any" and type_.format:
            return self._known(type_.format)
        if type_.format == "quantity":
            return self._known(QUANTITY)
        if type_.format == "date-time":
            return self._known(MICRO_TIME if micro else TIME)
        return _scalar(type_)

    def _struct(self, struct: type[Struct]) -> Definition:
        self.add(struct)
        return reference(definition_name(struct), self.version)

    def _known(self, name: str) -> Definition:
        self.entries.setdefault(name, _KNOWN[self.version][name])
        return reference(name, self.version)

    def add_well_known(self, groups: list[tuple[str, str]]) -> None:
        """The types that are not Structs of ours."""
        what = {"type": "string", "description": "ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."}
        which = "The object as it is, or was; a Status for ERROR."
        self.entries[WATCH_EVENT] = {
            "type": "object",
            "description": "One change, as a watch tells it.",
            "properties": {
                "type": what,
                "object": self._described(self._known(RAW), description=which),
            },
            "required": ["type", "object"],
            "x-kubernetes-group-version-kind": [
                _gvk(group, version, "WatchEvent") for group, version in groups
            ],
        }
        self.entries[PATCH] = {
            "type": "object",
            "description": "A patch, whose form the media type tells.",
        }

    def _described(
        self, shape: Definition, *, description: str = "", default: Any = None
    ) -> Definition:
        """A shape with what stands beside it; v3 forbids siblings of a ``$ref``."""
        extra: Definition = {"description": description} if description else {}
        if self.version == 3 and default is not None:
            extra["default"] = default
        if not extra:
            return dict(shape)
        if self.version == 3 and "$ref" in shape:
            return {"allOf": [shape], **extra}
        return {**shape, **extra}


def _scalar(type_: TypeSchema) -> Definition:
    if type_.kind == "bytes":
        return {"type": "string", "format": "byte"}
    if type_.kind == "number":
        return {"type": "number", "format": type_.format or "double"}
    if type_.kind == "any":
        return {"type": "object"}
    return {"type": type_.kind} | ({"format": type_.format} if type_.format else {})


def _gvk(group: str, version: str, kind: str) -> dict[str, str]:
    return {"group": group, "version": version, "kind": kind}


_QUANTITY_TEXT = "An amount with a unit, such as 100m, 1.5 or 64Mi."
_IOS_TEXT = "An integer, or a text such as a name or a percentage."
_COMMON: dict[str, Definition] = {
    TIME: {
        "type": "string",
        "format": "date-time",
        "description": "A point in time in whole seconds, in the form of RFC 3339.",
    },
    MICRO_TIME: {
        "type": "string",
        "format": "date-time",
        "description": "A point in time in microseconds, in the form of RFC 3339.",
    },
    FIELDS_V1: {
        "type": "object",
        "description": "A set of fields as a tree, each prefixed by f:, k:, v: or i:.",
    },
    RAW: {"type": "object", "description": "Any object."},
    f"{APIEXTENSIONS_V1}.JSON": {"description": "Any value."},
    f"{APIEXTENSIONS_V1}.JSONSchemaPropsOrArray": {"description": "A schema, or a list of them."},
    f"{APIEXTENSIONS_V1}.JSONSchemaPropsOrBool": {"description": "A schema, or true or false."},
    f"{APIEXTENSIONS_V1}.JSONSchemaPropsOrStringArray": {
        "description": "A schema, or a list of names."
    },
}
_KNOWN: dict[Version, dict[str, Definition]] = {
    2: {
        **_COMMON,
        QUANTITY: {"type": "string", "description": _QUANTITY_TEXT},
        INT_OR_STRING: {"type": "string", "format": "int-or-string", "description": _IOS_TEXT},
    },
    3: {
        **_COMMON,
        QUANTITY: {
            "oneOf": [{"type": "string"}, {"type": "number"}],
            "description": _QUANTITY_TEXT,
        },
        INT_OR_STRING: {
            "oneOf": [{"type": "integer"}, {"type": "string"}],
            "format": "int-or-string",
            "description": _IOS_TEXT,
        },
    },
}
