"""OpenAPI definitions: their shape in both versions, and the real kinds against upstream's."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest

from strongroom.api import openapi
from strongroom.api.discovery import Info
from strongroom.api.meta import DeleteOptions, ObjectMeta
from strongroom.api.openapi import ServedKind, definition_name, definitions
from strongroom.resources.catalog import CATALOG
from strongroom.resources.lease import Lease
from strongroom.resources.secret import Secret
from tests.api.samples import Thing

KINDS = [
    ServedKind(r.group, r.version, r.kind, r.type, listed="list" in r.verbs) for r in CATALOG.all()
]
# Those that Kubernetes has too; what both have alike is held against its own documents.
UPSTREAM = [kind for kind in KINDS if not kind.group.startswith("strongroom.")]
THING = ServedKind("things.example.com", "v1", "Thing", Thing)
SPEC, PART = (f"{openapi.CORE_V1}.{name}" for name in ("Spec", "Part"))


def test_names_follow_the_module() -> None:
    assert definition_name(Secret) == "io.k8s.api.core.v1.Secret"
    assert definition_name(Lease) == "io.k8s.api.coordination.v1.Lease"
    assert definition_name(ObjectMeta) == "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    assert definition_name(Info) == "io.k8s.apimachinery.pkg.version.Info"


def test_fields_in_v3() -> None:
    book = definitions([THING])
    spec = book[SPEC]["properties"]
    part = {"$ref": f"#/components/schemas/{PART}"}
    assert spec["size"] == {"type": "integer", "format": "int64", "description": "How large."}
    assert spec["ready"] == {
        "type": "boolean",
        "description": "Always on the wire.",
        "default": False,
    }
    assert spec["mode"]["enum"] == ["Fast", "Slow"]
    assert spec["parts"] == {
        "type": "array",
        "items": {"allOf": [part], "default": {}},
        "description": "Merged by name.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": "name",
    }
    assert spec["words"]["items"] == {"type": "string", "default": ""}
    assert spec["whole"] == {
        "allOf": [part],
        "description": "Replaced as a whole.",
        "x-kubernetes-patch-strategy": "replace",
    }
    assert spec["amounts"]["additionalProperties"] == openapi.reference(openapi.QUANTITY)
    assert spec["since"]["allOf"] == [openapi.reference(openapi.TIME)]
    assert spec["exactly"]["allOf"] == [openapi.reference(openapi.MICRO_TIME)]
    assert spec["free"]["allOf"] == [openapi.reference(openapi.RAW)]
    assert book[SPEC]["required"] == ["ready"]
    assert book[PART]["properties"]["port"]["allOf"] == [openapi.reference(openapi.INT_OR_STRING)]
    thing = book[f"{openapi.CORE_V1}.Thing"]
    assert thing["description"] == "A kind that has everything."
    assert thing["properties"]["spec"]["default"] == {}
    assert thing["properties"]["data"]["additionalProperties"] == {
        "type": "string",
        "format": "byte",
    }


def test_fields_in_v2_have_neither_defaults_nor_enumerations() -> None:
    book = definitions([THING], version=2)
    spec = book[SPEC]["properties"]
    assert spec["parts"]["items"] == {"$ref": f"#/definitions/{PART}"}
    assert spec["whole"]["$ref"] == f"#/definitions/{PART}"
    assert spec["ready"] == {"type": "boolean", "description": "Always on the wire."}
    assert "enum" not in spec["mode"]
    assert book[openapi.INT_OR_STRING]["format"] == "int-or-string"
    assert book[openapi.QUANTITY]["type"] == "string"


def test_kinds_and_their_lists_say_what_they_are() -> None:
    book = definitions([THING])
    group = {"group": "things.example.com", "version": "v1"}
    thing, things = book[f"{openapi.CORE_V1}.Thing"], book[f"{openapi.CORE_V1}.ThingList"]
    assert thing["x-kubernetes-group-version-kind"] == [{**group, "kind": "Thing"}]
    assert things["x-kubernetes-group-version-kind"] == [{**group, "kind": "ThingList"}]
    assert things["required"] == ["items"]
    options = book[definition_name(DeleteOptions)]["x-kubernetes-group-version-kind"]
    assert options == [
        {"group": "", "version": "v1", "kind": "DeleteOptions"},
        {**group, "kind": "DeleteOptions"},
    ]
    assert openapi.WATCH_EVENT in book
    assert openapi.PATCH in book


def test_types_that_are_no_kinds_are_described_when_asked_for() -> None:
    book = definitions([], [Info])
    assert "x-kubernetes-group-version-kind" not in book[definition_name(Info)]
    assert "gitVersion" in book[definition_name(Info)]["required"]


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        # A schema of schemas (in CustomResourceDefinition) has a field of that name.
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


@pytest.mark.parametrize(("version", "root"), [(2, "#/definitions/"), (3, "#/components/schemas/")])
def test_every_reference_leads_somewhere(version: openapi.Version, root: str) -> None:
    book = definitions(KINDS, version=version)
    assert references(book) <= {root + name for name in book}
    assert list(book) == sorted(book)
    # What is asked for again is made again: nobody's changes reach another document.
    assert definitions(KINDS, version=version) == book


@pytest.fixture(scope="module")
def upstream() -> dict[str, Any]:
    """The definitions of Kubernetes 1.37, as the package kubernetes-validate carries them."""
    folder = resources.files("kubernetes_validate") / "kubernetes-json-schema" / "v1.37.0-local"
    text = (folder / "_definitions.json").read_text()
    found: dict[str, Any] = json.loads(text)["$defs"]
    return found


FACTS = (
    "format",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-patch-strategy",
    "x-kubernetes-patch-merge-key",
    "x-kubernetes-map-type",
)


def facts(schema: dict[str, Any]) -> dict[str, Any]:
    """What both documents tell of a field; the other one allows null beside every type."""
    types = schema.get("type")
    type_ = next((t for t in types if t != "null"), None) if isinstance(types, list) else types
    told = {name: schema[name] for name in FACTS if name in schema}
    if "$ref" in schema:
        told["ref"] = schema["$ref"].rsplit("/", 1)[1]
    for member in ("items", "additionalProperties"):
        if member in schema:
            told[member] = facts(schema[member])
    return {"type": type_, **told}


def test_definitions_are_upstreams(upstream: dict[str, Any]) -> None:
    differences = []
    for name, ours in definitions(UPSTREAM, version=2).items():
        theirs = upstream[name]
        for field, schema in ours.get("properties", {}).items():
            expected = theirs.get("properties", {}).get(field)
            if expected is None or facts(schema) != facts(expected):
                differences.append(f"{name} {field}")
    assert differences == []


def test_kinds_are_upstreams(upstream: dict[str, Any]) -> None:
    book = definitions(UPSTREAM, version=2)
    for kind in UPSTREAM:
        lists = (f"{definition_name(kind.struct)}List",) if kind.listed else ()
        for name in (definition_name(kind.struct), *lists):
            key = "x-kubernetes-group-version-kind"
            assert book[name][key] == upstream[name][key]
