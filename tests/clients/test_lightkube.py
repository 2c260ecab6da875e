"""lightkube: server-side apply, kinds of one's own, watches and waits."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube import ApiError, AsyncClient, Client, KubeConfig, codecs, operators
from lightkube.core.exceptions import ObjectDeleted
from lightkube.generic_resource import create_namespaced_resource, load_in_cluster_generic_resources
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Namespace, Secret
from lightkube.types import CascadeType, PatchType

from strongroom.testing.process import Strongroom
from tests.clients.vaults import GROUP, vault

Vault: Any = create_namespaced_resource(GROUP, "v1", "Vault", "vaults")


@pytest.fixture
def light(cluster: Strongroom, namespace: str) -> Iterator[Client]:
    """A client in a fresh namespace."""
    config = KubeConfig.from_file(cluster.kubeconfig)
    with Client(config=config, namespace=namespace, field_manager="one") as opened:
        yield opened


def config_map(name: str = "c", **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name), data=data)


def deployment() -> Deployment:
    labels = {"app": "web"}
    spec = PodSpec(containers=[Container(name="main", image="nginx:1")])
    template = PodTemplateSpec(metadata=ObjectMeta(labels=labels), spec=spec)
    return Deployment(
        metadata=ObjectMeta(name="web"),
        spec=DeploymentSpec(selector=LabelSelector(matchLabels=labels), template=template),
    )


def test_apply_creates_changes_and_prunes(light: Client) -> None:
    made = light.apply(config_map(a="1", b="1"))
    assert made.metadata is not None
    assert made.metadata.managedFields is not None
    assert [entry.manager for entry in made.metadata.managedFields] == ["one"]
    assert light.apply(config_map(a="2")).data == {"a": "2"}
    assert light.apply(config_map(a="3"), dry_run=True).data == {"a": "3"}
    assert light.get(ConfigMap, "c").data == {"a": "2"}


def test_conflicts_name_their_causes_and_can_be_forced(light: Client) -> None:
    light.apply(config_map(a="1", b="1"))
    with pytest.raises(ApiError) as error:
        light.apply(config_map(a="2", b="2"), field_manager="two")
    status = error.value.status
    assert (status.code, status.reason) == (409, "Conflict")
    assert status.details is not None
    assert [(c.reason, c.field) for c in status.details.causes or []] == [
        ("FieldManagerConflict", ".data.a"),
        ("FieldManagerConflict", ".data.b"),
    ]
    assert light.apply(config_map(a="2"), field_manager="two", force=True).data == {
        "a": "2",
        "b": "1",
    }


def test_applied_lists_are_merged_by_key(light: Client) -> None:
    light.apply(deployment())
    side = deployment()
    assert side.spec is not None
    assert side.spec.template.spec is not None
    side.spec.template.spec.containers = [Container(name="side", image="envoy")]
    both = light.apply(side, field_manager="two")
    assert both.spec is not None
    assert both.spec.template.spec is not None
    assert [c.name for c in both.spec.template.spec.containers] == ["main", "side"]


def test_status_and_scale_are_applied_apart(light: Client) -> None:
    light.create(deployment())
    status: Any = deployment().to_dict()
    condition = {"type": "Available", "status": "True", "reason": "Enough"}
    status["status"] = {"conditions": [condition]}
    own: Any = Deployment.Status.from_dict(status)
    applied: Any = light.apply(own, "web")
    assert applied.status.conditions[0].reason == "Enough"
    assert light.wait(Deployment, "web", for_conditions=["Available"]).status is not None
    scale = Deployment.Scale(metadata=ObjectMeta(name="web"), spec=ScaleSpec(replicas=3))
    assert light.replace(scale, "web").spec == ScaleSpec(replicas=3)
    found = light.get(Deployment, "web").spec
    assert found is not None
    assert found.replicas == 3


def test_patches_of_each_type(light: Client) -> None:
    light.create(deployment())
    containers = [{"name": "main", "image": "nginx:2"}, {"name": "side", "image": "envoy"}]
    change = {"spec": {"template": {"spec": {"containers": containers}}}}
    light.patch(Deployment, "web", change)
    steps = [{"op": "replace", "path": "/spec/replicas", "value": 4}]
    light.patch(Deployment, "web", steps, patch_type=PatchType.JSON)
    merge = {"metadata": {"annotations": {"note": "x"}}}
    got = light.patch(Deployment, "web", merge, patch_type=PatchType.MERGE)
    assert got.spec is not None
    assert got.spec.template.spec is not None
    images = {c.name: c.image for c in got.spec.template.spec.containers}
    assert (images, got.spec.replicas) == ({"main": "nginx:2", "side": "envoy"}, 4)
    steps = [{"op": "test", "path": "/spec/replicas", "value": 9}]
    with pytest.raises(ApiError) as error:
        light.patch(Deployment, "web", steps, patch_type=PatchType.JSON)
    assert error.value.status.code == 422


def test_a_custom_kind_by_its_names_alone(light: Client, vaults: None) -> None:
    made = light.create(Vault.from_dict(vault("v")))
    assert made.spec == {"owner": "me", "doors": 1}
    light.apply(Vault.from_dict(vault("v", keys=[{"name": "a"}])), field_manager="two", force=True)
    third = light.apply(
        Vault.from_dict(vault("v", keys=[{"name": "b"}])), field_manager="three", force=True
    )
    assert third.spec["keys"] == [{"name": "a"}, {"name": "b"}]
    status = Vault.Status.from_dict({**vault("v"), "status": {"open": True}})
    assert light.apply(status, "v").status == {"open": True}
    scale = light.get(Vault.Scale, "v")
    assert scale.spec.replicas == 1
    assert [item.metadata.name for item in light.list(Vault)] == ["v"]
    with pytest.raises(ApiError, match=r"spec\.owner: Required value"):
        light.create(Vault(metadata=ObjectMeta(name="w"), spec={}))


def test_kinds_are_made_from_the_definitions_that_are_there(light: Client, vaults: None) -> None:
    load_in_cluster_generic_resources(light)
    (loaded,) = codecs.load_all_yaml(yaml.safe_dump(vault("from-yaml")))
    assert type(light.create(loaded)).__name__ == "Vault"


def test_a_watch_goes_on_over_the_servers_timeouts(light: Client) -> None:
    light.create(config_map("a"))
    events = light.watch(ConfigMap, server_timeout=1, fields={"metadata.name": "a"})
    assert [next(events)[0]] == ["ADDED"]
    later = threading.Timer(1.5, lambda: light.patch(ConfigMap, "a", {"data": {"x": "1"}}))
    later.start()
    kind, obj = next(events)
    assert (kind, obj.data) == ("MODIFIED", {"x": "1"})
    later.join()
    light.delete(ConfigMap, "a", cascade=CascadeType.BACKGROUND)
    assert next(events)[0] == "DELETED"


def test_waiting_for_what_is_deleted(light: Client) -> None:
    light.create(deployment())
    status = {"status": {"replicas": 1}}
    light.patch(Deployment.Status, "web", status, patch_type=PatchType.MERGE)
    later = threading.Timer(0.3, lambda: light.delete(Deployment, "web"))
    later.start()
    with pytest.raises(ObjectDeleted):
        light.wait(Deployment, "web", for_conditions=["Available"])
    later.join()


def test_lists_in_chunks_and_by_selectors(light: Client) -> None:
    for n in range(7):
        body = Secret(metadata=ObjectMeta(name=f"s{n}", labels={"n": str(n)}))
        light.create(body)
    assert len(list(light.list(Secret, chunk_size=3))) == 7
    some = light.list(Secret, labels={"n": operators.in_(["1", "2"])})
    assert [item.metadata.name for item in some if item.metadata] == ["s1", "s2"]
    others = light.list(Secret, labels={"n": operators.not_in([str(n) for n in range(6)])})
    assert len(list(others)) == 1
    light.deletecollection(Secret)
    assert list(light.list(Secret)) == []


def test_manifests_written_and_read(light: Client) -> None:
    secret = Secret(metadata=ObjectMeta(name="s"), stringData={"a": "1"}, type="Opaque")
    written: Any = [secret]
    (read,) = codecs.load_all_yaml(codecs.dump_all_yaml(written) or "")
    made: Any = light.create(read)
    assert made.data == {"a": base64.b64encode(b"1").decode()}
    (other,) = codecs.load_all_yaml(codecs.dump_all_yaml([made]) or "")
    light.replace(other)


async def test_the_asynchronous_client(cluster: Strongroom, namespace: str) -> None:
    config = KubeConfig.from_file(cluster.kubeconfig)
    client = AsyncClient(config=config, namespace=namespace, field_manager="a")
    await client.apply(config_map(a="1"))
    mine: Any = {"metadata.name": "c"}
    async for kind, obj in client.watch(ConfigMap, fields=mine):
        assert (kind, obj.data) == ("ADDED", {"a": "1"})
        break
    assert [item.data async for item in client.list(ConfigMap, fields=mine)] == [{"a": "1"}]
    await client.delete(ConfigMap, "c")
    with pytest.raises(ApiError) as error:
        await client.get(ConfigMap, "c")
    assert error.value.status.code == 404
    await client.close()


def test_a_kubeconfig_from_the_environment(
    cluster: Strongroom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    with Client() as client:
        assert client.get(Namespace, "default").metadata is not None
