"""Admission of custom resources and their definitions: upstream's behaviours, and quotas."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.server.admission.conftest import MODULE, World
from tests.server.admission.hooks import answer, deny, patch
from tests.server.custom import (
    DEFINITIONS,
    GROUP,
    MERGE,
    V1,
    V2,
    change,
    crontab,
    define,
    definition,
    remove_all,
    version,
)

pytestmark = MODULE


@pytest_asyncio.fixture(loop_scope="module")
async def custom(world: World) -> AsyncIterator[World]:
    """Both servers, without any definition afterwards."""
    yield world
    await world.tidy()
    await remove_all(world.api)


def webhook(world: World, path: str, *operations: str, **changes: Any) -> dict[str, Any]:
    """A webhook about crontabs of v1."""
    rule = {
        "operations": list(operations) or ["CREATE", "UPDATE"],
        "apiGroups": [GROUP],
        "apiVersions": ["v1"],
        "resources": ["crontabs"],
    }
    return world.webhook(path, rule=rule, **changes)


async def test_deny_custom_resource_creation_update_and_deletion(custom: World) -> None:
    def judge(review: dict[str, Any]) -> Any:
        request = review["request"]
        seen = request["object"] or request["oldObject"]
        bad = seen["spec"].get("color") == "black" or request["operation"] == "DELETE"
        return deny(review, "the custom resource contains unwanted data") if bad else answer(review)

    custom.hooks.on["/cr"] = judge
    await define(custom.api, definition())
    await custom.register("validating", "cr", webhook(custom, "/cr", "*"))
    refused = await custom.ask("POST", V1, crontab("a", color="black"))
    assert refused.json["message"] == (
        'admission webhook "cr.example.com" denied the request: '
        "the custom resource contains unwanted data"
    )
    assert (await custom.ask("POST", V1, crontab("a"))).code == 201
    update = {"spec": {"color": "black"}}
    assert (await custom.ask("PATCH", f"{V1}/a", update, headers=MERGE)).code == 400
    assert (await custom.ask("DELETE", f"{V1}/a")).code == 400
    assert (await custom.ask("DELETE", V1)).code == 400
    await custom.tidy()
    assert (await custom.ask("DELETE", f"{V1}/a")).code == 200


async def test_deny_crd_creation(custom: World) -> None:
    custom.hooks.on["/crd"] = deny
    rule = {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"]}
    await custom.register("validating", "crd", custom.webhook("/crd", rule=rule))
    refused = await custom.ask("POST", DEFINITIONS, definition())
    assert refused.json["message"] == 'admission webhook "crd.example.com" denied the request: no'


async def test_mutate_custom_resource(custom: World) -> None:
    custom.hooks.on["/mutate"] = lambda review: patch(
        review, {"op": "add", "path": "/spec/color", "value": "red"}
    )
    await define(custom.api, definition())
    await custom.register("mutating", "mutate", webhook(custom, "/mutate"))
    made = await custom.ask("POST", V1, crontab("a"))
    assert (made.code, made.json["spec"]["color"]) == (201, "red")
    assert made.json["spec"]["image"] == "busybox", "defaults are filled in"


async def test_mutate_custom_resource_with_pruning(custom: World) -> None:
    steps = [
        {"op": "add", "path": "/spec/color", "value": "red"},
        {"op": "add", "path": "/spec/nowhere", "value": "declared"},
    ]
    custom.hooks.on["/prune"] = lambda review: patch(review, *steps)
    await define(custom.api, definition())
    await custom.register("mutating", "prune", webhook(custom, "/prune"))
    made = (await custom.ask("POST", V1, crontab("a"))).json
    assert made["spec"]["color"] == "red"
    assert "nowhere" not in made["spec"]


async def test_mutate_custom_resource_with_different_stored_version(custom: World) -> None:
    custom.hooks.on["/stored"] = lambda review: patch(
        review, {"op": "add", "path": "/spec/color", "value": review["request"]["operation"]}
    )
    await define(custom.api, definition(version(), version("v2")))
    await custom.register("mutating", "stored", webhook(custom, "/stored"))
    made = await custom.ask("POST", V1, crontab("a"))
    assert made.json["spec"]["color"] == "CREATE"
    versions = [version() | {"storage": False}, version("v2") | {"storage": True}]
    assert (await change(custom.api, f"crontabs.{GROUP}", {"versions": versions})).code == 200
    update = {"spec": {"replicas": 2}}
    changed = await custom.ask("PATCH", f"{V1}/a", update, headers=MERGE)
    assert changed.json["spec"] == made.json["spec"] | {"replicas": 2, "color": "UPDATE"}
    # Asked by another version, the webhook sees the object in the one that it registered for.
    other = await custom.ask("PATCH", f"{V2}/a", {"spec": {"replicas": 3}}, headers=MERGE)
    assert (other.code, other.json["apiVersion"]) == (200, f"{GROUP}/v2")
    request = custom.hooks.reviews("/stored")[-1]["request"]
    assert request["object"]["apiVersion"] == request["oldObject"]["apiVersion"] == f"{GROUP}/v1"
    assert request["kind"]["version"] == request["resource"]["version"] == "v1"
    assert request["requestKind"]["version"] == request["requestResource"]["version"] == "v2"


async def test_custom_objects_are_counted(custom: World) -> None:
    await define(custom.api, definition())
    name = f"count/crontabs.{GROUP}"
    path = "/api/v1/namespaces/default/resourcequotas"
    quota = {"metadata": {"name": "crons"}, "spec": {"hard": {name: "1"}}}
    made = (await custom.ask("POST", path, quota)).json
    made["status"] = {"hard": {name: "1"}, "used": {name: "0"}}
    assert (await custom.ask("PUT", f"{path}/crons/status", made)).code == 200
    assert (await custom.ask("POST", V1, crontab("a"))).code == 201
    refused = await custom.ask("POST", V1, crontab("b"))
    assert refused.code == 403
    assert f"exceeded quota: crons, requested: {name}=1" in refused.json["message"]
    await custom.ask("DELETE", f"{path}/crons")
