"""Addresses and node ports of Services: given once, kept, free again; what a start makes."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.server.conftest import Running, running

MODULE = pytest.mark.asyncio(loop_scope="module")
SERVICES = "/api/v1/namespaces/default/services"
MERGE = {"Content-Type": "application/merge-patch+json"}
RANGE = "--service-cluster-ip-range=10.7.0.0/27"
NETWORK = ipaddress.ip_network("10.7.0.0/27")
Tree = dict[str, Any]


def service(name: str, **spec: Any) -> Tree:
    """A Service with one port."""
    ports = spec.pop("ports", [{"port": 80}])
    return {"metadata": {"name": name}, "spec": {"ports": ports, "selector": {"a": "b"}, **spec}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A server with thirty addresses for Services."""
    async with running(tmp_path_factory.mktemp("addresses"), RANGE) as run:
        yield run


@pytest_asyncio.fixture(loop_scope="module")
async def api(server: Running) -> AsyncIterator[Running]:
    """The server, with no Service but its own."""
    yield server
    for item in (await server.ask("GET", SERVICES)).json["items"]:
        if item["metadata"]["name"] != "kubernetes":
            await server.ask("DELETE", f"{SERVICES}/{item['metadata']['name']}")


async def create(api: Running, name: str, **spec: Any) -> Tree:
    answer = await api.ask("POST", SERVICES, service(name, **spec))
    assert answer.code == 201, answer.body
    made: Tree = answer.json["spec"]
    return made


async def refused(api: Running, name: str, **spec: Any) -> tuple[int, list[str]]:
    answer = await api.ask("POST", SERVICES, service(name, **spec))
    causes = answer.json.get("details", {}).get("causes", [])
    return answer.code, [f"{cause['field']}: {cause['message']}" for cause in causes]


@MODULE
async def test_addresses_given_at_the_same_time_are_all_different(api: Running) -> None:
    made = await asyncio.gather(
        *(create(api, f"s{i}", type="NodePort") for i in range(20)),
    )
    addresses = {spec["clusterIP"] for spec in made}
    ports = {spec["ports"][0]["nodePort"] for spec in made}
    assert (len(addresses), len(ports)) == (20, 20)
    assert all(ipaddress.ip_address(ip) in NETWORK for ip in addresses)
    assert all(spec["clusterIPs"] == [spec["clusterIP"]] for spec in made)
    assert all(30000 <= port <= 32767 for port in ports)


@MODULE
async def test_a_full_range_says_so_and_a_deletion_makes_room(api: Running) -> None:
    """Thirty addresses, of which the server's own Service has the first."""
    for i in range(29):
        await create(api, f"s{i}")
    answer = await api.ask("POST", SERVICES, service("more"))
    assert answer.code == 500
    assert answer.json["message"].endswith("failed to allocate a serviceIP: range is full")
    freed = (await api.ask("GET", f"{SERVICES}/s7")).json["spec"]["clusterIP"]
    await api.ask("DELETE", f"{SERVICES}/s7")
    assert (await create(api, "more"))["clusterIP"] == freed


@MODULE
async def test_an_address_or_port_that_is_taken_is_refused(api: Running) -> None:
    await create(api, "one", clusterIP="10.7.0.9", type="NodePort", ports=[port(80, 30080)])
    code, causes = await refused(api, "two", clusterIP="10.7.0.9")
    assert code == 422
    assert causes == [
        (
            'spec.clusterIPs: Invalid value: ["10.7.0.9"]: failed to allocate IP 10.7.0.9: '
            "provided IP is already allocated"
        )
    ]
    code, causes = await refused(api, "two", type="NodePort", ports=[port(80, 30080)])
    assert causes == [
        ("spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated")
    ]
    # The same number of another protocol is another port.
    other = port(80, 30080) | {"protocol": "UDP"}
    assert (await create(api, "two", type="NodePort", ports=[other]))["ports"][0][
        "nodePort"
    ] == 30080


@MODULE
async def test_what_is_out_of_range_is_refused(api: Running) -> None:
    for ip in ("10.8.0.1", "10.7.0.0", "10.7.0.31"):
        code, causes = await refused(api, "far", clusterIP=ip)
        assert code == 422
        assert f"the provided IP ({ip}) is not in the valid range" in causes[0]
    code, causes = await refused(api, "far", type="NodePort", ports=[port(80, 80)])
    assert causes == [
        (
            "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. "
            "The range of valid ports is 30000-32767"
        )
    ]


@MODULE
async def test_a_dry_run_holds_nothing(api: Running) -> None:
    answer = await api.ask("POST", f"{SERVICES}?dryRun=All", service("dry", clusterIP="10.7.0.9"))
    assert answer.json["spec"]["clusterIP"] == "10.7.0.9"
    assert (await create(api, "real", clusterIP="10.7.0.9"))["clusterIP"] == "10.7.0.9"


@MODULE
async def test_to_an_external_name_and_back(api: Running) -> None:
    """The address is given back on the way, and another one may have it."""
    before = await create(api, "s")
    patch: Tree = {"spec": {"type": "ExternalName", "externalName": "example.com"}}
    # As upstream: what must go with the type is taken off by the server if nobody set it anew.
    answer = await api.ask("PATCH", f"{SERVICES}/s", patch, headers=MERGE)
    assert answer.code == 200, answer.body
    assert "clusterIP" not in answer.json["spec"]
    assert (await create(api, "heir", clusterIP=before["clusterIP"]))["clusterIP"]
    patch = {"spec": {"type": "ClusterIP", "externalName": None}}
    answer = await api.ask("PATCH", f"{SERVICES}/s", patch, headers=MERGE)
    assert answer.code == 200, answer.body
    now = answer.json["spec"]["clusterIP"]
    assert ipaddress.ip_address(now) in NETWORK
    assert now != before["clusterIP"]


@MODULE
async def test_headless_services_have_no_address(api: Running) -> None:
    made = await create(api, "headless", clusterIP="None")
    assert made["clusterIPs"] == ["None"]


@MODULE
async def test_an_update_keeps_what_was_given(api: Running) -> None:
    before = await create(api, "s", type="NodePort")
    answer = await api.ask("PUT", f"{SERVICES}/s", service("s", type="NodePort"))
    assert answer.code == 200, answer.body
    assert answer.json["spec"]["clusterIP"] == before["clusterIP"]
    assert answer.json["spec"]["ports"] == before["ports"]


@MODULE
async def test_the_server_has_a_service_of_its_own(api: Running) -> None:
    own = (await api.ask("GET", f"{SERVICES}/kubernetes")).json
    assert own["spec"]["clusterIP"] == "10.7.0.1"
    assert [(p["port"], p["targetPort"]) for p in own["spec"]["ports"]] == [
        (443, int(api.server.url.rsplit(":", 1)[1]))
    ]
    points = await api.ask("GET", "/api/v1/namespaces/default/endpoints/kubernetes")
    assert points.code == 200
    found = (await api.ask("GET", "/apis/apiregistration.k8s.io/v1/apiservices")).json["items"]
    names = {item["metadata"]["name"] for item in found}
    assert {"v1.", "v1.apps", "v1.batch", "v1.events.k8s.io"} <= names


async def test_what_every_cluster_has_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.server.duties.BUILTINS", 0.2)
    async with running(tmp_path, RANGE) as run:
        points = "/api/v1/namespaces/default/endpoints/kubernetes"
        before = (await run.ask("GET", points)).json
        for path in (f"{SERVICES}/kubernetes", "/api/v1/namespaces/kube-node-lease"):
            deleted = (await run.ask("DELETE", path)).json
            uid = deleted["metadata"].get("uid") or deleted["details"]["uid"]
            if "namespaces/kube" in path:
                await run.ask("PUT", f"{path}/finalize", {**deleted, "spec": {}})
            await until_code(run, path, 200)
            assert (await run.ask("GET", path)).json["metadata"]["uid"] != uid
        assert (await run.ask("GET", f"{SERVICES}/kubernetes")).json["spec"][
            "clusterIP"
        ] == "10.7.0.1"
        # What is as it should be is not written again.
        assert (await run.ask("GET", points)).json == before


@MODULE
async def test_custom_groups_have_an_api_service_while_they_are_there(api: Running) -> None:
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "foos", "kind": "Foo"}
    spec = {"group": "a.example.com", "scope": "Cluster", "names": names, "versions": [version]}
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    obj = {"metadata": {"name": "foos.a.example.com"}, "spec": spec}
    assert (await api.ask("POST", path, obj)).code == 201
    told = "/apis/apiregistration.k8s.io/v1/apiservices/v1.a.example.com"
    await until_code(api, told, 200)
    await api.ask("DELETE", f"{path}/foos.a.example.com")
    await until_code(api, told, 404)


async def until_code(api: Running, path: str, code: int) -> None:
    async with asyncio.timeout(60):
        while (await api.ask("GET", path)).code != code:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.1)


async def test_a_second_start_gives_no_address_twice(tmp_path: Path) -> None:
    async with running(tmp_path, RANGE) as run:
        made = [await create(run, f"s{i}", type="NodePort") for i in range(14)]
        own = (await run.ask("GET", f"{SERVICES}/kubernetes")).json["metadata"]["uid"]
    async with running(tmp_path, RANGE) as run:
        made += [await create(run, f"t{i}", type="NodePort") for i in range(15)]
        again = (await run.ask("GET", f"{SERVICES}/kubernetes")).json
    assert again["metadata"]["uid"] == own
    assert len({spec["clusterIP"] for spec in made} | {"10.7.0.1"}) == 30
    assert len({spec["ports"][0]["nodePort"] for spec in made}) == 29


def port(number: int, node_port: int) -> Tree:
    return {"port": number, "nodePort": node_port}
