"""What nobody owns goes, as propagation policies say; the first seven are upstream's by name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from strongroom.controllers.garbage import GarbageCollector
from strongroom.controllers.monitors import Monitors
from strongroom.controllers.together import together
from tests.controllers.conftest import at_work, world_of
from tests.controllers.objects import (
    CONFIG_MAPS,
    CONTROLLER,
    CONTROLLERS,
    CORE,
    DEPLOYMENTS,
    PODS,
    SECRETS,
    SETS,
    TEMPLATE,
    WORKLOAD,
    Objects,
    Tree,
    owner,
)
from tests.server.conftest import running
from tests.waiting import until

CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TAPS = "/apis/example.com/v1/namespaces/default/taps"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def collected(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Objects]:
    """A server with a collector at work that has seen everything there is."""
    directory = tmp_path_factory.mktemp("garbage")
    async with running(directory), world_of(directory / "data" / "admin.kubeconfig") as world:
        monitors = Monitors(world.client)
        async with at_work(GarbageCollector(world.client, monitors, world.events)):
            await monitors.wait_synced()
            yield Objects(world.client)


@pytest_asyncio.fixture(loop_scope="module")
async def objects(collected: Objects) -> AsyncIterator[Objects]:
    yield collected
    await collected.clean()


async def test_should_delete_rs_created_by_deployment_when_not_orphaning(objects: Objects) -> None:
    deployment = await objects.make(DEPLOYMENTS, "d", spec=WORKLOAD)
    await objects.make(SETS, "s", owner(deployment), spec=WORKLOAD)
    await objects.delete(DEPLOYMENTS, "d", "Background")
    await objects.gone(SETS, "s")


async def test_should_orphan_rs_created_by_deployment_when_policy_is_orphan(
    objects: Objects,
) -> None:
    deployment = await objects.make(DEPLOYMENTS, "d", spec=WORKLOAD)
    await objects.make(SETS, "s", owner(deployment), spec=WORKLOAD)
    await objects.delete(DEPLOYMENTS, "d", "Orphan")
    await objects.gone(DEPLOYMENTS, "d")
    assert await objects.owners(SETS, "s") == []


async def test_should_delete_pods_created_by_rc_when_not_orphaning(objects: Objects) -> None:
    controller = await objects.make(CONTROLLERS, "rc", spec=CONTROLLER)
    await objects.pods(2, owner(controller))
    await objects.delete(CONTROLLERS, "rc", "Background")
    await until(lambda: objects.names(PODS), lambda names: not names)


@pytest.mark.parametrize("policy", ["Orphan", ""])
async def test_should_orphan_pods_created_by_rc_if_delete_options_say_so(
    objects: Objects, policy: str
) -> None:
    """They say so for a ReplicationController when they say nothing."""
    controller = await objects.make(CONTROLLERS, "rc", spec=CONTROLLER)
    await objects.pods(20, owner(controller))
    await objects.delete(CONTROLLERS, "rc", policy)
    await objects.gone(CONTROLLERS, "rc")
    for name in await objects.names(PODS):
        assert await objects.owners(PODS, name) == []
    assert len(await objects.names(PODS)) == 20


async def test_should_keep_the_rc_around_until_all_its_pods_are_deleted(objects: Objects) -> None:
    controller = await objects.make(CONTROLLERS, "rc", spec=CONTROLLER)
    held = {"finalizers": ["example.com/hold"]}
    reference = owner(controller)
    await objects.pods(2, reference)
    await objects.make(PODS, "held", reference, metadata=held, spec=TEMPLATE["spec"])
    await objects.delete(CONTROLLERS, "rc", "Foreground")
    await until(lambda: objects.names(PODS), lambda names: names == ["held"])
    kept = await objects.get(CONTROLLERS, "rc")
    assert kept["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert kept["metadata"]["deletionTimestamp"]
    await objects.patch(PODS, "held", {"metadata": {"finalizers": None}})
    await objects.gone(CONTROLLERS, "rc")
    assert await objects.names(PODS) == []


async def test_should_not_delete_dependents_that_have_both_valid_owner_and_owner_thats_waiting(
    objects: Objects,
) -> None:
    doomed = await objects.make(CONTROLLERS, "doomed", spec=CONTROLLER)
    stays = await objects.make(CONTROLLERS, "stays", spec=CONTROLLER)
    await objects.make(CONFIG_MAPS, "both", owner(doomed), owner(stays))
    await objects.make(CONFIG_MAPS, "one", owner(doomed))
    await objects.delete(CONTROLLERS, "doomed", "Foreground")
    await objects.gone(CONTROLLERS, "doomed")
    assert await objects.names(CONFIG_MAPS) == ["both"]
    assert await objects.owners(CONFIG_MAPS, "both") == ["stays"]


async def test_should_not_be_blocked_by_dependency_circle(objects: Objects) -> None:
    made = [await objects.make(CONFIG_MAPS, f"c{i}") for i in range(3)]
    for i, tree in enumerate(made):
        body = {"metadata": {"ownerReferences": [owner(made[i - 1])]}}
        await objects.patch(CONFIG_MAPS, tree["metadata"]["name"], body)
    await objects.delete(CONFIG_MAPS, "c0", "Foreground")
    for i in range(3):
        await objects.gone(CONFIG_MAPS, f"c{i}")


async def test_a_secret_goes_when_all_of_its_owners_have_gone(objects: Objects) -> None:
    owners = [await objects.make(CONFIG_MAPS, f"c{i}") for i in range(2)]
    await objects.make(SECRETS, "s", *map(owner, owners), data={"password": "aHVudGVyMg=="})
    await objects.delete(CONFIG_MAPS, "c0")
    # One owner is left: only the reference to the other goes.
    await objects.until_owners(SECRETS, "s", ["c1"])
    await objects.delete(CONFIG_MAPS, "c1")
    await objects.gone(SECRETS, "s")


async def test_an_owner_of_another_uid_or_one_that_never_was_is_no_owner(objects: Objects) -> None:
    """As when it was deleted and made anew under the same name."""
    there = await objects.make(CONFIG_MAPS, "c")
    await objects.make(SECRETS, "stale", owner(there, uid="00000000-0000-0000-0000-000000000000"))
    await objects.make(SECRETS, "never", owner(there, name="never", uid="1-2-3"))
    await objects.make(SECRETS, "good", owner(there))
    await objects.gone(SECRETS, "stale")
    await objects.gone(SECRETS, "never")
    assert await objects.names(SECRETS) == ["good"]


async def test_a_reference_that_is_half_right_costs_others_nothing(objects: Objects) -> None:
    """The uid of an owner that is there, under a name or kind that is not its own."""
    there = await objects.make(CONFIG_MAPS, "c")
    await objects.make(SECRETS, "good", owner(there))
    await objects.make(SECRETS, "misnamed", owner(there, name="other"))
    await objects.make(SECRETS, "miskinded", owner(there, kind="Secret"))
    await objects.gone(SECRETS, "misnamed")
    await objects.gone(SECRETS, "miskinded")
    assert await objects.names(SECRETS) == ["good"]


async def test_an_owner_in_another_namespace_is_no_owner_and_an_event_says_so(
    objects: Objects,
) -> None:
    elsewhere = await objects.make("/api/v1/namespaces/kube-public/configmaps", "c")
    made = await objects.make(SECRETS, "s", owner(elsewhere))
    await objects.gone(SECRETS, "s")

    async def told() -> list[Tree]:
        selector = "?fieldSelector=involvedObject.name%3Ds"
        events: list[Tree] = (await objects.ask("GET", f"{CORE}/events{selector}"))["items"]
        return events

    event = (await until(told, bool))[0]
    uid = elsewhere["metadata"]["uid"]
    said = f"[v1/ConfigMap, namespace: default, name: c, uid: {uid}]"
    assert event["reason"] == "OwnerRefInvalidNamespace"
    assert event["type"] == "Warning"
    assert event["involvedObject"]["uid"] == made["metadata"]["uid"]
    assert event["message"] == f'ownerRef {said} does not exist in namespace "default"'
    await objects.delete("/api/v1/namespaces/kube-public/configmaps", "c")


async def test_what_cannot_be_judged_stays(objects: Objects) -> None:
    """An owner of a kind that is not served, and one in a namespace of an object in none."""
    there = await objects.make(CONFIG_MAPS, "c")
    await objects.make(SECRETS, "unserved", owner(there, apiVersion="example.com/v1", kind="Tap"))
    await objects.make(CLASSES, "high", owner(there), value=1)
    await objects.make(CLASSES, "low", owner(there, name="never", uid="1-2-3"), value=1)
    await objects.make(SECRETS, "last", owner(there, name="never", uid="4-5-6"))
    await objects.gone(SECRETS, "last")
    assert await objects.names(SECRETS) == ["unserved"]
    assert {"high", "low"} <= set(await objects.names(CLASSES))
    for name in ("high", "low"):
        await objects.delete(CLASSES, name)


async def test_custom_resources_own_and_are_owned(objects: Objects) -> None:
    """From the moment that they are served; without a strategic merge patch."""
    child = await objects.make(CONFIG_MAPS, "child")
    early = owner(child, apiVersion="example.com/v1", kind="Tap", name="never", uid="1-2-3")
    await objects.make(SECRETS, "early", early)
    names = {"plural": "taps", "singular": "tap", "kind": "Tap"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]}
    await objects.make(DEFINITIONS, "taps.example.com", spec=spec)
    # Now it can be said that this owner is not there.
    await objects.gone(SECRETS, "early")
    tap = {"apiVersion": "example.com/v1", "kind": "Tap"}
    first = await objects.make(TAPS, "first", **tap)
    second = await objects.make(TAPS, "second", owner(first), **tap)
    await objects.make(SECRETS, "s", owner(second))
    await objects.delete(TAPS, "first", "Orphan")
    await objects.gone(TAPS, "first")
    assert await objects.owners(TAPS, "second") == []
    await objects.delete(TAPS, "second", "Foreground")
    await objects.gone(TAPS, "second")
    assert await objects.names(SECRETS) == []
    await objects.delete(DEFINITIONS, "taps.example.com")


async def test_a_cascade_goes_from_the_leaves_in_the_foreground(objects: Objects) -> None:
    deployment = await objects.make(DEPLOYMENTS, "d", spec=WORKLOAD)
    replicas = await objects.make(SETS, "rs", owner(deployment), spec=WORKLOAD)
    held = {"finalizers": ["example.com/hold"]}
    await objects.make(PODS, "p", owner(replicas), metadata=held, spec=TEMPLATE["spec"])
    await objects.make(SECRETS, "aside", owner(deployment, block=False))
    await objects.delete(DEPLOYMENTS, "d", "Foreground")
    await until(
        lambda: objects.get(PODS, "p"), lambda pod: pod["metadata"].get("deletionTimestamp")
    )
    for path, name in ((SETS, "rs"), (DEPLOYMENTS, "d")):
        waiting = (await objects.get(path, name))["metadata"]
        assert waiting["finalizers"] == ["foregroundDeletion"]
    await objects.patch(PODS, "p", {"metadata": {"finalizers": None}})
    await objects.gone(DEPLOYMENTS, "d")
    assert await objects.names(SETS) == []
    assert await objects.names(PODS) == []
    await objects.gone(SECRETS, "aside")


async def test_hundreds_of_dependents_go_together(objects: Objects) -> None:
    there = owner(await objects.make(CONFIG_MAPS, "c"))
    await together(lambda i: objects.make(SECRETS, f"s{i}", there), range(200), at_once=16)
    await objects.delete(CONFIG_MAPS, "c")
    await until(lambda: objects.names(SECRETS), lambda names: not names)
