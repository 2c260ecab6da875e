"""The Status that each refusal is (facts 3.4): code, reason, message, details."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strongroom.client.config import load_config
from strongroom.testing.process import Strongroom
from tests.conformance.wire import JSON_PATCH, Api, connected

GONE = "The object might have been deleted and then recreated"


@pytest.fixture
def secrets(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets"


async def test_invalid(api: Api, secrets: str) -> None:
    obj = {"metadata": {"name": "n"}, "type": "kubernetes.io/basic-auth"}
    answer = await api.ask("POST", secrets, obj)
    errors = [f"data[{key}]: Required value" for key in ("username", "password")]
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'Secret "n" is invalid: [{", ".join(errors)}]',
        "reason": "Invalid",
        "details": {
            "name": "n",
            "kind": "Secret",
            "causes": [
                {
                    "reason": "FieldValueRequired",
                    "message": "Required value",
                    "field": f"data[{key}]",
                }
                for key in ("username", "password")
            ],
        },
        "code": 422,
    }


async def test_invalid_in_a_group(api: Api, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    answer = await api.ask("POST", path, {"metadata": {"name": "n"}, "spec": {"replicas": -1}})
    details = answer.json["details"]
    assert (details["name"], details["group"], details["kind"]) == ("n", "apps", "Deployment")
    assert answer.json["message"].startswith('Deployment.apps "n" is invalid: [')


@pytest.mark.parametrize(
    ("path", "obj", "message"),
    [
        (
            "{secrets}",
            {"metadata": {"name": "n", "namespace": "elsewhere"}},
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            "{secrets}",
            {"metadata": {"name": "n", "resourceVersion": "1"}},
            "resourceVersion should not be set on objects to be created",
        ),
    ],
)
async def test_bad_request_on_create(
    api: Api, secrets: str, path: str, obj: dict[str, Any], message: str
) -> None:
    answer = await api.ask("POST", path.format(secrets=secrets), obj)
    assert answer.refused() == (400, "BadRequest", message)


async def test_bad_request_when_names_differ(api: Api, secrets: str) -> None:
    await api.create(secrets, {"metadata": {"name": "n"}})
    answer = await api.ask("PUT", f"{secrets}/n", {"metadata": {"name": "other"}})
    assert answer.refused() == (
        400,
        "BadRequest",
        "the name of the object (other) does not match the name on the URL (n)",
    )


async def test_bad_request_for_a_continue_token(api: Api, secrets: str) -> None:
    code, reason, message = (await api.ask("GET", f"{secrets}?continue=%25")).refused()
    assert (code, reason) == (400, "BadRequest")
    assert message.startswith("invalid continue token: continue key is not valid: ")


async def test_forbidden_by_authorization(server: Strongroom) -> None:
    """The scheduler may do what scheduling needs, and no more."""
    pki = server.kubeconfig.parent / "pki"
    async with connected(load_config(pki / "scheduler.kubeconfig")) as other:
        for path, verb, what, where in (
            ("/namespaces/ns/secrets/n", "get", 'secrets "n"', 'in the namespace "ns"'),
            ("/namespaces/ns/secrets", "list", "secrets", 'in the namespace "ns"'),
            ("/secrets", "list", "secrets", "at the cluster scope"),
        ):
            code, reason, message = (await other.ask("GET", f"/api/v1{path}")).refused()
            assert (code, reason) == (403, "Forbidden")
            assert message.startswith(
                f'{what} is forbidden: User "system:kube-scheduler" cannot {verb} '
                f'resource "secrets" in API group "" {where}'
            )
        code, reason, message = (await other.ask("GET", "/metrics")).refused()
        assert (code, reason) == (403, "Forbidden")
        user = "system:kube-scheduler"
        assert message.startswith(f'forbidden: User "{user}" cannot get path "/metrics"')


async def test_forbidden_for_the_deletion_of_an_immortal_namespace(api: Api) -> None:
    answer = await api.ask("DELETE", "/api/v1/namespaces/kube-system")
    code, reason, message = answer.refused()
    assert (code, reason) == (403, "Forbidden")
    assert message.endswith("this namespace may not be deleted")


async def test_forbidden_in_a_namespace_that_is_being_terminated(
    api: Api, namespace: str, secrets: str
) -> None:
    await api.delete(f"/api/v1/namespaces/{namespace}")
    answer = await api.ask("POST", secrets, {"metadata": {"name": "n"}})
    text = f"unable to create new content in namespace {namespace} because it is being terminated"
    assert answer.refused() == (403, "Forbidden", f'secrets "n" is forbidden: {text}')
    assert ("NamespaceTerminating", "metadata.namespace") in [
        (reason, field) for reason, field, _ in answer.causes
    ]
    assert answer.causes[0][2] == f"namespace {namespace} is being terminated"


async def test_forbidden_by_a_quota(api: Api, namespace: str, secrets: str) -> None:
    quota = f"/api/v1/namespaces/{namespace}/resourcequotas"
    await api.create(quota, {"metadata": {"name": "q"}, "spec": {"hard": {"secrets": "1"}}})
    status = {"status": {"hard": {"secrets": "1"}, "used": {"secrets": "1"}}}
    await api.patch(f"{quota}/q/status", status)
    answer = await api.ask("POST", secrets, {"metadata": {"name": "n"}})
    text = "exceeded quota: q, requested: secrets=1, used: secrets=1, limited: secrets=1"
    assert answer.refused() == (403, "Forbidden", f'secrets "n" is forbidden: {text}')


async def test_not_found(api: Api, secrets: str) -> None:
    answer = await api.ask("GET", f"{secrets}/n")
    assert answer.refused() == (404, "NotFound", 'secrets "n" not found')
    assert answer.json["details"] == {"name": "n", "kind": "secrets"}


async def test_method_not_allowed(api: Api) -> None:
    answer = await api.ask("DELETE", "/api/v1/nodes/n/status")
    code, reason, _ = answer.refused()
    assert (code, reason) == (405, "MethodNotAllowed")


async def test_not_acceptable_and_unsupported_media_type(api: Api, secrets: str) -> None:
    answer = await api.ask("GET", secrets, headers={"Accept": "text/html"})
    code, reason, message = answer.refused()
    assert (code, reason) == (406, "NotAcceptable")
    assert message.startswith("only the following media types are accepted: application/json")
    answer = await api.ask("POST", secrets, "<a/>", {"Content-Type": "text/html"})
    code, reason, message = answer.refused()
    assert (code, reason) == (415, "UnsupportedMediaType")
    assert "application/json" in message


async def test_already_exists(api: Api, secrets: str) -> None:
    await api.create(secrets, {"metadata": {"name": "n"}})
    answer = await api.ask("POST", secrets, {"metadata": {"name": "n"}})
    assert answer.refused() == (409, "AlreadyExists", 'secrets "n" already exists')
    assert answer.json["details"] == {"name": "n", "kind": "secrets"}


async def test_conflict(api: Api, secrets: str) -> None:
    made = await api.create(secrets, {"metadata": {"name": "n"}})
    await api.patch(f"{secrets}/n", {"data": {"a": ""}})
    answer = await api.ask("PUT", f"{secrets}/n", made)
    assert answer.refused() == (
        409,
        "Conflict",
        (
            'Operation cannot be fulfilled on secrets "n": the object has been modified; '
            "please apply your changes to the latest version and try again"
        ),
    )


async def test_conflict_with_preconditions_of_a_deletion(api: Api, secrets: str) -> None:
    meta = (await api.create(secrets, {"metadata": {"name": "n"}}))["metadata"]
    for field, value, what, end in (
        ("uid", "other", "UID", f"{GONE}."),
        ("resourceVersion", "1", "ResourceVersion", "The object might have been modified"),
    ):
        answer = await api.ask("DELETE", f"{secrets}/n", {"preconditions": {field: value}})
        code, reason, message = answer.refused()
        assert (code, reason) == (409, "Conflict")
        text = f"the {what} in the precondition ({value}) does not match the {what} in record"
        assert f"{text} ({meta[field]}). {end.rstrip('.')}" in message


async def test_request_entity_too_large(api: Api, secrets: str) -> None:
    body = json.dumps({"metadata": {"name": "n"}, "data": {"a": "A" * 3145728}})
    answer = await api.ask("POST", secrets, body)
    assert answer.refused() == (
        413,
        "RequestEntityTooLarge",
        "Request entity too large: limit is 3145728",
    )


async def test_timeout_of_a_revision_that_has_not_happened(api: Api, secrets: str) -> None:
    revision = int((await api.get(secrets))["metadata"]["resourceVersion"]) + 1000
    answer = await api.ask("GET", f"{secrets}?resourceVersion={revision}")
    code, reason, message = answer.refused()
    assert (code, reason) == (504, "Timeout")
    assert message.startswith(f"Timeout: Too large resource version: {revision}, current: ")
    causes = [reason for reason, _, _ in answer.causes]
    assert causes == ["ResourceVersionTooLarge"]


async def test_a_json_patch_whose_test_fails_is_invalid(api: Api, secrets: str) -> None:
    await api.create(secrets, {"metadata": {"name": "n"}})
    steps = [{"op": "test", "path": "/type", "value": "other"}]
    answer = await api.ask("PATCH", f"{secrets}/n", steps, JSON_PATCH)
    code, reason, _ = answer.refused()
    assert (code, reason) == (422, "Invalid")


async def test_generated_names_are_cut(api: Api, secrets: str) -> None:
    made = await api.create(secrets, {"metadata": {"generateName": "g" * 80}})
    name = made["metadata"]["name"]
    assert (name[:58], len(name)) == ("g" * 58, 63)
