"""Custom kinds: what a version of a definition becomes (over HTTP: tests/server)."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api.codec import decode, encode
from strongroom.api.errors import StatusError
from strongroom.resources.crd import CUSTOM_RESOURCE_DEFINITIONS as CRDS
from strongroom.resources.crd_conditions import accept_names
from strongroom.resources.crd_object import CustomResourceDefinition
from strongroom.resources.custom import CustomResource, custom_resource, outline
from tests.resources.test_crd import BASE

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def made(**version: Any) -> CustomResourceDefinition:
    """The base with these fields of its version, established."""
    tree = copy.deepcopy(BASE)
    tree["spec"]["versions"][0] |= version
    crd = decode(encode(tree), CRDS.type, kind=CRDS.kind).obj
    CRDS.default(crd)
    accept_names(crd, [], "2026-03-01T12:00:00Z")
    return crd


def kind(**version: Any) -> CustomResource:
    crd = made(**version)
    return custom_resource(crd, crd.spec.versions[0])


def obj(resource: CustomResource, **content: Any) -> Any:
    tree = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "a"}}
    return decode(encode(tree | content), resource.type, kind=resource.kind).obj


def test_an_outline_has_the_names_and_parts_of_the_whole() -> None:
    scale = {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"}
    crd = made(subresources={"status": {}, "scale": scale})
    whole, brief = custom_resource(crd, crd.spec.versions[0]), outline(crd, crd.spec.versions[0])
    for field in ("group", "version", "kind", "plural", "singular", "list_kind", "verbs"):
        assert getattr(brief, field) == getattr(whole, field)
    assert [p.name for p in brief.subresources] == [p.name for p in whole.subresources]
    assert whole.prefix("ns") == "/registry/stable.example.com/crontabs/ns/"


def test_a_schema_that_cannot_be_read_is_told_of() -> None:
    """As when the store comes from an API server that takes schemas which we do not."""
    with pytest.raises(StatusError) as caught:
        kind(schema={"openAPIV3Schema": {"type": "object", "properties": {"a": {}}}})
    assert caught.value.code == 500
    assert "the schema of CronTab v1: spec.properties[a].type: Required" in caught.value.message


@pytest.mark.parametrize(
    ("column", "content", "cell"),
    [
        ({"type": "string", "jsonPath": ".spec.color"}, {"spec": {"color": "red"}}, "red"),
        ({"type": "string", "jsonPath": ".spec.many"}, {"spec": {"many": ["a", "b"]}}, '["a","b"]'),
        ({"type": "string", "jsonPath": ".spec.none"}, {"spec": {}}, None),
        ({"type": "integer", "jsonPath": ".spec.size"}, {"spec": {"size": 3.7}}, 3),
        ({"type": "number", "jsonPath": ".spec.size"}, {"spec": {"size": 3}}, 3.0),
        ({"type": "integer", "jsonPath": ".spec.color"}, {"spec": {"color": "red"}}, None),
        ({"type": "boolean", "jsonPath": ".spec.color"}, {"spec": {"color": "red"}}, None),
        ({"type": "date", "jsonPath": ".spec.color"}, {"spec": {"color": "red"}}, "<invalid>"),
        (
            {"type": "date", "jsonPath": ".spec.color"},
            {"spec": {"color": "2026-03-01T11:00:00Z"}},
            "60m",
        ),
    ],
)
def test_cells_are_of_the_columns_type_or_empty(
    column: dict[str, Any], content: dict[str, Any], cell: Any
) -> None:
    resource = kind(additionalPrinterColumns=[column | {"name": "X"}])
    assert [c.name for c in resource.columns] == ["Name", "X"]
    assert resource.columns_of(obj(resource, **content), NOW) == ["a", cell]


def test_without_columns_the_age_is_shown() -> None:
    resource = kind()
    one = obj(resource)
    one.metadata.creationTimestamp = "2026-03-01T11:59:30Z"
    assert [(c.name, c.type) for c in resource.columns] == [("Name", "string"), ("Age", "date")]
    assert resource.columns_of(one, NOW) == ["a", "30s"]


def test_finalizers_without_a_domain_are_warned_of_once() -> None:
    resource = kind()
    one, old = obj(resource), obj(resource)
    one.metadata.finalizers = ["mine", "a.example.com", "example.com/x", "orphan"]
    prefer = "prefer a domain-qualified finalizer name"
    assert [text.partition(" to avoid")[0] for text in resource.warnings(one, None)] == [
        f'metadata.finalizers: "a.example.com": {prefer} including a path (/)',
        f'metadata.finalizers: "mine": {prefer}',
    ]
    old.metadata.finalizers = one.metadata.finalizers
    assert resource.warnings(one, old) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"spec": {"n": -1}}, ".spec.n: Invalid value: -1: should be a non-negative integer"),
        ({"spec": {"n": 1 << 31}}, "should be less than or equal to 2147483647"),
        ({"spec": {"n": "x"}}, ".spec.n: Invalid value: 0: .spec.n accessor error"),
        ({"status": {"n": -1}}, ".status.n: Invalid value: -1: should be a non-negative integer"),
        ({"status": {"s": {}}}, ".status.s: Invalid value"),
    ],
)
def test_numbers_of_replicas_are_judged(content: dict[str, Any], message: str) -> None:
    scale = {
        "specReplicasPath": ".spec.n",
        "statusReplicasPath": ".status.n",
        "labelSelectorPath": ".status.s",
    }
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    resource = kind(schema={"openAPIV3Schema": free}, subresources={"scale": scale})
    errors = [str(error) for error in resource.validate(obj(resource, **content))]
    assert len(errors) == 1
    assert message in errors[0]
