"""Patches by media type: bodies in, trees out, and what strict validation says of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strongroom.api.errors import StatusError
from strongroom.api.patch import (
    MAX_DEPTH,
    PatchType,
    apply_patch,
    find_in_patch,
    refuse_findings,
)
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.crd_object import CustomResourceDefinition
from tests.api.samples import Thing

CURRENT: dict[str, Any] = {"metadata": {"name": "a"}, "spec": {"parts": [{"name": "x"}]}}


def test_types_are_media_types() -> None:
    assert PatchType("application/strategic-merge-patch+json") is PatchType.STRATEGIC
    assert {str(t).split("/")[0] for t in PatchType} == {"application"}


@pytest.mark.parametrize(
    ("kind", "body", "parts"),
    [
        (PatchType.JSON, b'[{"op":"add","path":"/spec/parts/-","value":{"name":"y"}}]', "xy"),
        (PatchType.MERGE, b'{"spec":{"parts":[{"name":"y"}]}}', "y"),
        (PatchType.STRATEGIC, b'{"spec":{"parts":[{"name":"y"}]}}', "yx"),
    ],
)
def test_each_kind_merges_lists_its_own_way(kind: PatchType, body: bytes, parts: str) -> None:
    result = apply_patch(kind, CURRENT, body, Thing)
    assert [p["name"] for p in result["spec"]["parts"]] == list(parts)
    assert CURRENT["spec"] == {"parts": [{"name": "x"}]}


@pytest.mark.parametrize("kind", list(PatchType))
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'"s3cret"', b"3", b"\xff", b"[" * 100_000, b'{"a":' * (MAX_DEPTH + 1)],
)
def test_what_is_no_patch_is_a_400(kind: PatchType, body: bytes) -> None:
    with pytest.raises(StatusError) as caught:
        apply_patch(kind, CURRENT, body, Thing)
    assert caught.value.code == 400
    assert str(caught.value).startswith("error decoding patch: ")
    assert "s3cret" not in str(caught.value)


def test_a_patch_may_be_as_deep_as_the_limit() -> None:
    body = b'{"x":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    for kind in (PatchType.MERGE, PatchType.STRATEGIC):
        assert "x" in apply_patch(kind, CURRENT, body, Thing)


def test_the_result_must_be_an_object() -> None:
    with pytest.raises(StatusError) as caught:
        apply_patch(PatchType.JSON, CURRENT, b'[{"op":"add","path":"","value":1}]', Thing)
    assert caught.value.code == 422
    assert caught.value.message.endswith("json: cannot unmarshal number into Go value")


def test_findings_in_patches() -> None:
    def find(kind: PatchType, body: bytes) -> list[str]:
        return find_in_patch(kind, body, apply_patch(kind, CURRENT, body, Thing), Thing)

    assert find(PatchType.MERGE, b'{"spec":{"size":1}}') == []
    assert find(PatchType.MERGE, b'{"spec":{"foo":1,"size":1,"size":2}}') == [
        'duplicate field "spec.size"',
        'unknown field "spec.foo"',
    ]
    assert find(PatchType.STRATEGIC, b'{"spec":{"parts":[{"name":"x","foo":1}]}}') == [
        'unknown field "spec.parts[0].foo"'
    ]
    body = b'[{"op":"add","path":"/foo","value":1,"value":2,"bar":3}]'
    assert find(PatchType.JSON, body) == [
        'json patch duplicate field "[0].value"',
        'json patch unknown field "[0].bar"',
        'unknown field "foo"',
    ]


def test_findings_are_refused_with_422() -> None:
    error = refuse_findings(['unknown field "spec.foo"'])
    assert error.code == 422
    assert str(error) == (
        ' "" is invalid: patch: Invalid value: "<contents omitted>": '
        'strict decoding error: unknown field "spec.foo"'
    )


@pytest.mark.parametrize("kind", PatchType)
def test_a_type_may_have_more_values_than_others(kind: PatchType) -> None:
    """Definitions of real operators have tens of thousands."""
    columns = [{"name": "n", "type": "string", "jsonPath": ".a"}] * 4_000
    current = {"spec": {"versions": [{"name": "v1", "additionalPrinterColumns": columns}]}}
    labels = {"a": "b"}
    patch: Any = {"metadata": {"labels": labels}}
    if kind is PatchType.JSON:
        patch = [{"op": "add", "path": "/metadata", "value": patch["metadata"]}]
    body = json.dumps(patch).encode()
    result = apply_patch(kind, current, body, CustomResourceDefinition)
    assert result == current | {"metadata": {"labels": labels}}
    with pytest.raises(StatusError) as caught:
        apply_patch(kind, current, body, ConfigMap)
    assert caught.value.code == 413
