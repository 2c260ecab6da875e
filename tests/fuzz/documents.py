"""Our OpenAPI documents, narrowed so that what is made from them gets far.

The documents stay ours: no path, operation or answer is added. What is narrowed: names are a few,
so that requests meet the objects of others; kinds and versions are those of the path, without which
nothing gets past decoding; a patch is one of the kind, where the document says only "object"; a
Secret's values are the marker. And since our documents, like upstream's, name no answer but success
and 401, it is said here that any refusal is a Status.
"""

from __future__ import annotations

import copy
from typing import Any

from tests.e2e.marked import MARK, MARK64

Tree = dict[str, Any]

NAMESPACES = ("fuzz",)
_NAME = "a"
_REFUSALS = ("400", "403", "404", "405", "406", "409", "410", "413", "415", "422", "429", "504")
_STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_REFERENCE = "#/components/schemas/"
_SENT = "sent."
_METHODS = ("get", "post", "put", "patch", "delete")

# What would stand in the way of all requests after it is only tried, not done.
_TRIED = (
    "/apis/admissionregistration.k8s.io/",
    "/apis/apiextensions.k8s.io/",
    "/api/v1/namespaces/{name}",
    "/resourcequotas",
    "/limitranges",
)
# Answers to these have no end, or take the time that they are told.
_ENDLESS = ("watch", "follow", "timeoutSeconds", "sendInitialEvents")


def one_of(*values: str) -> Tree:
    """The schema of a text that is one of these."""
    return {"type": "string", "enum": list(values)}


_QUERY: Tree = {
    "dryRun": one_of("All"),
    "fieldManager": one_of("m1", "m2"),
    "fieldValidation": one_of("Strict", "Warn", "Ignore"),
    "labelSelector": one_of("app", "app=x", "app!=x", "app in (x,y),!tier", "app=x,"),
    "fieldSelector": one_of("metadata.name=a", "metadata.namespace!=fuzz", "type=Opaque", "a=b"),
    "resourceVersion": one_of("", "0", "1", "3"),
    "resourceVersionMatch": one_of("Exact", "NotOlderThan"),
    "propagationPolicy": one_of("Orphan", "Background", "Foreground"),
    "continue": one_of("", "x", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0"),
}
_JSON_PATCH: Tree = {
    "type": "array",
    "maxItems": 4,
    "items": {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": {
                "enum": ["/metadata/labels", "/metadata", "/data/a", "/spec", "/spec/x/-", ""]
            },
            "from": {"enum": ["/metadata/labels", "/spec", "/none"]},
            "value": {},
        },
    },
}


def narrowed(document: Tree, *, status: Tree) -> Tree:
    """A document to make requests from; ``status`` is the schema of a Status and what it needs."""
    out = copy.deepcopy(document)
    schemas = out["components"]["schemas"]
    schemas |= {name: schema for name, schema in status.items() if name not in schemas}
    # What is sent is narrowed, not what comes back.
    sent = {_SENT + name: _renamed(schema) for name, schema in schemas.items()}
    _narrow_schemas(sent)
    schemas |= sent
    for path, item in out["paths"].items():
        for parameter in item.get("parameters", ()):
            names = NAMESPACES if parameter["name"] == "namespace" else (_NAME,)
            parameter["schema"] = one_of(*names)
        for method in _METHODS:
            if method in item:
                _narrow_operation(path, item[method], schemas)
        if "delete" in item and "get" in item:
            _allow_object(item["delete"], item["get"])
    return out


def only(document: Tree, plurals: tuple[str, ...]) -> Tree:
    """A document of some kinds only, with the schemas that these need."""
    kept = {p: p.replace("/namespaces/{namespace}/", "/").split("/") for p in document["paths"]}
    paths = {p: document["paths"][p] for p, parts in kept.items() if {*parts} & {*plurals}}
    schemas, needed = document["components"]["schemas"], {}
    todo = sorted(_references(paths))
    while todo:
        name = todo.pop().removeprefix(_REFERENCE)
        if name not in needed:
            needed[name] = schemas[name]
            todo += _references(schemas[name])
    return {**document, "paths": paths, "components": {"schemas": needed}}


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(_references, node.values()))
    return set().union(*map(_references, node)) if isinstance(node, list) else set()


def status_schemas(document: Tree) -> Tree:
    """A Status and what it is made of, out of a document that has it."""
    schemas = document["components"]["schemas"]
    return {name: schema for name, schema in schemas.items() if name.startswith(_STATUS[:39])}


def _renamed(node: Any) -> Any:
    """A schema that refers to schemas of what is sent."""
    if isinstance(node, list):
        return [_renamed(one) for one in node]
    if not isinstance(node, dict):
        return node
    out = {name: _renamed(value) for name, value in node.items()}
    if isinstance(out.get("$ref"), str):
        out["$ref"] = out["$ref"].replace(_REFERENCE, _REFERENCE + _SENT)
    return out


def _narrow_schemas(schemas: Tree) -> None:
    if _SENT + _META in schemas:
        known = schemas[_SENT + _META]["properties"]
        # With one of the others (uid, resourceVersion …) most requests would end at the first look.
        fields = {name: known[name] for name in ("annotations", "creationTimestamp", "generation")}
        words = {"type": "object", "propertyNames": {"enum": ["app", "example.com/tier"]}}
        schemas[_SENT + _META] |= {
            "properties": fields
            | {
                "name": one_of(_NAME),
                "namespace": one_of(NAMESPACES[0]),
                "labels": words | {"additionalProperties": one_of("", "x", "y")},
                "annotations": words | {"additionalProperties": {"type": "string"}},
                "finalizers": {"type": "array", "maxItems": 2, "items": one_of("example.com/stay")},
            },
            "required": ["name"],
            "additionalProperties": False,
        }
    secret = schemas.get(_SENT + "io.k8s.api.core.v1.Secret")
    if secret is not None:
        values = secret["properties"]
        values["data"]["additionalProperties"] = one_of(MARK64, "")
        values["stringData"]["additionalProperties"] = one_of(MARK)
    options = schemas.get(_SENT + "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions")
    if options is not None:
        options["properties"] |= {
            "apiVersion": one_of("v1"),
            "kind": one_of("DeleteOptions"),
            "dryRun": {"type": "array", "items": one_of("All"), "maxItems": 1},
            "propagationPolicy": one_of("Orphan", "Background", "Foreground"),
        }


def _narrow_operation(path: str, operation: Tree, schemas: Tree) -> None:
    gvk = operation.get("x-kubernetes-group-version-kind", {})
    told = [p for p in operation.get("parameters", ()) if p["name"] not in _ENDLESS]
    for parameter in told:
        parameter["schema"] = _QUERY.get(parameter["name"], parameter["schema"])
    _require(told, "dryRun", any(part in path for part in _TRIED))
    _require(told, "fieldManager", operation.get("x-kubernetes-action") == "patch")
    if "parameters" in operation:
        operation["parameters"] = told
    _narrow_body(operation, gvk, schemas)
    refusal = {"$ref": _REFERENCE + _STATUS}
    for code in _REFUSALS:
        content = {"application/json": {"schema": refusal}, "application/yaml": {"schema": refusal}}
        operation["responses"][code] = {"description": "Refused", "content": content}


def _allow_object(delete: Tree, get: Tree) -> None:
    """Of an object that a finalizer keeps, a delete answers the object instead of a Status.

    Upstream's documents do not say so either.
    """
    shown = get["responses"]["200"]["content"]
    for code in ("200", "202"):
        contents = delete["responses"].get(code, {}).get("content", {})
        for media_type, content in contents.items():
            content["schema"] = {"anyOf": [content["schema"], shown[media_type]["schema"]]}


def _require(parameters: list[Tree], name: str, required: bool) -> None:
    for parameter in parameters:
        if parameter["name"] == name:
            parameter["required"] = required


def _narrow_body(operation: Tree, gvk: Tree, schemas: Tree) -> None:
    contents = operation.get("requestBody", {}).get("content", {})
    version = "/".join(filter(None, (gvk.get("group"), gvk.get("version"))))
    shape = {
        "properties": {
            "apiVersion": one_of(version),
            "kind": one_of(str(gvk.get("kind"))),
        },
        "required": ["apiVersion", "kind", "metadata"],
    }
    known = operation["responses"]["200"].get("content", {}).get("application/json", {})
    for media_type, content in contents.items():
        schema = content["schema"]
        if operation.get("x-kubernetes-action") == "patch":
            schema = known.get("schema", schema)
        if "json-patch" in media_type:
            content["schema"] = _JSON_PATCH
        elif "$ref" in schema and not schema["$ref"].endswith("DeleteOptions"):
            name = _SENT + schema["$ref"].removeprefix(_REFERENCE)
            content["schema"] = _merged(schemas[name], shape)


def _merged(schema: Tree, shape: Tree) -> Tree:
    """A schema whose fields of that name are those of the shape."""
    fields = {**schema.get("properties", {}), **shape["properties"]}
    required = sorted({*schema.get("required", ()), *shape["required"]} & set(fields))
    return {**schema, "properties": fields, "required": required}
