"""``pods/log``: the node's answer passed through, from a real TLS server in the node's place."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.server.conftest import Running

PODS = "/api/v1/namespaces/default/pods"


@contextlib.asynccontextmanager
async def a_node(api: Running, certificate: str = "node-serving") -> AsyncIterator[list[Any]]:
    """A node that echoes what it is asked, on the port that its Node object tells."""
    asked: list[Any] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peercert") if request.transport else None
        asked.append((request.path, dict(request.query), peer))
        if request.match_info["container"] == "waiting":
            text = 'container "waiting" in pod "p" is waiting to start: ContainerCreating'
            return web.Response(status=400, text=text)
        if request.match_info["container"] == "broken":
            return web.Response(status=500, text="canary")
        return web.Response(text="line 1\nline 2\n")

    node = web.Application()
    node.router.add_get("/containerLogs/{namespace}/{pod}/{container}", serve)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(api.pki.ca_file))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(*api.pki.files(certificate))
    runner = web.AppRunner(node)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    await register(api, runner.addresses[0][1])
    try:
        yield asked
    finally:
        await runner.cleanup()


async def register(api: Running, port: int) -> None:
    """The Node object n1, and the pod p bound to it."""
    status = {
        "addresses": [
            {"type": "Hostname", "address": "does-not-resolve.invalid"},
            {"type": "InternalIP", "address": "127.0.0.1"},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    made = await api.ask("POST", "/api/v1/nodes", {"metadata": {"name": "n1"}, "status": status})
    assert made.code == 201, made.body
    containers = [{"name": n, "image": "i"} for n in ("main", "waiting", "broken")]
    await make_pod(api, "p", containers, node="n1")


async def make_pod(api: Running, name: str, containers: list[Any], node: str = "") -> None:
    spec = {"containers": containers, "nodeName": node}
    made = await api.ask("POST", PODS, {"metadata": {"name": name}, "spec": spec})
    assert made.code == 201, made.body


async def test_a_log_is_passed_through(api: Running) -> None:
    async with a_node(api) as asked:
        query = "container=main&follow=true&tailLines=5&timestamps=1&previous=false&sinceSeconds=9"
        answer = await api.ask("GET", f"{PODS}/p/log?{query}", headers={"Accept": "text/plain"})
    assert (answer.code, answer.body) == (200, b"line 1\nline 2\n")
    assert answer.headers["Content-Type"].startswith("text/plain")
    ((path, parameters, peer),) = asked
    assert path == "/containerLogs/default/p/main"
    assert parameters == {
        "follow": "true",
        "tailLines": "5",
        "timestamps": "true",
        "sinceSeconds": "9",
    }
    names = dict(item for part in peer["subject"] for item in part)
    assert names["commonName"] == "kube-apiserver-kubelet-client"


async def test_what_a_node_refuses(api: Running) -> None:
    async with a_node(api):
        waiting = await api.ask("GET", f"{PODS}/p/log?container=waiting")
        assert (waiting.code, waiting.json["message"]) == (
            400,
            'container "waiting" in pod "p" is waiting to start: ContainerCreating',
        )
        broken = await api.ask("GET", f"{PODS}/p/log?container=broken")
    assert broken.code == 500
    assert b"canary" not in broken.body


async def test_a_node_must_show_its_own_certificate(api: Running) -> None:
    async with a_node(api, "apiserver") as asked:
        answer = await api.ask("GET", f"{PODS}/p/log?container=main")
    assert (answer.code, asked) == (500, [])


async def test_choosing_a_container(api: Running) -> None:
    await make_pod(api, "two", [{"name": n, "image": "i"} for n in ("a", "b")])
    unnamed = await api.ask("GET", f"{PODS}/two/log")
    assert (unnamed.code, unnamed.json["message"]) == (
        400,
        "a container name must be specified for pod two, choose one of: [a b]",
    )
    wrong = await api.ask("GET", f"{PODS}/two/log?container=c")
    assert wrong.json["message"] == "container c is not valid for pod two"
    unbound = await api.ask("GET", f"{PODS}/two/log?container=a")
    assert (unbound.code, unbound.body) == (200, b"")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("tailLines=-1", 422),
        ("limitBytes=0", 422),
        ("sinceSeconds=0", 422),
        ("tailLines=x", 400),
        ("sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422),
        ("sinceTime=yesterday", 400),
    ],
)
async def test_bad_options(api: Running, query: str, code: int) -> None:
    await make_pod(api, "p", [{"name": "a", "image": "i"}])
    assert (await api.ask("GET", f"{PODS}/p/log?{query}")).code == code


async def test_a_missing_pod_and_a_missing_node(api: Running) -> None:
    assert (await api.ask("GET", f"{PODS}/none/log")).code == 404
    assert (await api.ask("POST", f"{PODS}/none/log", {})).code == 405
    await make_pod(api, "p", [{"name": "a", "image": "i"}], node="gone")
    assert (await api.ask("GET", f"{PODS}/p/log")).code == 404
