"""Every kind's declaration, held against the JSON schemas that Kubernetes 1.37 publishes."""

from __future__ import annotations

import functools
import importlib.resources
import json
from typing import Any

import pytest

from strongroom.api.meta import Object, ObjectMeta
from strongroom.api.openapi import definition_name
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of
from strongroom.resources.catalog import CATALOG
from strongroom.resources.pod_binding import Binding
from strongroom.resources.scale import Scale


@functools.cache
def _definitions() -> dict[str, Any]:
    package = importlib.resources.files("kubernetes_validate")
    text = package / "kubernetes-json-schema" / "v1.37.0-local" / "_definitions.json"
    definitions: dict[str, Any] = json.loads(text.read_text())["$defs"]
    return definitions


def published_schema(struct: type[Struct]) -> dict[str, Any]:
    definition: dict[str, Any] | None = _definitions().get(definition_name(struct))
    assert definition is not None, f"{struct.__name__} is unknown upstream"
    return definition


def structs() -> list[type[Struct]]:
    """Every Struct that is reachable from a kind, each once."""
    found: set[type[Struct]] = set()
    waiting: list[type[Struct]] = [resource.type for resource in CATALOG.all()]
    waiting += [p.other.type for r in CATALOG.all() for p in r.subresources if p.other]
    waiting += [Binding, Scale]
    while waiting:
        struct = waiting.pop()
        if struct in found:
            continue
        found.add(struct)
        for field in schema_of(struct).fields.values():
            inner: TypeSchema | None = field.type
            while inner and inner.items:
                inner = inner.items
            if inner and inner.struct:
                waiting.append(inner.struct)
    return sorted(found, key=lambda struct: (struct.__name__, struct.__module__))


def _type_of(definition: dict[str, Any]) -> Any:
    """The type of a published property in the words of :func:`_declared_type`."""
    if reference := definition.get("$ref"):
        name = reference.rpartition(".")[2]
        return {"FieldsV1": "any", "RawExtension": "any"}.get(name, name)
    kind = definition.get("type")
    kind = next(k for k in kind if k != "null") if isinstance(kind, list) else kind
    if kind == "array":
        return ["array", _type_of(definition["items"])]
    if kind == "object":
        return ["map", _type_of(definition["additionalProperties"])]
    return f"{kind}/{definition['format']}" if "format" in definition else kind


def _declared_type(schema: TypeSchema, field: FieldSchema) -> Any:
    if schema.struct:
        return schema.struct.__name__
    if schema.items:
        return [schema.kind, _declared_type(schema.items, field)]
    if schema.kind == "bytes":
        return "string/byte"
    named = {
        "date-time": "MicroTime" if field.facts.micro else "Time",
        "quantity": "Quantity",
        "int-or-string": "IntOrString",
    }
    if schema.format in named:
        return named[schema.format]
    if schema.kind == "any" and schema.format:
        return schema.format.rpartition(".")[2]
    return f"{schema.kind}/{schema.format}" if schema.format else schema.kind


def upstream_structs() -> list[type[Struct]]:
    """Those that Kubernetes has too."""
    return [s for s in structs() if not definition_name(s).startswith("io.strongroom.")]


@pytest.mark.parametrize("struct", upstream_structs(), ids=lambda struct: struct.__name__)
def test_a_struct_declares_what_upstream_publishes(struct: type[Struct]) -> None:
    definition = published_schema(struct)
    declared = schema_of(struct).fields
    published = definition.get("properties", {})
    assert declared.keys() == published.keys()
    required = {name for name, field in declared.items() if field.facts.required}
    assert required == set(definition.get("required", ())) - {"metadata"}
    for name, field in declared.items():
        if name in ("kind", "apiVersion") and issubclass(struct, Object):
            continue
        expected = published[name]
        assert _declared_type(field.type, field) == _type_of(expected), name
        facts = field.facts
        assert facts.list_type == expected.get("x-kubernetes-list-type"), name
        assert list(facts.list_keys) == expected.get("x-kubernetes-list-map-keys", []), name
        assert facts.patch == expected.get("x-kubernetes-patch-strategy"), name
        assert facts.merge_key == expected.get("x-kubernetes-patch-merge-key"), name
        assert facts.atomic == (expected.get("x-kubernetes-map-type") == "atomic"), name


@pytest.mark.parametrize("struct", structs(), ids=lambda struct: struct.__name__)
def test_protobuf_numbers_are_unique_within_their_message(struct: type[Struct]) -> None:
    fields = [f.facts for f in schema_of(struct).fields.values() if f.facts.number]
    places = [(facts.within, facts.number) for facts in fields]
    assert len(set(places)) == len(places)
    own = {facts.number for facts in fields if not facts.within}
    assert own.isdisjoint({facts.within[0] for facts in fields if facts.within})


@pytest.mark.parametrize("struct", structs(), ids=lambda struct: struct.__name__)
def test_every_field_says_what_it_is_for(struct: type[Struct]) -> None:
    schema = schema_of(struct)
    assert schema.description
    for field in schema.fields.values():
        assert field.description.endswith("."), field.name


def test_two_types_of_one_package_do_not_share_a_name() -> None:
    names = [definition_name(struct) for struct in structs()]
    assert len(set(names)) == len(names)


def test_a_struct_s_repr_tells_no_value() -> None:
    assert repr(ObjectMeta(name="n", annotations={"a": "hush"})) == "<ObjectMeta>"
