"""Who is let in, what the paths that are no resources answer, and headers of every answer."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from strongroom.server.certificates import Wanted, issue, make_ca
from tests.server.conftest import SECRETS, Running, secret


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api"),
        ("GET", SECRETS),
        ("POST", SECRETS),
        ("GET", "/metrics"),
        ("GET", "/none"),
        ("GET", "/livez/ping"),
        ("DELETE", f"{SECRETS}/x"),
    ],
)
async def test_without_credentials(api: Running, method: str, path: str) -> None:
    answer = await api.ask(method, path, identity="")
    assert (answer.code, answer.json["reason"]) == (401, "Unauthorized")
    (event,) = api.audit_events()
    assert (event["user"], event["responseStatus"]["code"]) == ({}, 401)


async def test_a_refused_body_is_not_read(api: Running) -> None:
    """The answer comes while the body is still being sent: nobody waited for it."""
    forever = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await forever.wait()

    session = api.session("")
    async with session.post(SECRETS, data=body()) as response:
        assert response.status == 401


async def test_public_paths(api: Running) -> None:
    for path in ("/livez", "/readyz", "/healthz"):
        answer = await api.ask("GET", path, identity="")
        assert (answer.code, answer.body) == (200, b"ok")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await api.ask("GET", "/version", identity="")).json["minor"] == "37"
    assert (await api.ask("POST", "/livez", identity="")).code == 403


async def test_a_certificate_of_another_authority_ends_the_connection(api: Running) -> None:
    now = datetime.now(UTC)
    pair = issue(make_ca(now), Wanted("admin", ("system:masters",), client=True), now)
    directory = api.options.data_dir.parent
    (directory / "x.crt").write_bytes(pair.certificate)
    (directory / "x.key").write_bytes(pair.key)
    context = ssl.create_default_context(cafile=str(api.pki.ca_file))
    context.load_cert_chain(directory / "x.crt", directory / "x.key")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        with pytest.raises((aiohttp.ClientError, OSError)):
            await session.get(f"{api.server.url}/livez")


async def test_components_get_what_is_theirs(api: Running) -> None:
    await api.ask("POST", SECRETS, secret("s", a="x"))
    refused = await api.ask("GET", f"{SECRETS}/s", identity="node")
    assert refused.code == 403
    assert refused.json["message"] == (
        'secrets "s" is forbidden: User "system:node:n1" cannot get resource "secrets" in API '
        'group "" in the namespace "default": node: no relationship found between node \'n1\' and '
        "this object"
    )
    main = {"name": "main", "image": "none", "envFrom": [{"secretRef": {"name": "s"}}]}
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n1", "containers": [main]}}
    assert (await api.ask("POST", "/api/v1/namespaces/default/pods", pod)).code == 201
    assert (await api.ask("GET", f"{SECRETS}/s", identity="node")).code == 200
    assert (await api.ask("GET", SECRETS, identity="node")).code == 403
    assert (await api.ask("POST", SECRETS, secret("t"), identity="node")).code == 403
    own = await api.ask("POST", "/api/v1/nodes", {"metadata": {"name": "n1"}}, identity="node")
    assert own.code == 201
    other = await api.ask("POST", "/api/v1/nodes", {"metadata": {"name": "n2"}}, identity="node")
    assert other.code == 403
    assert (await api.ask("GET", "/api/v1/pods", identity="scheduler")).code == 200
    assert (await api.ask("GET", SECRETS, identity="scheduler")).code == 403
    assert (await api.ask("DELETE", f"{SECRETS}/s", identity="scheduler")).code == 403
    assert (await api.ask("DELETE", f"{SECRETS}/s", identity="controller-manager")).code == 200


async def test_discovery(api: Running) -> None:
    assert (await api.ask("GET", "/api")).json["versions"] == ["v1"]
    groups = (await api.ask("GET", "/apis")).json["groups"]
    assert "coordination.k8s.io" in [g["name"] for g in groups]
    assert (await api.ask("GET", "/apis/coordination.k8s.io")).json["kind"] == "APIGroup"
    core = (await api.ask("GET", "/api/v1")).json["resources"]
    by_name = {r["name"]: r for r in core}
    assert by_name["secrets"]["kind"] == "Secret"
    assert {"pods/status", "pods/log", "namespaces/status"} <= set(by_name)
    leases = (await api.ask("GET", "/apis/coordination.k8s.io/v1")).json["resources"]
    assert leases[0]["name"] == "leases"


async def test_aggregated_discovery(api: Running) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    answer = await api.ask("GET", "/api", headers={"Accept": accept})
    assert "as=APIGroupDiscoveryList" in answer.headers["Content-Type"]
    (group,) = answer.json["items"]
    assert "secrets" in [r["resource"] for r in group["versions"][0]["resources"]]
    tag = answer.headers["ETag"]
    again = await api.ask("GET", "/api", headers={"Accept": accept, "If-None-Match": tag})
    assert (again.code, again.body) == (304, b"")


async def test_openapi(api: Running) -> None:
    index = (await api.ask("GET", "/openapi/v3")).json["paths"]
    core = await api.ask("GET", index["api/v1"]["serverRelativeURL"])
    assert core.headers["Cache-Control"] == "public, immutable"
    patch = core.json["paths"]["/api/v1/namespaces/{namespace}/secrets/{name}"]["patch"]
    assert {"fieldValidation", "dryRun"} <= {p["name"] for p in patch["parameters"]}
    assert patch["x-kubernetes-group-version-kind"]["kind"] == "Secret"
    references = set(_references(core.json))
    schemas = core.json["components"]["schemas"]
    assert references <= {f"#/components/schemas/{name}" for name in schemas}
    whole = (await api.ask("GET", "/openapi/v2")).json
    assert whole["swagger"] == "2.0"
    assert set(_references(whole)) <= {f"#/definitions/{name}" for name in whole["definitions"]}
    ids = [
        o["operationId"]
        for item in core.json["paths"].values()
        for o in item.values()
        if isinstance(o, dict)
    ]
    assert len(ids) == len(set(ids))


def _references(tree: object) -> "list[str]":
    if isinstance(tree, dict):
        own = [tree["$ref"]] if isinstance(tree.get("$ref"), str) else []
        return own + [r for value in tree.values() for r in _references(value)]
    if isinstance(tree, list):
        return [r for value in tree for r in _references(value)]
    return []


async def test_index_and_what_is_not_there(api: Running) -> None:
    paths = (await api.ask("GET", "/")).json["paths"]
    assert {"/api/v1", "/livez/ping", "/metrics", "/openapi/v3"} <= set(paths)
    for path in paths:
        assert (await api.ask("GET", path)).code == 200, path
    missing = await api.ask("GET", "/none")
    assert (missing.code, missing.body) == (404, b"404 page not found\n")
    assert (await api.ask("POST", "/version")).code == 405


async def test_metrics_count_requests(api: Running) -> None:
    await api.ask("GET", f"{SECRETS}/none")
    text = (await api.ask("GET", "/metrics")).body.decode()
    (line,) = [
        li
        for li in text.splitlines()
        if li.startswith("apiserver_request_total{") and 'code="404"' in li
    ]
    assert 'resource="secrets"' in line
    assert 'verb="GET"' in line
    assert line.endswith(" 1.0")
    assert "process_resident_memory_bytes" in text


async def test_headers_of_every_answer(api: Running) -> None:
    answer = await api.ask("GET", f"{SECRETS}/none", headers={"Audit-ID": "my-id-1"})
    assert answer.headers["Audit-Id"] == "my-id-1"
    assert answer.headers["Cache-Control"] == "no-cache, private"
    forged = await api.ask("GET", f"{SECRETS}/none", headers={"Audit-ID": "x y{}"})
    assert forged.headers["Audit-Id"] != "x y{}"


async def test_audit_tells_who_did_what_and_never_values(api: Running) -> None:
    await api.ask("POST", SECRETS, secret("s", a="canary-value"))
    await api.ask("GET", "/livez")
    (event,) = api.audit_events()
    assert event["verb"] == "create"
    assert event["user"]["username"] == "kubernetes-admin"
    assert event["objectRef"] == {
        "resource": "secrets",
        "namespace": "default",
        "name": "s",
        "apiVersion": "v1",
    }
    assert event["responseStatus"]["code"] == 201
    assert event["annotations"]["authorization.k8s.io/decision"] == "allow"
    assert "canary" not in json.dumps(event)


async def test_values_stand_nowhere_in_the_data_directory(api: Running) -> None:
    await api.ask("POST", SECRETS, secret("s", a="canary-value"))
    files = [p for p in api.options.data_dir.rglob("*") if p.is_file()]
    assert any(p.suffix.startswith(".db") for p in files)
    for path in files:
        content = path.read_bytes()
        assert b"canary" not in content, path
        assert b"Y2FuYXJ5" not in content, path
        assert path.stat().st_mode & 0o077 == 0, path
