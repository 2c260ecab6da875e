"""The official Python client: create, read, change, list, watch and their errors."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config, dynamic, watch

from strongroom.testing.process import Strongroom
from tests.e2e.kubectl import Kubectl


@pytest.fixture
def core(api: Strongroom) -> Iterator[Any]:
    """The client of the core group."""
    with config.new_client_from_config(config_file=str(api.kubeconfig)) as connection:
        yield client.CoreV1Api(connection)


@pytest.fixture
def namespace(kubectl: Kubectl) -> str:
    """A fresh namespace."""
    return kubectl.namespace


def secret(name: str, **data: str) -> Any:
    return client.V1Secret(metadata=client.V1ObjectMeta(name=name), string_data=data)


def decoded(found: Any) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in (found.data or {}).items()}


def status(error: Any) -> dict[str, Any]:
    """The Status that an error carries."""
    return dict(json.loads(error.value.body))


def test_create_read_replace_delete(core: Any, namespace: str) -> None:
    made = core.create_namespaced_secret(namespace, secret("s", a="1"))
    assert (made.type, made.string_data, decoded(made)) == ("Opaque", None, {"a": "1"})
    made.string_data = {"b": "2"}
    replaced = core.replace_namespaced_secret("s", namespace, made)
    assert decoded(core.read_namespaced_secret("s", namespace)) == {"a": "1", "b": "2"}
    assert int(replaced.metadata.resource_version) > int(made.metadata.resource_version)
    assert core.delete_namespaced_secret("s", namespace)["status"] == "Success"
    with pytest.raises(client.ApiException) as error:
        core.read_namespaced_secret("s", namespace)
    assert (error.value.status, status(error)["reason"]) == (404, "NotFound")


def test_patches(core: Any, namespace: str) -> None:
    core.create_namespaced_secret(namespace, secret("s", a="1"))
    patched = core.patch_namespaced_secret("s", namespace, {"stringData": {"b": "2"}})
    assert decoded(patched) == {"a": "1", "b": "2"}
    steps = [{"op": "remove", "path": "/data/a"}]
    assert decoded(core.patch_namespaced_secret("s", namespace, steps)) == {"b": "2"}


def test_conflicts_and_invalid_objects(core: Any, namespace: str) -> None:
    old = core.create_namespaced_secret(namespace, secret("s", a="1"))
    core.patch_namespaced_secret("s", namespace, {"stringData": {"a": "2"}})
    with pytest.raises(client.ApiException) as error:
        core.replace_namespaced_secret("s", namespace, old)
    assert (error.value.status, status(error)["reason"]) == (409, "Conflict")
    with pytest.raises(client.ApiException) as error:
        core.create_namespaced_secret(namespace, secret("s", a="1"))
    assert (error.value.status, status(error)["reason"]) == (409, "AlreadyExists")
    with pytest.raises(client.ApiException) as error:
        core.create_namespaced_secret(namespace, secret("Bad", a="1"))
    told = status(error)
    assert (told["code"], told["reason"]) == (422, "Invalid")
    assert [cause["field"] for cause in told["details"]["causes"]] == ["metadata.name"]


def test_a_list_in_pages_is_of_one_moment(core: Any, namespace: str) -> None:
    names = [f"s{n}" for n in range(10)]
    for name in names:
        core.create_namespaced_secret(namespace, secret(name))
    page = core.list_namespaced_secret(namespace, limit=4)
    found = [item.metadata.name for item in page.items]
    assert page.metadata.remaining_item_count == 6
    core.create_namespaced_secret(namespace, secret("s99"))
    revisions = {page.metadata.resource_version}
    while page.metadata._continue:
        page = core.list_namespaced_secret(namespace, limit=4, _continue=page.metadata._continue)
        revisions.add(page.metadata.resource_version)
        found += [item.metadata.name for item in page.items]
    assert found == names
    assert len(revisions) == 1


def test_selectors_and_deletion_of_a_collection(core: Any, namespace: str) -> None:
    for name, tier in (("a", "front"), ("b", "back"), ("c", "back")):
        body = secret(name)
        body.metadata.labels = {"tier": tier}
        core.create_namespaced_secret(namespace, body)
    core.delete_collection_namespaced_secret(namespace, label_selector="tier=back")
    everywhere = core.list_secret_for_all_namespaces(field_selector="type=Opaque")
    assert [i.metadata.name for i in everywhere.items if i.metadata.namespace == namespace] == ["a"]


def test_a_watch_resumes_where_it_broke(core: Any, namespace: str) -> None:
    start = core.list_namespaced_secret(namespace).metadata.resource_version
    core.create_namespaced_secret(namespace, secret("a"))
    stream = watch.Watch()
    first = next(
        iter(stream.stream(core.list_namespaced_secret, namespace, resource_version=start))
    )  # fmt: skip - one event, then the watch is dropped
    stream.stop()
    assert (first["type"], first["object"].metadata.name) == ("ADDED", "a")
    core.patch_namespaced_secret("a", namespace, {"stringData": {"x": "1"}})
    core.delete_namespaced_secret("a", namespace)
    resumed = watch.Watch().stream(
        core.list_namespaced_secret,
        namespace,
        resource_version=first["object"].metadata.resource_version,
        timeout_seconds=1,
    )
    assert [(event["type"], event["object"].metadata.name) for event in resumed] == [
        ("MODIFIED", "a"),
        ("DELETED", "a"),
    ]


def test_a_watch_tells_what_is_there_first(core: Any, namespace: str) -> None:
    core.create_namespaced_secret(namespace, secret("a"))
    events = watch.Watch().stream(core.list_namespaced_secret, namespace, timeout_seconds=1)
    assert [(event["type"], event["object"].metadata.name) for event in events] == [("ADDED", "a")]


def test_discovery_of_the_dynamic_client(core: Any, namespace: str) -> None:
    secrets = dynamic.DynamicClient(core.api_client).resources.get(api_version="v1", kind="Secret")
    secrets.create(body={"metadata": {"name": "s"}, "stringData": {"a": "1"}}, namespace=namespace)
    assert secrets.get(name="s", namespace=namespace).data.a == "MQ=="
    leases = dynamic.DynamicClient(core.api_client).resources.get(
        api_version="coordination.k8s.io/v1", kind="Lease"
    )
    assert leases.get(namespace=namespace).items == []


def test_versions_and_groups(core: Any) -> None:
    assert client.VersionApi(core.api_client).get_code().minor == "37"
    groups: Any = client.ApisApi(core.api_client).get_api_versions().groups
    versions = {group.name: group.preferred_version.group_version for group in groups}
    assert versions["coordination.k8s.io"] == "coordination.k8s.io/v1"
    assert versions["apps"] == "apps/v1"
