"""Revisions as the API serves them, and the server's options and duty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.server.conftest import SECRETS as SECRETS_PATH
from tests.server.conftest import Running, running, secret
from tests.server.history.conftest import Clock
from tests.waiting import until

REVISIONS = "/apis/strongroom.io/v1alpha1/namespaces/default/secretrevisions"


async def test_revisions_are_read_and_deleted_and_never_written(api: Running) -> None:
    for name in ("a", "b"):
        assert (await api.ask("POST", SECRETS_PATH, secret(name, k="one"))).code == 201
        assert (await api.ask("PUT", f"{SECRETS_PATH}/{name}", secret(name, k="two"))).code == 200
    found = (await api.ask("GET", f"{REVISIONS}?fieldSelector=spec.secretName%3Da")).json["items"]
    (kept,) = found
    path = f"{REVISIONS}/{kept['metadata']['name']}"
    merge = {"Content-Type": "application/merge-patch+json"}
    for method, where, headers in (
        ("POST", REVISIONS, {}),
        ("PUT", path, {}),
        ("PATCH", path, merge),
    ):
        assert (await api.ask(method, where, kept, headers=headers)).code == 405
    protobuf = {"Accept": "application/vnd.kubernetes.protobuf"}
    assert b"secretName" not in (await api.ask("GET", path, headers=protobuf)).body
    assert b"kubernetes-admin" in (await api.ask("GET", path, headers=protobuf)).body
    every = await api.ask("GET", "/apis/strongroom.io/v1alpha1/secretrevisions")
    assert [item["spec"]["secretName"] for item in every.json["items"]] == ["a", "b"]
    assert (await api.ask("DELETE", path)).code == 200
    assert (await api.ask("GET", path)).code == 404
    await api.ask("DELETE", f"{REVISIONS}?fieldSelector=spec.secretName%3Db")
    assert (await api.ask("GET", REVISIONS)).json["items"] == []


async def test_who_reads_secrets_does_not_read_their_past_by_that(api: Running) -> None:
    await api.ask("POST", SECRETS_PATH, secret("a", k="one"))
    await api.ask("PUT", f"{SECRETS_PATH}/a", secret("a", k="two"))
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}
    named = {"metadata": {"name": "reader"}}
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    assert (await api.ask("POST", f"{rbac}/clusterroles", named | {"rules": [rule]})).code == 201
    binding = {
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "reader",
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes"}
        ],
    }
    assert (await api.ask("POST", f"{rbac}/clusterrolebindings", named | binding)).code == 201
    assert (await api.ask("GET", SECRETS_PATH, identity="node")).code == 200
    refused = await api.ask("GET", REVISIONS, identity="node")
    assert refused.code == 403
    assert "secretrevisions.strongroom.io is forbidden" in refused.json["message"]


async def test_no_webhook_is_shown_a_revision(api: Running) -> None:
    await api.ask("POST", SECRETS_PATH, secret("a", k="one"))
    await api.ask("PUT", f"{SECRETS_PATH}/a", secret("a", k="two"))
    hook = {
        "name": "all.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/nobody"},
        "rules": [
            {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "operations": ["*"]}
        ],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    body = {"metadata": {"name": "all"}, "webhooks": [hook]}
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    assert (await api.ask("POST", path, body)).code == 201
    assert (await api.ask("DELETE", f"{SECRETS_PATH}/a")).code == 500
    (kept,) = (await api.ask("GET", REVISIONS)).json["items"]
    assert (await api.ask("DELETE", f"{REVISIONS}/{kept['metadata']['name']}")).code == 200


async def test_options_and_the_duty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.server.duties.PRUNING", 0.05)
    clock = Clock(datetime.now(UTC))
    arguments = ("--secret-history-limit", "2", "--secret-history-max-age", "1h")
    async with running(tmp_path, *arguments, clock=clock) as api:
        await api.ask("POST", SECRETS_PATH, secret("a", k="0"))
        for number in range(1, 5):
            await api.ask("PUT", f"{SECRETS_PATH}/a", secret("a", k=str(number)))
        assert len((await api.ask("GET", REVISIONS)).json["items"]) == 2
        clock.moment += timedelta(minutes=61)
        await until(lambda: api.ask("GET", REVISIONS), lambda left: not left.json["items"])
