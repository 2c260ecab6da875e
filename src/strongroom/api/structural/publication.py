"""A schema as OpenAPI shows it (``pkg/controller/openapi/builder`` of apiextensions-apiserver).

In version 2 much is left out: clients of that age refuse fields where they find no free-form mark
that they know, and know no junctors.
"""

from __future__ import annotations

from typing import Any, Literal

from strongroom.api.structural.model import Structural, Tree
from strongroom.api.structural.structure import is_int_or_string_all_of, is_int_or_string_any_of

Version = Literal[2, 3]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_API_VERSION = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should "
    "convert recognized schemas to the latest internal value, and may reject unrecognized values. "
    "More info: https://git.k8s.io/community/contributors/devel/sig-architecture/"
    "api-conventions.md#resources"
)
_KIND = (
    "Kind is a string value representing the REST resource this object represents. Servers may "
    "infer this from the endpoint the client submits requests to. Cannot be updated. In "
    "CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/"
    "api-conventions.md#types-kinds"
)
_METADATA = (
    "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/"
    "sig-architecture/api-conventions.md#metadata"
)
_INNER_API_VERSION = (
    "apiVersion defines the versioned schema of this representation of an object. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources"
)
_INNER_KIND = (
    "kind is a string value representing the type of this object. In CamelCase. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/"
    "api-conventions.md#types-kinds"
)
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_BOUNDS = (
    "maximum",
    "minimum",
    "maxLength",
    "minLength",
    "maxItems",
    "minItems",
    "maxProperties",
    "minProperties",
)
_PLAIN = (
    "description",
    "title",
    "externalDocs",
    "example",
    "format",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "enum",
    "maxProperties",
    "minProperties",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-validations",
)


def publish(
    schema: Structural | None, *, version: Version, gvk: tuple[str, str, str] | None = None
) -> Tree:
    """The definition of a custom kind; ``gvk`` marks it with group, version and kind."""
    if schema is None or (version == 2 and schema.preserve):
        # Any property here would keep old clients from sending others.
        out: Tree = {"type": "object"}
    else:
        out = _definition(schema, version)
        properties = {
            **out.get("properties", {}),
            "apiVersion": {"type": "string", "description": _API_VERSION},
            "kind": {"type": "string", "description": _KIND},
            "metadata": _metadata(version),
        }
        out["properties"] = dict(sorted(properties.items()))
    if gvk is not None:
        group, name, kind = gvk
        out["x-kubernetes-group-version-kind"] = [{"group": group, "kind": kind, "version": name}]
    return out


def _metadata(version: Version) -> Tree:
    if version == 2:
        return {"$ref": f"#/definitions/{_META}", "description": _METADATA}
    reference = {"$ref": f"#/components/schemas/{_META}"}
    return {"allOf": [reference], "description": _METADATA}


def _definition(schema: Structural, version: Version) -> Tree:
    out: Tree = {word: value for word in _PLAIN if (value := schema.tree.get(word))}
    # A bound of zero says something, too.
    out |= {word: value for word in _BOUNDS if (value := schema.tree.get(word)) is not None}
    out |= _structure(schema, version)
    if version == 3:
        _add_junctors(schema, out)
    else:
        _simplify(schema, out)
    if schema.embedded and not (version == 2 and schema.preserve):
        _add_type_meta(out, version)
    return out


def _structure(schema: Structural, version: Version) -> Tree:
    out: Tree = {}
    if schema.type:
        out["type"] = schema.type
    if schema.default is not None:
        out["default"] = schema.default
    if schema.required:
        out["required"] = list(schema.required)
    if schema.properties:
        out["properties"] = {n: _definition(s, version) for n, s in schema.properties.items()}
    if schema.items is not None:
        out["items"] = _definition(schema.items, version)
    if schema.values is not None:
        out["additionalProperties"] = _definition(schema.values, version)
    elif schema.additional is not None:
        out["additionalProperties"] = schema.additional
    return out


def _add_junctors(schema: Structural, out: Tree) -> None:
    if schema.nullable:
        out["nullable"] = True
    for word in ("allOf", "anyOf", "oneOf", "not"):
        if schema.tree.get(word):
            out[word] = schema.tree[word]
    told = is_int_or_string_any_of(schema) or is_int_or_string_all_of(schema)
    if schema.int_or_string and not told:
        if "anyOf" not in out:
            out["anyOf"] = _INT_OR_STRING
        else:
            out["allOf"] = [{"anyOf": _INT_OR_STRING}, *out.get("allOf", [])]


def _simplify(schema: Structural, out: Tree) -> None:
    """Leave out what version 2 cannot say without misleading its readers."""
    if schema.nullable or schema.preserve:
        out.pop("items", None)
        out.pop("properties", None)
    if schema.nullable or (schema.preserve and schema.type == "object"):
        out.pop("type", None)
    if "items" not in out and schema.type == "array":
        out.pop("type", None)
    nullable = {name for name, field in schema.properties.items() if field.nullable}
    if schema.values is not None and schema.values.nullable:
        nullable.update(schema.required)
    left = [name for name in schema.required if name not in nullable or "properties" not in out]
    if left:
        out["required"] = left
    else:
        out.pop("required", None)


def _add_type_meta(out: Tree, version: Version) -> None:
    out["properties"] = {
        **out.get("properties", {}),
        "apiVersion": {"type": "string", "description": _INNER_API_VERSION},
        "kind": {"type": "string", "description": _INNER_KIND},
        "metadata": _metadata(version),
    }
    required: list[Any] = out.get("required", [])
    out["required"] = [*required, *(n for n in ("kind", "apiVersion") if n not in required)]
