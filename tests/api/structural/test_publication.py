"""Schemas as OpenAPI shows them."""

from __future__ import annotations

from strongroom.api.structural import publish
from tests.api.structural.schemas import (
    ANYTHING,
    INTEGER,
    STRING,
    Tree,
    array,
    list_type,
    obj,
    parsed,
)

GVK = ("example.com", "v1", "Foo")
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def published(version: int, **properties: Tree) -> Tree:
    """What is shown of the fields of a whole object."""
    shown = publish(parsed(obj(**properties)), version=2 if version == 2 else 3)
    return {name: shown["properties"][name] for name in properties}


def test_a_kind_has_type_and_metadata() -> None:
    schema = parsed({**obj(spec=obj(a=STRING)), "description": "A foo.", "required": ["spec"]})
    v3 = publish(schema, version=3, gvk=GVK)
    assert list(v3["properties"]) == ["apiVersion", "kind", "metadata", "spec"]
    assert v3["properties"]["metadata"]["allOf"] == [{"$ref": f"#/components/schemas/{META}"}]
    assert v3["description"] == "A foo."
    assert v3["required"] == ["spec"]
    assert v3["x-kubernetes-group-version-kind"] == [
        {"group": "example.com", "kind": "Foo", "version": "v1"}
    ]
    v2 = publish(schema, version=2, gvk=GVK)
    assert v2["properties"]["metadata"]["$ref"] == f"#/definitions/{META}"


def test_without_a_schema_nothing_is_said() -> None:
    assert publish(None, version=3) == {"type": "object"}
    assert publish(None, version=2) == {"type": "object"}


def test_what_is_preserved_at_the_root_is_open_to_old_clients() -> None:
    schema = parsed({**ANYTHING, "properties": {"spec": obj(a=STRING)}})
    assert publish(schema, version=2) == {"type": "object"}
    shown = publish(schema, version=3)
    assert shown["x-kubernetes-preserve-unknown-fields"] is True
    assert shown["properties"]["spec"] == obj(a=STRING)


def test_words_are_kept() -> None:
    field = {
        **array({**INTEGER, "minimum": 0, "default": 0}, minItems=0),
        **list_type("set"),
        "description": "Numbers.",
        "x-kubernetes-validations": [{"rule": "true"}],
    }
    assert published(3, a=field) == {"a": field}
    assert published(2, a=field) == {"a": field}


def test_junctors_and_null_are_for_version_3() -> None:
    field = {**STRING, "nullable": True, "anyOf": [{"minLength": 1}], "not": {"enum": ["x"]}}
    assert published(3, a=field) == {"a": field}
    assert published(2, a=field) == {"a": {}}
    assert published(3, a={"x-kubernetes-int-or-string": True}) == {
        "a": {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
        }
    }
    assert published(2, a={"x-kubernetes-int-or-string": True}) == {
        "a": {"x-kubernetes-int-or-string": True}
    }


def test_what_is_preserved_has_no_type_in_version_2() -> None:
    field = {**ANYTHING, "properties": {"b": STRING}, "required": ["b"]}
    assert published(2, a=field) == {
        "a": {"x-kubernetes-preserve-unknown-fields": True, "required": ["b"]}
    }
    assert published(3, a=field) == {"a": field}


def test_what_may_be_null_is_not_required_in_version_2() -> None:
    field = {**obj(b={**STRING, "nullable": True}, c=STRING), "required": ["b", "c"]}
    assert published(2, a=field)["a"]["required"] == ["c"]
    assert published(3, a=field)["a"]["required"] == ["b", "c"]


def test_embedded_objects_have_type_and_metadata() -> None:
    field = {**obj(spec=STRING), "x-kubernetes-embedded-resource": True}
    for version in (2, 3):
        shown = published(version, a=field)["a"]
        assert sorted(shown["properties"]) == ["apiVersion", "kind", "metadata", "spec"]
        assert shown["required"] == ["kind", "apiVersion"]
    free = {**ANYTHING, "x-kubernetes-embedded-resource": True}
    assert "properties" not in published(2, a=free)["a"]
