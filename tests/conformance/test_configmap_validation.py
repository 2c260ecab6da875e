"""What a ConfigMap must be beside what holds for Secrets too (facts 3.2), through the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.wire import Api

IMMUTABLE = "Forbidden: field is immutable when `immutable` is set"


@pytest.fixture
def maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


async def test_a_key_stands_in_data_or_in_binary_data(api: Api, maps: str) -> None:
    obj = {"metadata": {"name": "c"}, "data": {"a": "1"}, "binaryData": {"a": "MQ=="}}
    answer = await api.ask("POST", maps, obj)
    assert (answer.code, answer.causes) == (
        422,
        [
            (
                "FieldValueInvalid",
                "data[a]",
                'Invalid value: "a": duplicate of key present in binaryData',
            )
        ],
    )


async def test_keys_of_both_maps_are_judged(api: Api, maps: str) -> None:
    obj = {"metadata": {"name": "c"}, "data": {"..": ""}, "binaryData": {"a b": ""}}
    answer = await api.ask("POST", maps, obj)
    assert [(reason, field) for reason, field, _ in answer.causes] == [
        ("FieldValueInvalid", "data[..]"),
        ("FieldValueInvalid", "binaryData[a b]"),
    ]


async def test_the_size_of_all_is_limited(api: Api, maps: str) -> None:
    """Of the whole object: the path that upstream gives names no field."""
    obj = {
        "metadata": {"name": "c"},
        "data": {"a": "x" * 1048576},
        "binaryData": {"b": "MQ=="},
    }
    answer = await api.ask("POST", maps, obj)
    assert answer.causes == [
        ("FieldValueTooLong", "[]", "Too long: may not be more than 1048576 bytes")
    ]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"immutable": False}, ["immutable"]),
        ({"data": {"a": "2"}}, ["data"]),
        ({"binaryData": {"b": "Mg=="}}, ["binaryData"]),
        ({"data": {}, "binaryData": {}}, ["data", "binaryData"]),
    ],
)
async def test_an_immutable_config_map_keeps_its_data(
    api: Api, maps: str, change: dict[str, Any], fields: list[str]
) -> None:
    obj = {
        "metadata": {"name": "c"},
        "data": {"a": "1"},
        "binaryData": {"b": "MQ=="},
        "immutable": True,
    }
    await api.create(maps, obj)
    answer = await api.ask("PUT", f"{maps}/c", obj | change)
    assert answer.causes == [("FieldValueForbidden", field, IMMUTABLE) for field in fields]
    labelled = obj | {"metadata": {"name": "c", "labels": {"new": "label"}}}
    assert (await api.put(f"{maps}/c", labelled))["metadata"]["labels"] == {"new": "label"}
