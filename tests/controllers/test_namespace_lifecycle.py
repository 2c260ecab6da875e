"""The life of namespaces; the first seven are upstream's conformance tests by name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from strongroom.controllers.monitors import Monitors
from strongroom.controllers.namespace import NamespaceController
from tests.controllers.conftest import at_work, world_of
from tests.controllers.objects import CONTROLLER, TEMPLATE, WORKLOAD, Objects, Tree
from tests.server.conftest import running
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMESPACES = "/api/v1/namespaces"
POD: Tree = dict(TEMPLATE["spec"])
HELD = {"metadata": {"finalizers": ["example.com/finalizer"]}}
LET_GO: Tree = {"metadata": {"finalizers": None}}
OKS = {
    "NamespaceDeletionDiscoveryFailure": (
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def objects(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Objects]:
    """A server whose namespaces are emptied."""
    directory = tmp_path_factory.mktemp("namespaces")
    async with running(directory), world_of(directory / "data" / "admin.kubeconfig") as world:
        monitors = Monitors(world.client)
        async with at_work(NamespaceController(world.client, monitors, world.clock)):
            await monitors.wait_synced()
            yield Objects(world.client)


def content(namespace: str, plural: str, group: str = "") -> str:
    root = f"/apis/{group}" if group else "/api/v1"
    return f"{root}/namespaces/{namespace}/{plural}"


async def until_conditions(objects: Objects, name: str, kind: str, status: str) -> dict[str, Tree]:
    """The conditions of a namespace by type, once one has this status."""

    async def conditions() -> dict[str, Tree]:
        namespace = await objects.get(NAMESPACES, name)
        return {c["type"]: c for c in namespace["status"].get("conditions", [])}

    return await until(conditions, lambda found: found.get(kind, {}).get("status") == status)


async def test_should_ensure_that_all_pods_are_removed_when_a_namespace_is_deleted(
    objects: Objects,
) -> None:
    await objects.make(NAMESPACES, "pods")
    for name in ("a", "b"):
        await objects.make(content("pods", "pods"), name, spec=TEMPLATE["spec"])
    await objects.delete(NAMESPACES, "pods")
    await objects.gone(NAMESPACES, "pods")
    await objects.make(NAMESPACES, "pods")
    assert await objects.names(content("pods", "pods")) == []


async def test_should_ensure_that_all_services_are_removed_when_a_namespace_is_deleted(
    objects: Objects,
) -> None:
    await objects.make(NAMESPACES, "services")
    await objects.make(content("services", "services"), "s", spec={"ports": [{"port": 80}]})
    await objects.delete(NAMESPACES, "services")
    await objects.gone(NAMESPACES, "services")
    await objects.make(NAMESPACES, "services")
    assert await objects.names(content("services", "services")) == []


async def test_should_patch_a_namespace(objects: Objects) -> None:
    await objects.make(NAMESPACES, "patched")
    await objects.patch(NAMESPACES, "patched", {"metadata": {"labels": {"testLabel": "testValue"}}})
    labels = (await objects.get(NAMESPACES, "patched"))["metadata"]["labels"]
    assert labels["testLabel"] == "testValue"


async def test_should_apply_an_update_to_a_namespace(objects: Objects) -> None:
    namespace = await objects.make(NAMESPACES, "updated")
    namespace["metadata"]["labels"]["updated"] = "yes"
    answer = await objects.ask("PUT", f"{NAMESPACES}/updated", namespace)
    assert answer["metadata"]["labels"]["updated"] == "yes"


async def test_should_apply_changes_to_a_namespace_status(objects: Objects) -> None:
    await objects.make(NAMESPACES, "status")
    patched: Tree = {
        "type": "StatusPatch",
        "status": "True",
        "reason": "E2E",
        "message": "Set by patch",
    }
    await objects.patch(NAMESPACES, "status/status", {"status": {"conditions": [patched]}})
    namespace = await objects.get(NAMESPACES, "status")
    namespace["status"]["conditions"].append({**patched, "type": "StatusUpdate"})
    answer = await objects.ask("PUT", f"{NAMESPACES}/status/status", namespace)
    assert [c["type"] for c in answer["status"]["conditions"]] == ["StatusPatch", "StatusUpdate"]
    assert answer["status"]["phase"] == "Active"


async def test_should_apply_a_finalizer_to_a_namespace(objects: Objects) -> None:
    namespace = await objects.make(NAMESPACES, "finalized")
    namespace["spec"]["finalizers"].append("e2e.example.com/fakeFinalizer")
    answer = await objects.ask("PUT", f"{NAMESPACES}/finalized/finalize", namespace)
    assert answer["spec"]["finalizers"] == ["kubernetes", "e2e.example.com/fakeFinalizer"]
    answer["spec"]["finalizers"].pop()
    answer = await objects.ask("PUT", f"{NAMESPACES}/finalized/finalize", answer)
    assert answer["spec"]["finalizers"] == ["kubernetes"]


async def test_namespace_deletion_should_delete_pod_first(objects: Objects) -> None:
    await objects.make(NAMESPACES, "ordered")
    pods = content("ordered", "pods")
    await objects.make(pods, "test-pod", **HELD, spec=TEMPLATE["spec"])
    await objects.make(content("ordered", "configmaps"), "test-configmap")
    await objects.delete(NAMESPACES, "ordered")
    found = await until_conditions(objects, "ordered", "NamespaceContentRemaining", "True")
    assert (await objects.get(NAMESPACES, "ordered"))["status"]["phase"] == "Terminating"
    for kind, (reason, message) in OKS.items():
        assert (found[kind]["status"], found[kind]["reason"]) == ("False", reason)
        assert found[kind]["message"] == message
    remaining, held = found["NamespaceContentRemaining"], found["NamespaceFinalizersRemaining"]
    assert remaining["reason"] == "SomeResourcesRemain"
    assert remaining["message"] == "Some resources are remaining: pods. has 1 resource instances"
    assert held["reason"] == "SomeFinalizerRemain"
    told = "Some finalizers are remaining: example.com/finalizer in 1 resource instances"
    assert held["message"] == told
    assert await objects.names(content("ordered", "configmaps")) == ["test-configmap"]
    assert (await objects.get(pods, "test-pod"))["metadata"]["deletionTimestamp"]
    await objects.patch(pods, "test-pod", LET_GO)
    await objects.gone(NAMESPACES, "ordered")


async def test_owners_in_a_namespace_that_goes_orphan_nothing(objects: Objects) -> None:
    """A ReplicationController or a Job would wait for a garbage collector, which is not there."""
    await objects.make(NAMESPACES, "owners")
    await objects.make(content("owners", "replicationcontrollers"), "rc", spec=CONTROLLER)
    await objects.make(content("owners", "deployments", "apps/v1"), "d", spec=WORKLOAD)
    job: Tree = {"template": {"spec": POD | {"restartPolicy": "Never"}}}
    await objects.make(content("owners", "jobs", "batch/v1"), "j", spec=job)
    await objects.delete(NAMESPACES, "owners")
    await objects.gone(NAMESPACES, "owners")


async def test_custom_resources_go_and_what_holds_them_is_named(objects: Objects) -> None:
    names = {"plural": "taps", "singular": "tap", "kind": "Tap"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]}
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await objects.make(definitions, "taps.example.com", spec=spec)
    await objects.make(NAMESPACES, "custom")
    taps = content("custom", "taps", "example.com/v1")
    await until(lambda: objects.is_served(taps), bool)
    tap = {"apiVersion": "example.com/v1", "kind": "Tap"}
    await objects.make(taps, "free", **tap)
    await objects.make(taps, "held", **tap, **HELD)
    await objects.make(content("custom", "secrets"), "held", **HELD)
    await objects.delete(NAMESPACES, "custom")
    found = await until_conditions(objects, "custom", "NamespaceContentRemaining", "True")
    assert found["NamespaceContentRemaining"]["message"] == (
        "Some resources are remaining: secrets. has 1 resource instances, "
        "taps.example.com has 1 resource instances"
    )
    told = "Some finalizers are remaining: example.com/finalizer in 2 resource instances"
    assert found["NamespaceFinalizersRemaining"]["message"] == told
    assert await objects.names(taps) == ["held"]
    await objects.patch(taps, "held", LET_GO)
    await objects.patch(content("custom", "secrets"), "held", LET_GO)
    await objects.gone(NAMESPACES, "custom")
    await objects.delete(definitions, "taps.example.com")


async def test_a_namespace_that_others_hold_says_that_it_is_empty(objects: Objects) -> None:
    await objects.make(NAMESPACES, "kept", spec={"finalizers": ["example.com/hold"]})
    await objects.make(content("kept", "secrets"), "s")
    await objects.delete(NAMESPACES, "kept")
    found = await until_conditions(objects, "kept", "NamespaceContentRemaining", "False")
    assert found["NamespaceContentRemaining"]["message"] == "All content successfully removed"
    assert found["NamespaceContentRemaining"]["reason"] == "ContentRemoved"
    kept = await until(
        lambda: objects.get(NAMESPACES, "kept"),
        lambda namespace: namespace["spec"]["finalizers"] == ["example.com/hold"],
    )
    kept["spec"]["finalizers"] = []
    await objects.ask("PUT", f"{NAMESPACES}/kept/finalize", kept)
    await objects.gone(NAMESPACES, "kept")
