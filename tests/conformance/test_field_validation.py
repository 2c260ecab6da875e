"""Upstream's ``FieldValidation`` of built-in kinds; that of custom ones is in tests/server."""

from __future__ import annotations

import pytest

from tests.conformance.deployments import deployment
from tests.conformance.wire import APPLY, MERGE, STRATEGIC, YAML, Api

STRICT = "?fieldValidation=Strict"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: dup
  labels: {app: nginx}
spec:
  unknownField: foo
  replicas: 1
  replicas: 2
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      containers:
      - {name: nginx, image: nginx}
"""
JSON = """{
 "apiVersion": "apps/v1", "kind": "Deployment",
 "metadata": {"name": "dup", "labels": {"app": "nginx"}},
 "spec": {"unknownField": "foo", "replicas": 1, "replicas": 2,
  "selector": {"matchLabels": {"app": "nginx"}},
  "template": {"metadata": {"labels": {"app": "nginx"}},
   "spec": {"containers": [{"name": "nginx", "image": "nginx"}]}}}}"""


async def test_should_detect_unknown_and_duplicate_fields_of_a_typed_object(
    api: Api, namespace: str
) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    code, reason, message = (await api.ask("POST", path + STRICT, JSON)).refused()
    assert (code, reason) == (400, "BadRequest")
    assert (
        'strict decoding error: unknown field "spec.unknownField", '
        'duplicate field "spec.replicas"' in message
    )
    answer = await api.ask("POST", path + "?fieldValidation=Warn&dryRun=All", JSON)
    assert answer.code == 201
    assert answer.warnings == [
        '299 - "unknown field \\"spec.unknownField\\""',
        '299 - "duplicate field \\"spec.replicas\\""',
    ]
    answer = await api.ask("POST", path + "?fieldValidation=Ignore&dryRun=All", JSON)
    assert (answer.code, answer.warnings) == (201, [])
    code, _, message = (await api.ask("POST", path + STRICT, DEPLOYMENT, YAML)).refused()
    assert code == 400
    assert 'key "replicas" already set in map' in message
    assert 'unknown field "spec.unknownField"' in message


@pytest.mark.parametrize("form", [MERGE, STRATEGIC], ids=["merge", "strategic"])
async def test_should_detect_unknown_and_duplicate_fields_of_a_patch(
    api: Api, namespace: str, form: dict[str, str]
) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    await api.create(path, deployment())
    patch = '{"spec": {"unknownField": "foo", "replicas": 2, "replicas": 3}}'
    answer = await api.ask("PATCH", f"{path}/deployment{STRICT}", patch, form)
    code, _, message = answer.refused()
    assert code in {400, 422}
    assert 'duplicate field "spec.replicas"' in message
    assert 'unknown field "spec.unknownField"' in message


async def test_should_detect_unknown_metadata_fields_of_a_typed_object(
    api: Api, namespace: str
) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    obj = deployment()
    obj["metadata"]["unknownMeta"] = "foo"
    code, reason, message = (await api.ask("POST", path + STRICT, obj)).refused()
    assert (code, reason) == (400, "BadRequest")
    assert 'strict decoding error: unknown field "metadata.unknownMeta"' in message
    answer = await api.ask("POST", path + "?fieldValidation=Warn&dryRun=All", obj)
    assert answer.warnings == ['299 - "unknown field \\"metadata.unknownMeta\\""']


async def test_applied_fields_must_be_declared_in_the_schema(api: Api, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/deployment"
    obj = deployment(unknownField="foo")
    answer = await api.ask("PATCH", path + STRICT + "&fieldManager=t", obj, APPLY)
    assert answer.code in {400, 500}
    assert ".spec.unknownField: field not declared in schema" in answer.json["message"]
