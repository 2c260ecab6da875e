"""Quotas say what is used, promptly: admission adds, the controller takes off.

Tests are named after the behaviours that upstream's conformance tests ask for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from strongroom.api.errors import StatusError
from strongroom.controllers.monitors import Monitors
from strongroom.controllers.resourcequota import ResourceQuotaController
from tests.controllers.conftest import at_work, world_of
from tests.controllers.objects import (
    CONFIG_MAPS,
    CONTROLLER,
    CONTROLLERS,
    CORE,
    PODS,
    QUOTAS,
    SECRETS,
    SETS,
    WORKLOAD,
    Objects,
    Tree,
)
from tests.server.conftest import running
from tests.waiting import until

SERVICES = f"{CORE}/services"
CRONTABS = "/apis/example.com/v1/namespaces/default/crontabs"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Objects]:
    """A server whose quotas are counted."""
    directory = tmp_path_factory.mktemp("quotas")
    async with running(directory), world_of(directory / "data" / "admin.kubeconfig") as world:
        monitors = Monitors(world.client)
        async with at_work(ResourceQuotaController(world.client, monitors, world.clock)):
            await monitors.wait_synced()
            yield Objects(world.client)


@pytest_asyncio.fixture(loop_scope="module")
async def objects(counted: Objects) -> AsyncIterator[Objects]:
    yield counted
    await counted.clean()


async def quota(objects: Objects, name: str = "q", *, scope: str = "", **hard: str) -> Tree:
    """A quota, once its status says what is used of everything that it limits."""
    named = {_named(key): value for key, value in hard.items()}
    spec: Tree = {"hard": named}
    if scope:
        spec["scopes"] = [scope]
    await objects.make(QUOTAS, name, spec=spec)
    return await until_status(objects, name, lambda status: status.get("hard") == named)


def _named(key: str) -> str:
    return key.replace("__", "/").replace("_", ".")


async def until_status(objects: Objects, name: str, holds: Callable[[Tree], object]) -> Tree:
    async def status() -> Tree:
        found: Tree = (await objects.get(QUOTAS, name)).get("status", {})
        return found

    return await until(status, holds)


async def until_used(objects: Objects, name: str = "q", **used: str) -> None:
    named = {_named(key): value for key, value in used.items()}
    await until_status(objects, name, lambda status: status.get("used") == named)


LIVES = [
    ("a secret", {"secrets": "5"}, SECRETS, {}),
    ("a configMap", {"configmaps": "5"}, CONFIG_MAPS, {}),
    ("a replica set", {"count__replicasets_apps": "5"}, SETS, {"spec": WORKLOAD}),
    (
        "a replication controller",
        {"replicationcontrollers": "5"},
        CONTROLLERS,
        {"spec": CONTROLLER},
    ),
]


async def test_should_create_a_resource_quota_and_capture_the_life_of_things(
    objects: Objects,
) -> None:
    """Of a secret, a configMap, a replica set, a replication controller."""
    for i, (_, hard, path, fields) in enumerate(LIVES):
        name, counted = f"q{i}", next(iter(hard))
        await objects.make(path, "before", **fields)
        status = await quota(objects, name, **hard)
        assert status["used"] == {_named(counted): "1"}
        await objects.make(path, "x", **fields)
        await until_used(objects, name, **{counted: "2"})
        await objects.delete(path, "x", "Background")
        await until_used(objects, name, **{counted: "1"})


async def test_should_capture_the_life_of_a_pod(objects: Objects) -> None:
    status = await quota(objects, pods="1", requests_cpu="1", memory="1Gi")
    assert status["used"] == {"pods": "0", "requests.cpu": "0", "memory": "0"}

    def pod(**requests: str) -> Tree:
        main = {"name": "m", "image": "none", "resources": {"requests": requests}}
        return {"containers": [main]}

    await objects.make(PODS, "p", spec=pod(cpu="500m", memory="252Mi"))
    await until_used(objects, pods="1", requests_cpu="500m", memory="252Mi")
    with pytest.raises(StatusError, match="exceeded quota: q, requested: pods=1, used: pods=1"):
        await objects.make(PODS, "more", spec=pod(cpu="1m", memory="1Mi"))
    # A pod that has ended uses nothing any more.
    ended = {"status": {"phase": "Succeeded"}}
    await objects.patch(PODS, "p/status", ended)
    await until_used(objects, pods="0", requests_cpu="0", memory="0")
    await objects.make(PODS, "next", spec=pod(cpu="1", memory="1Gi"))
    await objects.delete(PODS, "next")
    await until_used(objects, pods="0", requests_cpu="0", memory="0")


async def test_should_capture_the_life_of_a_service(objects: Objects) -> None:
    limits = {"services": "10", "services_nodeports": "1", "services_loadbalancers": "1"}
    before = (await quota(objects, **limits))["used"]["services"]
    ports = [{"port": 80}]
    await objects.make(SERVICES, "plain", spec={"ports": ports})
    await objects.make(SERVICES, "node", spec={"type": "NodePort", "ports": ports})
    now = str(int(before) + 2)
    await until_used(objects, services=now, services_nodeports="1", services_loadbalancers="0")
    with pytest.raises(StatusError, match=r"exceeded quota: q, requested: services.nodeports=1"):
        await objects.make(SERVICES, "lb", spec={"type": "LoadBalancer", "ports": ports})
    await objects.patch(SERVICES, "node", {"spec": {"type": "ClusterIP"}})
    await until_used(objects, services=now, services_nodeports="0", services_loadbalancers="0")
    for name in ("plain", "node"):
        await objects.delete(SERVICES, name)
    await until_used(objects, services=before, services_nodeports="0", services_loadbalancers="0")


async def test_should_capture_the_life_of_a_custom_resource(objects: Objects) -> None:
    await quota(objects, count__crontabs_example_com="1")
    names = {"plural": "crontabs", "singular": "crontab", "kind": "CronTab"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]}
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await objects.make(definitions, "crontabs.example.com", spec=spec)
    # Counted as soon as it is served.
    await until_used(objects, count__crontabs_example_com="0")
    tree = {"apiVersion": "example.com/v1", "kind": "CronTab"}
    await objects.make(CRONTABS, "one", **tree)
    with pytest.raises(StatusError, match=r"requested: count/crontabs.example.com=1"):
        await objects.make(CRONTABS, "two", **tree)
    await objects.delete(CRONTABS, "one")
    await until_used(objects, count__crontabs_example_com="0")
    await objects.delete(definitions, "crontabs.example.com")


async def test_should_ensure_its_status_is_promptly_calculated(objects: Objects) -> None:
    status = await quota(objects, cpu="1", memory="500Mi", secrets="1")
    assert status["used"] == {"cpu": "0", "memory": "0", "secrets": "0"}


async def test_should_verify_with_best_effort_scope(objects: Objects) -> None:
    await quota(objects, "best", scope="BestEffort", pods="5")
    await quota(objects, "not", scope="NotBestEffort", pods="5")
    needs: dict[str, Any] = {"resources": {"requests": {"cpu": "1m"}, "limits": {"cpu": "1m"}}}
    for used, other, more in (("best", "not", {}), ("not", "best", needs)):
        spec = {"containers": [{"name": "m", "image": "none", **more}]}
        await objects.make(PODS, "p", spec=spec)
        await until_used(objects, used, pods="1")
        await until_used(objects, other, pods="0")
        await objects.delete(PODS, "p")
        await until_used(objects, used, pods="0")


async def test_should_verify_with_terminating_scopes(objects: Objects) -> None:
    await quota(objects, "ends", scope="Terminating", pods="5")
    await quota(objects, "stays", scope="NotTerminating", pods="5")
    more: dict[str, Any] = {"activeDeadlineSeconds": 3600}
    for used, other, fields in (("ends", "stays", more), ("stays", "ends", {})):
        spec = {"containers": [{"name": "m", "image": "none"}], **fields}
        await objects.make(PODS, "p", spec=spec)
        await until_used(objects, used, pods="1")
        await until_used(objects, other, pods="0")
        await objects.delete(PODS, "p")
        await until_used(objects, used, pods="0")


async def test_should_be_able_to_update_and_delete_and_manage_the_lifecycle(
    objects: Objects,
) -> None:
    await quota(objects, secrets="1")
    await objects.make(SECRETS, "s")
    await objects.patch(QUOTAS, "q", {"spec": {"hard": {"secrets": "2", "pods": "3"}}})
    await until_status(
        objects,
        "q",
        lambda status: (
            status["hard"] == {"secrets": "2", "pods": "3"}
            and status["used"] == {"secrets": "1", "pods": "0"}
        ),
    )
    await objects.ask("DELETE", QUOTAS)
    assert await objects.names(QUOTAS) == []
    await objects.make(SECRETS, "unlimited")


async def test_should_apply_changes_to_a_resourcequota_status(objects: Objects) -> None:
    """What somebody else writes into it stays until something is counted again."""
    await quota(objects, secrets="1")
    said = {"status": {"hard": {"secrets": "1"}, "used": {"secrets": "1"}}}
    await objects.patch(QUOTAS, "q/status", said)
    assert (await objects.get(QUOTAS, "q"))["status"] == said["status"]


async def test_after_many_writes_at_once_what_is_used_is_what_is_there(objects: Objects) -> None:
    """However often the controller counts while writes that are charged are still under way."""
    await quota(objects, secrets="10")

    async def churn(i: int) -> None:
        for j in range(6):
            try:
                await objects.make(SECRETS, f"s{i}-{j}")
            except StatusError as error:
                if error.code != 403:
                    raise
            else:
                if j % 2:
                    await objects.delete(SECRETS, f"s{i}-{j}")

    await asyncio.gather(*(churn(i) for i in range(6)))
    there = len(await objects.names(SECRETS))
    await until_used(objects, secrets=str(there))
