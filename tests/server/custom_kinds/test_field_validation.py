"""Field validation of custom objects (upstream's FieldValidation tests, by their names)."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from tests.server.conftest import Running
from tests.server.custom import (
    APPLY,
    GROUP,
    SCHEMA,
    V1,
    crontab,
    define,
    definition,
    version,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRESERVE = "x-kubernetes-preserve-unknown-fields"
YAML = {"Content-Type": "application/yaml"}
FREE = {"type": "object", PRESERVE: True}


async def create(api: Running, obj: Any) -> tuple[int, str]:
    """Create strictly; the code, and what is said."""
    answer = await api.ask("POST", f"{V1}?fieldValidation=Strict", obj)
    return answer.code, answer.json.get("message", "")


async def apply(api: Running, obj: dict[str, Any]) -> tuple[int, str]:
    """Apply strictly; the code, and what is said."""
    path = f"{V1}/{obj['metadata']['name']}?fieldManager=x&fieldValidation=Strict"
    answer = await api.ask("PATCH", path, obj, headers=APPLY)
    return answer.code, answer.json.get("message", "")


async def test_should_create_apply_a_cr_with_unknown_fields_for_crd_with_no_validation_schema(
    api: Running,
) -> None:
    await define(api, definition(version(schema=FREE)))
    assert await create(api, crontab("a", unknown=1)) == (201, "")
    assert await apply(api, crontab("b", unknown=1)) == (201, "")


async def test_should_create_apply_a_valid_cr_for_crd_with_validation_schema(api: Running) -> None:
    await define(api, definition())
    assert await create(api, crontab("a", replicas=1)) == (201, "")
    assert await apply(api, crontab("b", replicas=1)) == (201, "")


async def test_should_create_apply_an_invalid_cr_with_extra_properties_for_crd_with_validation_schema(  # noqa: E501 - upstream's name
    api: Running,
) -> None:
    await define(api, definition())
    code, said = await create(api, crontab("a", unknownField=1))
    assert code == 400
    assert 'strict decoding error: unknown field "spec.unknownField"' in said
    code, said = await apply(api, crontab("b", unknownField=1))
    assert code == 400
    assert ".spec.unknownField: field not declared in schema" in said


async def test_should_detect_duplicates_in_a_cr_when_preserving_unknown_fields(
    api: Running,
) -> None:
    await define(api, definition(version(schema=FREE)))
    text = yaml.safe_dump(crontab("a", foo="one")).replace("foo: one", "foo: one\n  foo: two")
    path = f"{V1}?fieldValidation=Strict"
    answer = await api.ask("POST", path, text.encode(), headers=YAML)
    assert answer.code == 400
    assert 'key "foo" already set in map' in answer.json["message"]
    body = b'{"apiVersion":"%s/v1","kind":"CronTab","metadata":{"name":"a"},"spec":{"f":1,"f":2}}'
    json_body = body % GROUP.encode()
    answer = await api.ask("POST", path, json_body, headers={"Content-Type": "application/json"})
    assert answer.code == 400
    assert 'duplicate field "spec.f"' in answer.json["message"]


async def test_should_detect_unknown_metadata_fields_in_both_the_root_and_embedded_object_of_a_cr(
    api: Running,
) -> None:
    schema = copy.deepcopy(SCHEMA)
    schema["properties"]["spec"]["properties"]["template"] = {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "properties": {"metadata": {"type": "object"}},
    }
    await define(api, definition(version(schema=schema)))
    template = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "unknownSubMeta": 1}}
    obj = crontab("a", template=template)
    obj["metadata"]["unknownMeta"] = 1
    code, said = await create(api, obj)
    assert code == 400
    assert 'unknown field "metadata.unknownMeta"' in said
    assert 'unknown field "spec.template.metadata.unknownSubMeta"' in said
    del obj["metadata"]["unknownMeta"]
    code, said = await apply(api, obj)
    assert code == 400
    assert ".spec.template.metadata.unknownSubMeta: field not declared in schema" in said
