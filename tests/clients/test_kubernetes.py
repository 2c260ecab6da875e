"""The official Python client's larger tools: dynamic client, informer, election, manifests."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config, dynamic, informer, utils, watch
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

from strongroom.testing.process import Strongroom
from tests.clients.vaults import GROUP, vault

MANIFESTS = """
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {a: "1"}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: c}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec: {containers: [{name: main, image: nginx}]}
"""


@pytest.fixture
def connection(cluster: Strongroom) -> Iterator[Any]:
    """A connection as the administrator."""
    with config.new_client_from_config(config_file=str(cluster.kubeconfig)) as opened:
        yield opened


@pytest.fixture
def core(connection: Any) -> Any:
    """The client of the core group."""
    return client.CoreV1Api(connection)


@pytest.fixture
def by_default(cluster: Strongroom) -> Iterator[None]:
    """The configuration that clients take when they are given none."""
    before = client.Configuration._default
    config.load_kube_config(config_file=str(cluster.kubeconfig))
    yield
    client.Configuration.set_default(before)


def secret(name: str, **labels: str) -> Any:
    return client.V1Secret(metadata=client.V1ObjectMeta(name=name, labels=labels))


def test_the_dynamic_client_finds_kinds_and_changes_objects(
    connection: Any, namespace: str, vaults: None
) -> None:
    anything = dynamic.DynamicClient(connection)
    kinds = anything.resources.get(api_version=f"{GROUP}/v1", kind="Vault")
    kinds.create(body=vault("v"), namespace=namespace)
    merged = kinds.patch(
        body={"spec": {"doors": 4}},
        name="v",
        namespace=namespace,
        content_type="application/merge-patch+json",
    )
    assert (merged.spec.owner, merged.spec.doors) == ("me", 4)
    kinds.status.patch(
        body={"status": {"open": True}},
        name="v",
        namespace=namespace,
        content_type="application/merge-patch+json",
    )
    assert kinds.get(name="v", namespace=namespace).status.open is True
    kinds.delete(name="v", namespace=namespace)
    with pytest.raises(dynamic.exceptions.NotFoundError):
        kinds.get(name="v", namespace=namespace)


def test_the_dynamic_client_applies_and_meets_conflicts(connection: Any, namespace: str) -> None:
    maps = dynamic.DynamicClient(connection).resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    maps.server_side_apply(body=body, namespace=namespace, field_manager="one")
    other = {**body, "data": {"a": "2"}}
    with pytest.raises(dynamic.exceptions.ConflictError) as error:
        maps.server_side_apply(body=other, namespace=namespace, field_manager="two")
    assert 'conflict with \\"one\\": .data.a' in str(error.value.body)
    forced = maps.server_side_apply(
        body=other, namespace=namespace, field_manager="two", force_conflicts=True
    )
    assert forced.data.a == "2"


def test_the_dynamic_client_watches(connection: Any, namespace: str) -> None:
    secrets = dynamic.DynamicClient(connection).resources.get(api_version="v1", kind="Secret")
    for name in ("a", "b"):
        secrets.create(body={"metadata": {"name": name}}, namespace=namespace)
    seen = [
        (event["type"], event["object"].metadata.name)
        for event in secrets.watch(namespace=namespace, timeout=1)
    ]
    assert seen == [("ADDED", "a"), ("ADDED", "b")]


def test_the_kinds_of_a_group_by_the_dynamic_client(connection: Any, vaults: None) -> None:
    found = dynamic.DynamicClient(connection).resources.search(group=GROUP)
    assert {resource.kind for resource in found} == {"Vault", "VaultList"}


def test_a_watch_takes_up_bookmarks(core: Any, namespace: str) -> None:
    core.create_namespaced_secret(namespace, secret("a"))
    events = watch.Watch().stream(
        core.list_namespaced_secret,
        namespace,
        send_initial_events=True,
        resource_version_match="NotOlderThan",
        allow_watch_bookmarks=True,
        timeout_seconds=1,
    )
    first, second, *_ = events
    assert (first["type"], first["object"].metadata.name) == ("ADDED", "a")
    assert second["type"] == "BOOKMARK"
    notes = second["raw_object"]["metadata"]["annotations"]
    assert notes == {"k8s.io/initial-events-end": "true"}


def test_an_informer_keeps_a_cache(core: Any, namespace: str) -> None:
    core.create_namespaced_secret(namespace, secret("old", tier="web"))
    core.create_namespaced_secret(namespace, secret("other"))
    seen: queue.Queue[tuple[str, str]] = queue.Queue()
    shared = informer.SharedInformer(
        core.list_namespaced_secret, namespace=namespace, label_selector="tier=web"
    )
    for kind in ("ADDED", "MODIFIED", "DELETED"):
        shared.add_event_handler(kind, lambda obj, kind=kind: seen.put((kind, obj.metadata.name)))
    shared.start()
    assert seen.get(timeout=20) == ("ADDED", "old")
    core.create_namespaced_secret(namespace, secret("new", tier="web"))
    assert seen.get(timeout=20) == ("ADDED", "new")
    core.patch_namespaced_secret("new", namespace, {"stringData": {"a": "1"}})
    assert seen.get(timeout=20) == ("MODIFIED", "new")
    assert shared.cache.get_by_key(f"{namespace}/new").data == {"a": "MQ=="}
    core.patch_namespaced_secret("old", namespace, {"metadata": {"labels": {"tier": None}}})
    assert seen.get(timeout=20) == ("DELETED", "old")
    assert shared.cache.list_keys() == [f"{namespace}/new"]
    core.delete_namespaced_secret("new", namespace)
    assert seen.get(timeout=20) == ("DELETED", "new")
    shared.stop()


def test_one_of_two_candidates_leads(by_default: None, core: Any, namespace: str) -> None:
    def candidate(name: str) -> leaderelection.LeaderElection:
        return leaderelection.LeaderElection(
            electionconfig.Config(
                LeaseLock("lock", namespace, name),
                lease_duration=17,
                renew_deadline=15,
                retry_period=5,
                onstarted_leading=lambda: None,
                onstopped_leading=lambda: None,
            )
        )

    one, two = candidate("one"), candidate("two")
    assert one.try_acquire_or_renew() is True
    assert two.try_acquire_or_renew() is False
    assert one.try_acquire_or_renew() is True
    leases: Any = client.CoordinationV1Api(core.api_client)
    held = leases.read_namespaced_lease("lock", namespace).spec
    assert (held.holder_identity, held.lease_duration_seconds) == ("one", 17)
    leases.delete_namespaced_lease("lock", namespace)
    assert two.try_acquire_or_renew() is True


def test_custom_objects(connection: Any, namespace: str, vaults: None) -> None:
    kind = {"group": GROUP, "version": "v1", "plural": "vaults"}
    where = {**kind, "namespace": namespace}
    objects: Any = client.CustomObjectsApi(connection)
    made = objects.create_namespaced_custom_object(**where, body=vault("v", keys=[{"name": "k"}]))
    assert made["spec"] == {"owner": "me", "doors": 1, "keys": [{"name": "k"}]}
    objects.patch_namespaced_custom_object(**where, name="v", body={"spec": {"doors": 2}})
    objects.patch_namespaced_custom_object_status(**where, name="v", body={"status": {"doors": 2}})
    scale = objects.get_namespaced_custom_object_scale(**where, name="v")
    assert (scale["spec"], scale["status"]["replicas"]) == ({"replicas": 2}, 2)
    found = objects.list_namespaced_custom_object(**where, label_selector="!none")
    assert [item["metadata"]["name"] for item in found["items"]] == ["v"]
    events = watch.Watch().stream(objects.list_namespaced_custom_object, **where, timeout_seconds=1)
    assert [event["object"]["spec"]["doors"] for event in events] == [2]
    with pytest.raises(client.ApiException) as error:
        objects.create_namespaced_custom_object(**where, body=vault("bad", doors=-1))
    assert error.value.status == 422
    assert "spec.doors: Invalid value: -1" in str(error.value.body)
    objects.delete_collection_namespaced_custom_object(**where)
    left = objects.list_cluster_custom_object(**kind)["items"]
    assert namespace not in [item["metadata"]["namespace"] for item in left]


def test_manifests_are_created_and_told_apart(
    connection: Any, namespace: str, tmp_path: Path
) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(MANIFESTS)
    utils.create_from_yaml(connection, str(file), namespace=namespace)
    web = client.AppsV1Api(connection).read_namespaced_deployment("web", namespace)
    assert web.spec.replicas == 1
    with pytest.raises(utils.FailToCreateError) as error:
        utils.create_from_yaml(connection, str(file), namespace=namespace)
    assert [cause.status for cause in error.value.api_exceptions] == [409, 409, 409]
    utils.create_from_yaml(connection, str(file), namespace=namespace, apply=True)


def test_definitions_events_and_quantities(connection: Any, core: Any, namespace: str) -> None:
    definitions = client.ApiextensionsV1Api(connection).list_custom_resource_definition()
    assert definitions.api_version == "apiextensions.k8s.io/v1"
    involved = client.V1ObjectReference(kind="Secret", name="s", namespace=namespace)
    event = client.CoreV1Event(
        metadata=client.V1ObjectMeta(generate_name="s."),
        involved_object=involved,
        reason="Read",
        message="it was read",
        type="Normal",
        event_time=datetime.now(UTC),
        reporting_component="tests",
        reporting_instance="one",
        action="Read",
    )
    made = core.create_namespaced_event(namespace, event)
    newer: Any = client.EventsV1Api(connection).list_namespaced_event(namespace)
    assert [(e.metadata.name, e.note) for e in newer.items] == [(made.metadata.name, "it was read")]
    hard = {"requests.memory": "1.5Gi", "secrets": "2"}
    quota = client.V1ResourceQuota(
        metadata=client.V1ObjectMeta(name="q"), spec=client.V1ResourceQuotaSpec(hard=hard)
    )
    kept = core.create_namespaced_resource_quota(namespace, quota).spec.hard["requests.memory"]
    assert utils.parse_quantity(kept) == utils.parse_quantity("1536Mi")
