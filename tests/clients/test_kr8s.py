"""kr8s, in both of its forms."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import kr8s
import kr8s.asyncio
import pytest
from kr8s._async_utils import as_sync_func
from kr8s.asyncio.objects import Secret as AsyncSecret
from kr8s.objects import ConfigMap, Deployment, Namespace, Secret, new_class

from strongroom.testing.process import Strongroom
from tests.clients.vaults import GROUP, vault

# kr8s says so at every start, since it was tested with versions up to 1.35.
# It never closes its connections either.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

Vault: Any = new_class("Vault", f"{GROUP}/v1", scalable=True, scalable_spec="doors")


@pytest.fixture(autouse=True)
def left_open() -> Iterator[None]:
    """What kr8s leaves open is found before other tests begin, which allow no warning."""
    yield
    gc.collect()


@pytest.fixture
def api(cluster: Strongroom, namespace: str) -> Iterator[Any]:
    """A connection whose own namespace is a fresh one."""
    made: Any = kr8s.api(kubeconfig=str(cluster.kubeconfig), namespace=namespace)
    yield made
    as_sync_func(made._session.aclose)()


def tree(kind: str, name: str, version: str = "v1", **fields: Any) -> dict[str, Any]:
    meta = {"name": name, "labels": fields.pop("labels", {})}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **fields}


def test_an_object_is_created_changed_and_deleted(api: Any) -> None:
    secret = Secret(tree("Secret", "s", stringData={"a": "1"}), api=api)
    assert not secret.exists()
    secret.create()
    assert (secret.exists(), secret.data) == (True, {"a": "MQ=="})
    secret.patch({"stringData": {"b": "2"}})
    secret.patch([{"op": "remove", "path": "/data/a"}], type="json")
    assert secret.data == {"b": "Mg=="}
    secret.label(tier="web")
    secret.annotate({"example.com/note": "x"})
    assert secret.labels["tier"] == "web"
    assert secret.annotations["example.com/note"] == "x"
    secret.remove_label("tier")
    secret.refresh()
    assert "tier" not in secret.labels
    secret.delete()
    secret.wait("delete", timeout=20)
    assert not secret.exists()


def test_get_by_kind_name_and_selector(api: Any) -> None:
    for name, tier in (("a", "front"), ("b", "back"), ("c", "back")):
        Secret(tree("Secret", name, labels={"tier": tier}), api=api).create()
    assert [s.name for s in api.get("secrets")] == ["a", "b", "c"]
    assert [s.name for s in api.get("secrets", "b")] == ["b"]
    assert [s.name for s in api.get("secret", label_selector={"tier": "back"})] == ["b", "c"]
    picked = api.get(Secret, field_selector={"metadata.name": "c"})
    assert [s.name for s in picked] == ["c"]
    assert Secret.get("a", api=api).labels.tier == "front"
    everywhere = api.get("secrets", namespace=kr8s.ALL, label_selector="tier=front")
    assert "a" in [s.name for s in everywhere]
    with pytest.raises(kr8s.NotFoundError):
        Secret.get("none", api=api, timeout=1)


def test_scaling_and_waiting(api: Any) -> None:
    labels = {"app": "web"}
    container = {"name": "main", "image": "nginx"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    web = Deployment(tree("Deployment", "web", "apps/v1", spec=spec), api=api)
    web.create()
    # kr8s waits until the status says as many, which is for a controller to say: here, us.
    counted = threading.Thread(target=_say_replicas, args=(web, 3))
    counted.start()
    web.scale(3)
    counted.join()
    assert web.replicas == 3
    available = {"type": "Available", "status": "True"}
    web.patch({"status": {"conditions": [available]}}, subresource="status")
    web.wait("condition=Available", timeout=20)
    web.wait("jsonpath='{.status.replicas}'=3", timeout=20)


def _say_replicas(web: Any, count: int) -> None:
    own = Deployment(
        web.raw.to_dict(), api=kr8s.api(kubeconfig=web.api.auth._kubeconfig_path_or_dict)
    )
    while own.spec.replicas != count:
        time.sleep(0.05)
        own.refresh()
    own.patch({"status": {"replicas": count}}, subresource="status")


def test_a_watch(api: Any) -> None:
    ConfigMap(tree("ConfigMap", "c", labels={"w": "1"}), api=api).create()
    seen = []
    for event, obj in api.watch("configmaps", label_selector="w=1"):
        seen.append((event, obj.name))
        if event == "ADDED":
            obj.patch({"data": {"a": "1"}})
        elif event == "MODIFIED":
            obj.delete()
        else:
            break
    assert seen == [("ADDED", "c"), ("MODIFIED", "c"), ("DELETED", "c")]


def test_a_kind_of_ones_own(api: Any, vaults: None) -> None:
    mine = Vault(vault("v"), api=api)
    mine.create()
    mine.patch({"status": {"open": True}}, subresource="status", type="merge")
    found = Vault.get("v", api=api)
    assert (found.spec.owner, found.status.open) == ("me", True)
    (by_name,) = api.get(f"vaults.{GROUP}", "v")
    assert by_name.spec.doors == 1


def test_what_is_there_to_be_asked(api: Any, vaults: None) -> None:
    assert api.version()["minor"] == "37"
    assert {"secrets", "deployments", "vaults"} <= {r["name"] for r in api.api_resources()}
    assert Namespace.get(api.namespace, api=api).status.phase == "Active"


def test_owners_and_adoption(api: Any) -> None:
    owner = ConfigMap(tree("ConfigMap", "owner"), api=api)
    owner.create()
    child = Secret(tree("Secret", "child"), api=api)
    child.create()
    owner.adopt(child)
    assert child.metadata.ownerReferences[0].uid == owner.metadata.uid
    owner.delete()
    child.wait("delete", timeout=30)


async def test_the_asynchronous_form(cluster: Strongroom, namespace: str) -> None:
    api: Any = await kr8s.asyncio.api(kubeconfig=str(cluster.kubeconfig), namespace=namespace)
    secrets = [await AsyncSecret(tree("Secret", f"s{n}"), api=api) for n in range(5)]
    await asyncio.gather(*(secret.create() for secret in secrets))
    assert sorted([s.name async for s in api.get("secrets")]) == [f"s{n}" for n in range(5)]
    waiting = asyncio.create_task(secrets[0].wait("delete", timeout=20))
    await asyncio.gather(*(secret.delete() for secret in secrets))
    await waiting
    assert [s async for s in api.get("secrets")] == []
    await api._session.aclose()
