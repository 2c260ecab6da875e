"""Objects that cannot be read from storage: lists go on without them, and they can be deleted.

The facts: https://github.com/kubernetes/kubernetes, test/e2e/apimachinery (kubernetes-facts 2.3).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.conftest import Running, running
from tests.server.encryption.test_configuration import document, entry, keys

SECRETS = "/api/v1/namespaces/default/secrets"
UNSAFE = {
    "kind": "DeleteOptions",
    "apiVersion": "v1",
    "ignoreStoreReadErrorWithClusterBreakingPotential": True,
}
ONE, TWO = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "B" * 43 + "="


def configure(path: Path, *named: tuple[str, str]) -> None:
    path.write_bytes(document(f"[{entry('secrets', keys('aesgcm', *named))}]"))


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Running]:
    """A server that has lost the key of Secret ``lost`` and can read ``kept``."""
    path = tmp_path / "encryption.yaml"
    given = ("--encryption-provider-config", str(path))
    for name, key in (("kept", ("kept", TWO)), ("lost", ("lost", ONE))):
        configure(path, key, ("kept", TWO))
        async with running(tmp_path, *given) as api:
            made = await api.ask("POST", SECRETS, {"metadata": {"name": name, "finalizers": []}})
            assert made.code == 201, made.body
    configure(path, ("kept", TWO))
    async with running(tmp_path, *given) as api:
        yield api


async def test_the_error_names_the_key_and_lists_go_on(api: Running) -> None:
    found = await api.ask("GET", f"{SECRETS}/lost")
    assert (found.code, found.json["reason"]) == (500, "InternalError")
    assert "aesgcm key 'lost', of which no provider is configured" in found.json["message"]
    for query in ("", "?limit=1", "?resourceVersion=0"):
        listed = await api.ask("GET", SECRETS + query)
        assert [item["metadata"]["name"] for item in listed.json["items"]] == ["kept"]
        assert "/registry/secrets/default/lost" in listed.headers["Warning"]
    for method, body in (("DELETE", None), ("PUT", {"metadata": {"name": "lost"}})):
        assert (await api.ask(method, f"{SECRETS}/lost", body)).code == 500


async def test_who_has_the_verb_may_delete_it(api: Running) -> None:
    verbs = ["get", "delete"]
    role = {
        "metadata": {"name": "mender"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": verbs}],
    }
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    assert (await api.ask("POST", path, role)).code == 201
    binding = {
        "metadata": {"name": "mender"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "mender",
        },
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "eve"}],
    }
    assert (await api.ask("POST", f"{path.removesuffix('s')}bindings", binding)).code == 201
    eve = {"Impersonate-User": "eve"}
    refused = await api.ask("DELETE", f"{SECRETS}/lost", UNSAFE, headers=eve)
    assert refused.code == 403
    assert 'not permitted to do "unsafe-delete-ignore-read-errors"' in refused.json["message"]

    verbs.append("unsafe-delete-ignore-read-errors")
    assert (await api.ask("PUT", f"{path}/mender", role)).code == 200
    dry = await api.ask("DELETE", f"{SECRETS}/lost", UNSAFE | {"dryRun": ["All"]}, headers=eve)
    assert dry.code == 200
    assert (await api.ask("GET", f"{SECRETS}/lost")).code == 500
    readable = await api.ask("DELETE", f"{SECRETS}/kept", UNSAFE, headers=eve)
    assert (readable.code, readable.json["reason"]) == (409, "Conflict")
    query = "?ignoreStoreReadErrorWithClusterBreakingPotential=true"
    done = await api.ask("DELETE", f"{SECRETS}/lost{query}", headers=eve)
    assert done.code == 200, done.body
    assert done.json["status"] == "Success"
    assert done.json["details"] == {"name": "lost", "kind": "Secret"}
    assert (await api.ask("GET", f"{SECRETS}/lost")).code == 404
    assert (await api.ask("DELETE", f"{SECRETS}/lost", UNSAFE, headers=eve)).code == 404
    annotated = [
        event["verb"]
        for event in api.audit_events()
        if "apiserver.k8s.io/unsafe-delete-ignore-read-error" in event.get("annotations", {})
    ]
    assert annotated == ["delete"] * 5
    made = await api.ask("POST", SECRETS, {"metadata": {"name": "lost"}})
    assert made.code == 201


async def test_not_all_at_once(api: Running) -> None:
    refused = await api.ask("DELETE", SECRETS, UNSAFE)
    assert refused.code == 422
    assert "is not allowed with DELETECOLLECTION" in refused.json["message"]
    both = await api.ask("DELETE", f"{SECRETS}/lost", UNSAFE | {"gracePeriodSeconds": 0})
    assert both.code == 422
