"""The behaviours that upstream's conformance tests of admission webhooks ask for, by their names.

Left out: "deny attaching pod", for there is no such endpoint here.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.server.admission.conftest import MODULE, World
from tests.server.admission.hooks import answer, deny, patch
from tests.server.admission.rules import REGISTRATION

pytestmark = MODULE

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
KINDS = ["mutating", "validating"]
BAD_CONDITION = [{"name": "bad", "expression": "object.metadata.name =="}]
GOOD_CONDITION = [{"name": "good", "expression": "object.metadata.name != 'skip-me'"}]


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


def pod(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


@pytest.mark.parametrize("kind", KINDS)
async def test_listing_webhooks_should_work(world: World, kind: str) -> None:
    world.hooks.on["/list"] = deny
    for i in range(3):
        webhook = world.webhook("/list") | {"name": f"list{i}.example.com"}
        assert (await world.register(kind, f"list-{i}", webhook)).code == 201
    collection = f"{REGISTRATION}/{kind}webhookconfigurations"
    listed = (await world.ask("GET", collection)).json
    assert [item["metadata"]["name"] for item in listed["items"]] == ["list-0", "list-1", "list-2"]
    assert (await world.ask("POST", MAPS, config_map("listed"))).code == 400
    assert (await world.ask("DELETE", collection)).code == 200
    assert (await world.ask("POST", MAPS, config_map("listed"))).code == 201
    await world.ask("DELETE", f"{MAPS}/listed")


@pytest.mark.parametrize("kind", KINDS)
async def test_patching_and_updating_a_configuration_should_work(world: World, kind: str) -> None:
    world.hooks.on["/change"] = deny
    made = (await world.register(kind, "change", world.webhook("/change"))).json
    assert made["metadata"]["generation"] == 1
    path = f"{REGISTRATION}/{kind}webhookconfigurations/change"
    made["webhooks"][0]["rules"][0]["operations"] = ["UPDATE"]
    updated = await world.ask("PUT", path, made)
    assert (updated.code, updated.json["metadata"]["generation"]) == (200, 2)
    assert (await world.ask("POST", MAPS, config_map("changed"))).code == 201
    steps = [{"op": "replace", "path": "/webhooks/0/rules/0/operations", "value": ["CREATE"]}]
    patched = await world.ask(
        "PATCH", path, steps, headers={"Content-Type": "application/json-patch+json"}
    )
    assert patched.json["metadata"]["generation"] == 3
    assert (await world.ask("POST", MAPS, config_map("changed-2"))).code == 400
    await world.ask("DELETE", f"{MAPS}/changed")


@pytest.mark.parametrize("kind", KINDS)
async def test_create_and_update_with_valid_match_conditions(world: World, kind: str) -> None:
    webhook = world.webhook("/conditions", matchConditions=GOOD_CONDITION)
    made = await world.register(kind, "conditions", webhook)
    assert made.json["webhooks"][0]["matchConditions"] == GOOD_CONDITION
    tree = made.json
    more = [*GOOD_CONDITION, {"name": "more", "expression": "request.operation == 'CREATE'"}]
    tree["webhooks"][0]["matchConditions"] = more
    path = f"{REGISTRATION}/{kind}webhookconfigurations/conditions"
    updated = await world.ask("PUT", path, tree)
    assert updated.json["webhooks"][0]["matchConditions"] == more


@pytest.mark.parametrize("kind", KINDS)
async def test_reject_configurations_with_invalid_match_conditions(world: World, kind: str) -> None:
    webhook = world.webhook("/conditions", matchConditions=BAD_CONDITION)
    refused = await world.register(kind, "bad-conditions", webhook)
    assert refused.code == 422
    message = refused.json["message"]
    where = 'webhooks[0].matchConditions[0].expression: Invalid value: "object.metadata.name =="'
    assert f"{where}: compilation failed: ERROR: <input>:1:24: Syntax error" in message


async def test_mutate_everything_except_skip_me_configmaps(world: World) -> None:
    step = {"op": "add", "path": "/data/mutated", "value": "yes"}
    world.hooks.on["/except"] = lambda review: patch(review, step)
    webhook = world.webhook("/except", matchConditions=GOOD_CONDITION)
    await world.register("mutating", "except", webhook)
    skipped = await world.ask("POST", MAPS, config_map("skip-me", a="b"))
    assert skipped.json["data"] == {"a": "b"}
    changed = await world.ask("POST", MAPS, config_map("take-me", a="b"))
    assert changed.json["data"] == {"a": "b", "mutated": "yes"}
    assert len(world.hooks.asked) == 1
    for name in ("skip-me", "take-me"):
        await world.ask("DELETE", f"{MAPS}/{name}")


async def test_deny_pod_and_configmap_creation(world: World) -> None:
    world.hooks.on["/deny"] = lambda review: deny(
        review, "the name is not wanted", code=403, reason="Forbidden"
    )
    rule = {"resources": ["pods", "configmaps"], "operations": ["CREATE", "UPDATE"]}
    webhook = world.webhook("/deny", rule=rule, objectSelector={"matchLabels": {"deny": "yes"}})
    await world.register("validating", "deny", webhook)
    for path, body in ((PODS, pod("denied")), (MAPS, config_map("denied"))):
        labelled = body | {"metadata": {"name": "denied", "labels": {"deny": "yes"}}}
        refused = await world.ask("POST", path, labelled)
        assert (refused.code, refused.json["reason"]) == (403, "Forbidden")
        assert refused.json["message"] == (
            'admission webhook "deny.example.com" denied the request: the name is not wanted'
        )
    made = await world.ask("POST", MAPS, config_map("allowed"))
    assert made.code == 201
    change = {"metadata": {"labels": {"deny": "yes"}}}
    for media_type in ("merge-patch", "strategic-merge-patch"):
        headers = {"Content-Type": f"application/{media_type}+json"}
        refused = await world.ask("PATCH", f"{MAPS}/allowed", change, headers=headers)
        assert refused.code == 403
    await world.ask("DELETE", f"{MAPS}/allowed")


async def test_honor_timeout(world: World) -> None:
    released = asyncio.Event()

    async def slow(review: dict[str, Any]) -> Any:
        await released.wait()
        return answer(review)

    world.hooks.on["/slow"] = slow
    await world.register("validating", "slow", world.webhook("/slow", timeoutSeconds=1))
    refused = await world.ask("POST", MAPS, config_map("slow"))
    assert refused.code == 500
    assert refused.json["message"] == (
        'Internal error occurred: failed calling webhook "slow.example.com": failed to call '
        f'webhook: Post "https://127.0.0.1:{world.hooks.port}/slow?timeout=1s": '
        "context deadline exceeded"
    )
    await world.tidy()
    lenient = world.webhook("/slow", timeoutSeconds=1, failurePolicy="Ignore")
    await world.register("validating", "slow", lenient)
    assert (await world.ask("POST", MAPS, config_map("slow"))).code == 201
    released.set()
    await world.ask("DELETE", f"{MAPS}/slow")


async def test_include_webhook_resources_in_discovery_documents(world: World) -> None:
    groups = (await world.ask("GET", "/apis")).json["groups"]
    (group,) = [g for g in groups if g["name"] == "admissionregistration.k8s.io"]
    assert {"groupVersion": "admissionregistration.k8s.io/v1", "version": "v1"} in group["versions"]
    resources = (await world.ask("GET", REGISTRATION)).json["resources"]
    names = {r["name"] for r in resources}
    assert {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"} <= names


async def test_mutate_configmap(world: World) -> None:
    def first(review: dict[str, Any]) -> Any:
        return patch(review, {"op": "add", "path": "/data/stage-1", "value": "yes"})

    def second(review: dict[str, Any]) -> Any:
        assert review["request"]["object"]["data"]["stage-1"] == "yes"
        return patch(review, {"op": "add", "path": "/data/stage-2", "value": "yes"})

    world.hooks.on |= {"/first": first, "/second": second}
    await world.register("mutating", "a", world.webhook("/first"))
    await world.register("mutating", "b", world.webhook("/second"))
    made = await world.ask("POST", MAPS, config_map("mutated", start="yes"))
    assert made.json["data"] == {"start": "yes", "stage-1": "yes", "stage-2": "yes"}
    fields = made.json["metadata"]["managedFields"]
    assert "f:stage-1" not in str(fields), "what webhooks set belongs to nobody"
    await world.ask("DELETE", f"{MAPS}/mutated")


async def test_mutate_pod_and_apply_defaults_after_mutation(world: World) -> None:
    container = {"name": "added", "image": "other:latest"}
    step = {"op": "add", "path": "/spec/initContainers", "value": [container]}
    world.hooks.on["/pod"] = lambda review: patch(review, step)
    await world.register("mutating", "pod", world.webhook("/pod", "pods"))
    made = (await world.ask("POST", PODS, pod("defaulted"))).json
    (added,) = made["spec"]["initContainers"]
    assert added["terminationMessagePolicy"] == "File"
    assert added["imagePullPolicy"] == "Always"
    await world.ask("DELETE", f"{PODS}/defaulted?gracePeriodSeconds=0")


@pytest.mark.parametrize("kind", KINDS)
async def test_not_be_able_to_mutate_or_prevent_deletion_of_webhook_configuration_objects(
    world: World, kind: str
) -> None:
    world.hooks.on["/self"] = deny
    rule = {"operations": ["*"], "apiGroups": ["*"], "resources": ["*/*"]}
    await world.register(kind, "self", world.webhook("/self", rule=rule))
    dummy = world.webhook("/self") | {"rules": []}
    made = await world.register("validating", "dummy", dummy)
    assert made.code == 201
    path = f"{REGISTRATION}/validatingwebhookconfigurations/dummy"
    assert (await world.ask("DELETE", path)).code == 200
    assert (await world.ask("DELETE", f"{REGISTRATION}/{kind}webhookconfigurations/self")).code
    assert world.hooks.asked == []
    assert (await world.ask("POST", MAPS, config_map("free"))).code == 201
    await world.ask("DELETE", f"{MAPS}/free")


async def test_unconditionally_reject_operations_on_fail_closed_webhook(world: World) -> None:
    # Nobody listens there, and the port cannot be taken by anyone in the meantime.
    webhook = world.webhook("/closed") | {
        "clientConfig": {"url": "https://127.0.0.1:1/closed"},
        "failurePolicy": "Fail",
    }
    await world.register("validating", "closed", webhook)
    refused = await world.ask("POST", MAPS, config_map("closed"))
    assert (refused.code, refused.json["reason"]) == (500, "InternalError")
    assert refused.json["message"] == (
        'Internal error occurred: failed calling webhook "closed.example.com": failed to call '
        'webhook: Post "https://127.0.0.1:1/closed?timeout=10s": '
        "dial tcp 127.0.0.1:1: connect: connection refused"
    )
