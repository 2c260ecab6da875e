"""ResourceQuotas: what is used is charged before it is stored, and never more than there is."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from tests.server.admission.conftest import MODULE, World
from tests.server.admission.hooks import answer

pytestmark = MODULE

QUOTAS = "/api/v1/namespaces/{}/resourcequotas"


async def namespace(world: World, name: str) -> str:
    made = await world.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert made.code == 201
    return f"/api/v1/namespaces/{name}"


async def quota(
    world: World,
    ns: str,
    hard: dict[str, str],
    used: dict[str, str] | None = None,
    name: str = "q",
    **spec: Any,
) -> str:
    """A quota as its controller leaves it, with nothing used unless said otherwise."""
    path = f"{ns}/resourcequotas"
    made = await world.ask(
        "POST", path, {"metadata": {"name": name}, "spec": {"hard": hard} | spec}
    )
    assert made.code == 201, made.body
    status = {"hard": hard, "used": used if used is not None else dict.fromkeys(hard, "0")}
    body = made.json | {"status": status}
    assert (await world.ask("PUT", f"{path}/{name}/status", body)).code == 200
    return f"{path}/{name}"


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}} | more


def pod(name: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "i"} | spec.pop("container", {})
    return named(name, spec={"containers": [container]} | spec)


async def used(world: World, path: str) -> dict[str, str]:
    status: dict[str, str] = (await world.ask("GET", path)).json["status"]["used"]
    return status


async def test_a_quota_is_charged_until_it_is_full(world: World) -> None:
    ns = await namespace(world, "full")
    path = await quota(world, ns, {"secrets": "2", "count/secrets": "5"})
    assert [(await world.ask("POST", f"{ns}/secrets", named(f"s{i}"))).code for i in range(2)] == [
        201,
        201,
    ]
    assert await used(world, path) == {"count/secrets": "2", "secrets": "2"}
    refused = await world.ask("POST", f"{ns}/secrets", named("s2"))
    assert (refused.code, refused.json["reason"]) == (403, "Forbidden")
    assert refused.json["message"] == (
        'secrets "s2" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=2, '
        "limited: secrets=2"
    )
    assert (await world.ask("POST", f"{ns}/configmaps", named("free"))).code == 201


async def test_64_creations_at_the_border_never_exceed_the_quota(world: World) -> None:
    ns = await namespace(world, "border")
    path = await quota(world, ns, {"secrets": "40"}, {"secrets": "8"})
    made = await asyncio.gather(
        *(world.ask("POST", f"{ns}/secrets", named(f"s{i}")) for i in range(64))
    )
    codes = sorted(answer.code for answer in made)
    assert codes == [201] * 32 + [403] * 32
    assert await used(world, path) == {"secrets": "40"}
    assert len((await world.ask("GET", f"{ns}/secrets")).json["items"]) == 32


async def test_charging_goes_on_when_others_write_the_quota(world: World) -> None:
    ns = await namespace(world, "shared")
    path = await quota(world, ns, {"secrets": "30"})

    async def annotate(i: int) -> int:
        change = {"metadata": {"annotations": {"round": str(i)}}}
        headers = {"Content-Type": "application/merge-patch+json"}
        return (await world.ask("PATCH", path, change, headers=headers)).code

    async def create(i: int) -> int:
        return (await world.ask("POST", f"{ns}/secrets", named(f"s{i}"))).code

    codes = await asyncio.gather(*(f(i) for i in range(20) for f in (annotate, create)))
    assert sorted(codes) == [200] * 20 + [201] * 20
    assert await used(world, path) == {"secrets": "20"}


async def test_a_dry_run_is_judged_and_charges_nothing(world: World) -> None:
    ns = await namespace(world, "dry")
    path = await quota(world, ns, {"secrets": "1"})
    for _ in range(2):
        assert (await world.ask("POST", f"{ns}/secrets?dryRun=All", named("s"))).code == 201
    assert await used(world, path) == {"secrets": "0"}
    assert (await world.ask("POST", f"{ns}/secrets", named("s"))).code == 201
    assert (await world.ask("POST", f"{ns}/secrets?dryRun=All", named("t"))).code == 403


async def test_usage_that_nobody_has_counted_yet(world: World) -> None:
    ns = await namespace(world, "unknown")
    await quota(world, ns, {"secrets": "9", "configmaps": "9"}, {"configmaps": "0"})
    refused = await world.ask("POST", f"{ns}/secrets", named("s"))
    assert refused.json["message"] == (
        'secrets "s" is forbidden: status unknown for quota: q, resources: secrets'
    )
    assert (await world.ask("POST", f"{ns}/configmaps", named("c"))).code == 201


async def test_of_several_quotas_each_is_charged_and_any_refuses(world: World) -> None:
    ns = await namespace(world, "several")
    wide = await quota(world, ns, {"secrets": "10"}, name="wide")
    narrow = await quota(world, ns, {"secrets": "1"}, name="narrow")
    assert (await world.ask("POST", f"{ns}/secrets", named("a"))).code == 201
    refused = await world.ask("POST", f"{ns}/secrets", named("b"))
    assert "exceeded quota: narrow," in refused.json["message"]
    assert (await used(world, wide), await used(world, narrow)) == ({"secrets": "1"},) * 2


async def test_pods_must_say_what_a_quota_counts(world: World) -> None:
    ns = await namespace(world, "saying")
    hard = {"limits.cpu": "1", "requests.memory": "1Gi", "pods": "3"}
    path = await quota(world, ns, hard)
    refused = await world.ask("POST", f"{ns}/pods", pod("silent"))
    assert refused.json["message"] == (
        'pods "silent" is forbidden: failed quota: q: must specify limits.cpu for: c; '
        "requests.memory for: c"
    )
    needs = {"resources": {"limits": {"cpu": "600m"}, "requests": {"memory": "300Mi"}}}
    assert (await world.ask("POST", f"{ns}/pods", pod("a", container=needs))).code == 201
    assert await used(world, path) == {
        "limits.cpu": "600m",
        "pods": "1",
        "requests.memory": "300Mi",
    }
    refused = await world.ask("POST", f"{ns}/pods", pod("b", container=needs))
    assert refused.json["message"] == (
        'pods "b" is forbidden: exceeded quota: q, requested: limits.cpu=600m, '
        "used: limits.cpu=600m, limited: limits.cpu=1"
    )


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ("Terminating", {"activeDeadlineSeconds": 60}, {}),
        ("NotTerminating", {}, {"activeDeadlineSeconds": 60}),
        ("BestEffort", {}, {"container": {"resources": {"requests": {"cpu": "1m"}}}}),
        ("NotBestEffort", {"container": {"resources": {"requests": {"cpu": "1m"}}}}, {}),
    ],
)
async def test_scopes(
    world: World, scope: str, inside: dict[str, Any], outside: dict[str, Any]
) -> None:
    ns = await namespace(world, f"scope-{scope.lower()}")
    path = await quota(world, ns, {"pods": "1"}, scopes=[scope])
    for name, spec, expected in (("out", outside, "0"), ("in", inside, "1")):
        assert (await world.ask("POST", f"{ns}/pods", pod(name, **dict(spec)))).code == 201
        assert await used(world, path) == {"pods": expected}
    assert (await world.ask("POST", f"{ns}/pods", pod("more", **dict(inside)))).code == 403


async def test_any_kind_is_counted_by_its_name(world: World) -> None:
    ns = await namespace(world, "counted")
    path = await quota(world, ns, {"count/leases.coordination.k8s.io": "1"})
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{ns.rpartition('/')[2]}/leases"
    assert (await world.ask("POST", leases, named("a"))).code == 201
    refused = await world.ask("POST", leases, named("b"))
    assert refused.json["message"] == (
        'leases.coordination.k8s.io "b" is forbidden: exceeded quota: q, '
        "requested: count/leases.coordination.k8s.io=1, "
        "used: count/leases.coordination.k8s.io=1, limited: count/leases.coordination.k8s.io=1"
    )
    assert await used(world, path) == {"count/leases.coordination.k8s.io": "1"}


async def test_a_service_that_changes_its_type_is_charged_for_the_change(world: World) -> None:
    ns = await namespace(world, "services")
    hard = {"services": "5", "services.nodeports": "1"}
    path = await quota(world, ns, hard)
    service = named("s", spec={"ports": [{"port": 80}], "selector": {"a": "b"}})
    made = await world.ask("POST", f"{ns}/services", service)
    assert made.code == 201
    assert await used(world, path) == {"services": "1", "services.nodeports": "0"}
    tree = made.json
    tree["spec"]["type"] = "NodePort"
    assert (await world.ask("PUT", f"{ns}/services/s", tree)).code == 200
    assert await used(world, path) == {"services": "1", "services.nodeports": "1"}
    other = named("t", spec={"type": "NodePort", "ports": [{"port": 80}]})
    assert (await world.ask("POST", f"{ns}/services", other)).code == 403


async def test_the_quota_is_charged_for_what_webhooks_made_of_an_object(world: World) -> None:
    ns = await namespace(world, "hooked")
    step = {"op": "add", "path": "/spec/containers/0/resources/requests", "value": {"cpu": "2"}}
    encoded = base64.b64encode(json.dumps([step]).encode()).decode()
    world.hooks.on["/cpu"] = lambda review: answer(review, patch=encoded, patchType="JSONPatch")
    selector = {"matchLabels": {"kubernetes.io/metadata.name": "hooked"}}
    await world.register(
        "mutating", "cpu", world.webhook("/cpu", "pods", namespaceSelector=selector)
    )
    path = await quota(world, ns, {"requests.cpu": "3"})
    assert (await world.ask("POST", f"{ns}/pods", pod("a"))).code == 201
    assert await used(world, path) == {"requests.cpu": "2"}
