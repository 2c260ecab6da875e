"""A server starts whatever its webhooks do."""

from __future__ import annotations

from pathlib import Path

from tests.server.admission.rules import REGISTRATION
from tests.server.conftest import running


async def test_a_webhook_that_fails_for_everything_does_not_keep_the_server_from_starting(
    tmp_path: Path,
) -> None:
    rule = {
        "operations": ["*"],
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "resources": ["*/*"],
    }
    webhook = {
        "name": "all.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    async with running(tmp_path) as api:
        for kind in ("mutating", "validating"):
            body = {"metadata": {"name": "all"}, "webhooks": [webhook]}
            path = f"{REGISTRATION}/{kind}webhookconfigurations"
            assert (await api.ask("POST", path, body)).code == 201
    async with running(tmp_path) as api:
        secret = {"metadata": {"name": "s"}}
        assert (await api.ask("POST", "/api/v1/namespaces/default/secrets", secret)).code == 500
        for kind in ("mutating", "validating"):
            path = f"{REGISTRATION}/{kind}webhookconfigurations/all"
            assert (await api.ask("DELETE", path)).code == 200
        assert (await api.ask("POST", "/api/v1/namespaces/default/secrets", secret)).code == 201
