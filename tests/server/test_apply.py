"""Server-side apply over HTTP: the media type, its options, and who a writer is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import SECRETS, Answer, Running, secret

_YAML = "application/apply-patch+yaml"
_CONFIG = b"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: YQ==}\n"


async def _apply(api: Running, query: str, body: bytes = _CONFIG, **options: Any) -> Answer:
    headers = {"Content-Type": _YAML}
    return await api.ask("PATCH", f"{SECRETS}/s?{query}", body, headers=headers, **options)


def _managers(answer: Answer) -> dict[str, str]:
    entries = answer.json["metadata"].get("managedFields", [])
    return {entry["manager"]: entry["operation"] for entry in entries}


async def test_an_apply_makes_the_object_or_changes_it(api: Running) -> None:
    made = await _apply(api, "fieldManager=a")
    assert (made.code, _managers(made)) == (201, {"a": "Apply"})
    again = await _apply(api, "fieldManager=a")
    assert again.code == 200
    assert again.json == made.json


async def test_the_manager_must_be_told(api: Running) -> None:
    refused = await _apply(api, "")
    assert refused.code == 422
    assert refused.json["message"].endswith(
        "fieldManager: Required value: is required for apply patch"
    )


async def test_force_is_for_apply_alone(api: Running) -> None:
    await api.ask("POST", SECRETS, secret("s", a="one"))
    headers = {"Content-Type": "application/merge-patch+json"}
    refused = await api.ask("PATCH", f"{SECRETS}/s?force=true", b"{}", headers=headers)
    assert refused.code == 422
    conflict = await _apply(api, "fieldManager=a")
    assert (conflict.code, conflict.json["reason"]) == (409, "Conflict")
    assert conflict.json["message"].startswith("Apply failed with 1 conflict: conflict with")
    (cause,) = conflict.json["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".data.a")
    forced = await _apply(api, "fieldManager=a&force=true")
    assert forced.json["data"] == {"a": "YQ=="}


async def test_a_dry_run_shows_and_stores_nothing(api: Running) -> None:
    shown = await _apply(api, "fieldManager=a&dryRun=All")
    assert (shown.code, _managers(shown)) == (201, {"a": "Apply"})
    assert (await api.ask("GET", f"{SECRETS}/s")).code == 404


async def test_json_is_yaml(api: Running) -> None:
    body = b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"YQ=="}}'
    assert (await _apply(api, "fieldManager=a", body)).code == 201


@pytest.mark.parametrize(
    ("agent", "manager"),
    [("curl/8.1", "curl"), ("kubectl/v1.37.0 (linux/amd64)", "kubectl"), ("/x", "unknown")],
)
async def test_who_says_no_manager_is_known_by_its_program(
    api: Running, agent: str, manager: str
) -> None:
    headers = {"User-Agent": agent}
    made = await api.ask("POST", SECRETS, secret("s", a="one"), headers=headers)
    assert _managers(made) == {manager: "Update"}


async def test_a_configuration_that_does_not_fit_is_told_without_values(api: Running) -> None:
    body = _CONFIG.replace(b"data: {a: YQ==}", b"data: {a: 1234567}")
    refused = await _apply(api, "fieldManager=a", body)
    assert refused.code == 400
    assert refused.json["message"] == (
        "failed to create typed patch object (/s; /v1, Kind=Secret): "
        ".data.a: expected string, got number"
    )


async def test_the_documents_list_the_media_type(api: Running) -> None:
    document = (await api.ask("GET", "/openapi/v2")).json
    patch = document["paths"]["/api/v1/namespaces/{namespace}/secrets/{name}"]["patch"]
    assert _YAML in patch["consumes"]
    document = (await api.ask("GET", "/openapi/v3/api/v1")).json
    patch = document["paths"]["/api/v1/namespaces/{namespace}/secrets/{name}"]["patch"]
    assert _YAML in patch["requestBody"]["content"]
