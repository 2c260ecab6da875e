"""Two workers over one store keep every promise of one: what one acknowledged, the other shows."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from contextlib import aclosing
from pathlib import Path
from typing import Any

from tests.server.fleet import Connection, FleetServer, connections
from tests.server.workers.conftest import (
    CORE,
    MAPS,
    SECRETS,
    definition,
    established,
    named,
    revision,
)


async def test_a_read_by_one_worker_shows_every_write_acknowledged_by_another(
    two: list[Connection],
) -> None:
    made = await two[0].done("POST", SECRETS, named("fresh", stringData={"n": "0"}))
    for number in range(300):
        writer, reader = two[number % 2], two[1 - number % 2]
        patch = {"metadata": {"labels": {"n": str(number)}}}
        made = await writer.done("PATCH", f"{SECRETS}/fresh", patch)
        seen = await reader.done("GET", f"{SECRETS}/fresh")
        assert seen == made
        listed = await reader.done("GET", f"{SECRETS}?labelSelector=n%3D{number}")
        assert [item["metadata"]["name"] for item in listed["items"]] == ["fresh"]
        assert revision(listed) >= revision(made)
    await two[0].done("DELETE", f"{SECRETS}/fresh")
    assert (await two[1].ask("GET", f"{SECRETS}/fresh")).code == 404


async def test_a_write_that_puts_back_what_another_worker_changed_is_done(
    two: list[Connection],
) -> None:
    await two[0].done("POST", MAPS, named("back", data={"v": "old"}))
    for _ in range(60):
        await two[0].done("PUT", f"{MAPS}/back", named("back", data={"v": "new"}))
        await two[1].done("PUT", f"{MAPS}/back", named("back", data={"v": "old"}))
        assert (await two[0].done("GET", f"{MAPS}/back"))["data"] == {"v": "old"}


async def test_revisions_that_conflict_across_workers_conflict(two: list[Connection]) -> None:
    await two[0].done("POST", MAPS, named("count", data={"n": "0"}))

    async def add(at: Connection) -> None:
        for _ in range(20):
            while True:
                obj = await at.done("GET", f"{MAPS}/count")
                obj["data"]["n"] = str(int(obj["data"]["n"]) + 1)
                answer = await at.ask("PUT", f"{MAPS}/count", obj)
                if answer.code == 200:
                    break
                assert answer.code == 409

    await asyncio.gather(*map(add, two))
    assert (await two[0].done("GET", f"{MAPS}/count"))["data"] == {"n": "40"}


async def test_a_hundred_watches_over_both_workers_see_one_order(
    fleet: FleetServer, two: list[Connection]
) -> None:
    # Of its own at every try: the server is the same.
    order = f"order-{secrets.token_hex(4)}"
    begin = revision(await two[0].done("GET", MAPS))
    seen: list[list[tuple[str, int]]] = [[] for _ in range(100)]

    async def follow(at: Connection, into: list[tuple[str, int]]) -> None:
        path = f"{MAPS}?watch=1&resourceVersion={begin}&timeoutSeconds=50"
        async with aclosing(at.events(path)) as events:
            async for event in events:
                name = event["object"]["metadata"]["name"]
                into.append((event["type"] + name, revision(event["object"])))
                if name == f"{order}-end":
                    return

    async def write(at: Connection, name: str) -> None:
        await at.done("POST", MAPS, named(name))
        for number in range(10):
            patch = {"data": {"n": str(number)}}
            await at.done("PATCH", f"{MAPS}/{name}", patch)
        await at.done("DELETE", f"{MAPS}/{name}")

    async with connections(fleet, 100) as watchers:
        watches = [
            asyncio.create_task(follow(at, into)) for at, into in zip(watchers, seen, strict=True)
        ]
        await asyncio.gather(*(write(two[i % 2], f"{order}-{i}") for i in range(6)))
        await two[0].done("POST", MAPS, named(f"{order}-end"))
        await asyncio.gather(*watches)
    assert all(events == seen[0] for events in seen)
    assert len(seen[0]) == 6 * 12 + 1
    assert [at for _, at in seen[0]] == sorted({at for _, at in seen[0]})


async def test_a_watch_is_resumed_at_another_worker_where_it_ended(two: list[Connection]) -> None:
    last = revision(await two[0].done("POST", MAPS, named("resumed")))
    seen, written = [], []
    for number in range(6):
        patch = {"data": {"n": str(number)}}
        written.append(revision(await two[0].done("PATCH", f"{MAPS}/resumed", patch)))
    for number in range(6):
        path = f"{MAPS}?watch=1&resourceVersion={last}&fieldSelector=metadata.name%3Dresumed"
        async with aclosing(two[number % 2].events(path)) as events:
            last = revision((await anext(events))["object"])
            seen.append(last)
    assert seen == written


async def test_a_page_continues_at_another_worker_as_of_the_first(two: list[Connection]) -> None:
    await two[0].done("POST", "/api/v1/namespaces", named("paged"))
    secrets = "/api/v1/namespaces/paged/secrets"
    for number in range(5):
        await two[0].done("POST", secrets, named(f"page-{number}", stringData={"n": "old"}))
    first = await two[0].done("GET", f"{secrets}?limit=2")
    await two[0].done("DELETE", f"{secrets}/page-3")
    await two[0].done("POST", secrets, named("page-35"))
    token = first["metadata"]["continue"]
    rest = await two[1].done("GET", f"{secrets}?limit=10&continue={token}")
    names = [item["metadata"]["name"] for item in [*first["items"], *rest["items"]]]
    assert names == [f"page-{number}" for number in range(5)]
    assert revision(rest) == revision(first)


async def test_a_definition_established_at_one_worker_is_served_by_the_other(
    two: list[Connection],
) -> None:
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for turn in range(4):
        group = f"g{turn}.example.com"
        maker, user = two[turn % 2], two[1 - turn % 2]
        await maker.done("POST", crds, definition(group))
        async with asyncio.timeout(30):
            while not established(await maker.done("GET", f"{crds}/things.{group}")):  # noqa: ASYNC110 - asked by HTTP
                await asyncio.sleep(0.01)
        thing = {"apiVersion": f"{group}/v1", "kind": "Thing", **named("one", spec={"size": 1})}
        path = f"/apis/{group}/v1/namespaces/default/things"
        await user.done("POST", path, thing)
        assert (await maker.done("GET", f"{path}/one"))["spec"] == {"size": 1}
        groups = await user.done("GET", "/apis")
        assert group in {one["name"] for one in groups["groups"]}
        await maker.done("DELETE", f"{crds}/things.{group}")


async def test_webhooks_made_at_one_worker_are_asked_by_the_other(two: list[Connection]) -> None:
    hooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    hook = {
        "name": "no.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "resources": ["configmaps"],
                "operations": ["CREATE"],
            }
        ],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    for turn in range(10):
        judge, writer = two[turn % 2], two[1 - turn % 2]
        await judge.done("POST", hooks, named("no", webhooks=[hook]))
        refused = await writer.ask("POST", MAPS, named(f"hooked-{turn}"))
        assert refused.code == 500
        await judge.done("DELETE", f"{hooks}/no")
        await writer.done("POST", MAPS, named(f"hooked-{turn}"))


async def test_a_namespace_made_or_ended_at_one_worker_is_so_at_the_other(
    two: list[Connection],
) -> None:
    for turn in range(10):
        maker, user = two[turn % 2], two[1 - turn % 2]
        await maker.done("POST", "/api/v1/namespaces", named(f"ns-{turn}"))
        maps = f"/api/v1/namespaces/ns-{turn}/configmaps"
        await user.done("POST", maps, named("one"))
        await maker.done("DELETE", f"/api/v1/namespaces/ns-{turn}")
        refused = await user.ask("POST", maps, named("two"))
        assert (refused.code, refused.json["details"]["causes"][0]["reason"]) == (
            403,
            "NamespaceTerminating",
        )


async def test_services_made_at_both_workers_share_no_address(fleet: FleetServer) -> None:
    spec = {"ports": [{"port": 80}], "type": "NodePort"}
    async with connections(fleet, 8) as many:
        made = await asyncio.gather(
            *(
                many[number % 8].done("POST", f"{CORE}/services", named(f"s{number}", spec=spec))
                for number in range(50)
            )
        )
    addresses = Counter(service["spec"]["clusterIP"] for service in made)
    ports = Counter(service["spec"]["ports"][0]["nodePort"] for service in made)
    assert len(addresses) == len(ports) == 50


async def test_quotas_are_kept_by_both_workers_together(fleet: FleetServer) -> None:
    space, hard = "/api/v1/namespaces/small", {"count/configmaps": "15"}
    async with connections(fleet, 8) as many:
        await many[0].done("POST", "/api/v1/namespaces", named("small"))
        quota = named("maps", spec={"hard": hard})
        await many[0].done("POST", f"{space}/resourcequotas", quota)
        # Upstream's quota controller does this.
        status = {"status": {"hard": hard, "used": {"count/configmaps": "0"}}}
        await many[0].done("PATCH", f"{space}/resourcequotas/maps/status", status)
        answers = await asyncio.gather(
            *(many[n % 8].ask("POST", f"{space}/configmaps", named(f"m{n}")) for n in range(40))
        )
        assert Counter(answer.code for answer in answers) == {201: 15, 403: 25}
        used = await many[1].done("GET", f"{space}/resourcequotas/maps")
    assert used["status"]["used"] == {"count/configmaps": "15"}


async def test_metrics_are_of_all_workers(two: list[Connection]) -> None:
    labels = {"verb": "GET", "resource": "nodes", "code": "404"}
    before = await two[0].metric("apiserver_request_total", **labels)
    for _ in range(5):
        for connection in two:
            await connection.ask("GET", "/api/v1/nodes/nobody")
    for connection in two:
        assert await connection.metric("apiserver_request_total", **labels) == before + 10
    assert await two[0].metric("python_info") == 1


async def test_the_audit_log_has_the_events_of_all_workers(
    fleet: FleetServer, two: list[Connection]
) -> None:
    for number in range(40):
        await two[number % 2].ask("GET", f"/api/v1/nodes/audited-{number}")
    names = {f"audited-{number}" for number in range(40)}
    async with asyncio.timeout(60):
        while names - _audited(fleet):  # noqa: ASYNC110 - another process writes the file
            await asyncio.sleep(0.05)
    events = fleet.audit_events()
    asked = [e for e in events if e.get("objectRef", {}).get("name") in names]
    assert len(asked) == 40


def _audited(fleet: FleetServer) -> set[str]:
    return {event.get("objectRef", {}).get("name") for event in fleet.audit_events()}


def _limits(pid: int) -> str:
    return Path(f"/proc/{pid}/limits").read_text()


async def test_health_and_what_is_told_of_the_workers(
    fleet: FleetServer, two: list[Connection]
) -> None:
    for connection in two:
        for path in ("/livez", "/readyz", "/healthz"):
            assert (await connection.ask("GET", path)).body == b"ok"
    assert fleet.facts["pid"] == fleet.process.pid
    assert [worker["ready"] for worker in fleet.facts["workers"]] == [True, True]
    for pid in fleet.pids:
        assert "Max core file size        0 " in _limits(pid)


async def test_reads_through_every_worker_are_told_and_metrics_are_not_added_up(
    two: list[Connection],
) -> None:
    usages = "/apis/strongroom.io/v1alpha1/namespaces/default/secretusages"
    for i in range(2):
        await two[0].done("POST", SECRETS, named(f"read-{i}", stringData={"n": "0"}))
    await two[0].done("GET", f"{SECRETS}/read-0")
    await two[1].done("GET", f"{SECRETS}/read-1")
    async with asyncio.timeout(30):
        for i in range(2):
            while (await two[i].ask("GET", f"{usages}/read-{i}")).code != 200:  # noqa: ASYNC110 - tasks of other processes
                await asyncio.sleep(0.05)
    for connection in two:
        page = (await connection.ask("GET", "/metrics")).body.decode()
        lines = [line for line in page.splitlines() if 'name="read-0"' in line]
        assert len(lines) == 1
        assert lines[0].startswith("strongroom_secret_age_seconds{")
        assert 0 <= float(lines[0].rpartition(" ")[2]) < 3600
    for i in range(2):
        await two[0].done("DELETE", f"{SECRETS}/read-{i}")


async def test_what_is_read_through_any_worker_is_one_incident(two: list[Connection]) -> None:
    await two[0].done("POST", SECRETS, named("listed", stringData={"n": "0"}))
    answers = [await connection.ask("GET", "/api/v1/secrets") for connection in two]
    ids = {answer.headers["Audit-ID"] for answer in answers}
    path = "/apis/strongroom.io/v1alpha1/secretalerts?fieldSelector=spec.rule%3Dall-namespaces"
    found: list[Any] = []
    async with asyncio.timeout(30):
        while not any(ids <= set(alert["spec"]["auditIDs"]) for alert in found):
            found = (await two[0].done("GET", path))["items"]
            await asyncio.sleep(0.05)
    assert len(found) == 1
    for connection in two:
        page = (await connection.ask("GET", "/metrics")).body.decode()
        assert 'strongroom_alerts_total{rule="all-namespaces",severity="high"} 1.0' in page
