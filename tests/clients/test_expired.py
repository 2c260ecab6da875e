"""Watches from a revision that is forgotten: each client is told so, and knows how to go on."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config, informer, watch
from kubernetes_asyncio import client as aclient
from kubernetes_asyncio import config as aconfig
from kubernetes_asyncio import watch as awatch
from lightkube import ApiError, Client, KubeConfig
from lightkube.resources.core_v1 import ConfigMap

from strongroom.testing.process import Strongroom
from tests.e2e.wire import Wire
from tests.waiting import eventually

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    """A server that forgot its history, by compaction and a restart; it holds one object."""
    directory = tmp_path_factory.mktemp("forgetful")
    with Strongroom.start(directory, "apiserver", "--compaction-interval=1s") as room:
        wire = Wire(room.kubeconfig)
        for name in ("first", "other"):
            assert wire.send("POST", MAPS, {"metadata": {"name": name}}).status == 201
        begun = wire.send("GET", f"{MAPS}?limit=1").json["metadata"]["continue"]
        wire.send("DELETE", f"{MAPS}/other")
        rest = f"{MAPS}?continue={begun}"
        # A page of that moment is there for as long as history is.
        eventually(lambda: wire.send("GET", rest).status == 410, pause=0.2)
    with Strongroom.start(directory, "apiserver") as room:
        yield room


@pytest.fixture
def core(forgetful: Strongroom) -> Iterator[Any]:
    """The official client."""
    with config.new_client_from_config(config_file=str(forgetful.kubeconfig)) as opened:
        yield client.CoreV1Api(opened)


def test_the_official_client_is_told(core: Any) -> None:
    stream = watch.Watch().stream(
        core.list_namespaced_config_map, "default", resource_version="1", timeout_seconds=5
    )
    with pytest.raises(client.ApiException) as error:
        next(iter(stream))
    assert (error.value.status, "too old resource version" in str(error.value)) == (410, True)


def test_its_informer_lists_again(core: Any) -> None:
    seen: queue.Queue[str] = queue.Queue()
    shared = informer.SharedInformer(core.list_namespaced_config_map, namespace="default")
    shared.add_event_handler("ADDED", lambda obj: seen.put(obj.metadata.name))
    # As after a long absence.
    shared._resource_version = "1"
    shared.start()
    assert seen.get(timeout=30) == "first"
    assert core.create_namespaced_config_map("default", {"metadata": {"name": "second"}})
    assert seen.get(timeout=30) == "second"
    shared.stop()


async def test_kubernetes_asyncio_is_told(forgetful: Strongroom) -> None:
    opened = await aconfig.new_client_from_config(config_file=str(forgetful.kubeconfig))
    async with opened, awatch.Watch() as stream:
        maps = aclient.CoreV1Api(opened).list_namespaced_config_map
        with pytest.raises(aclient.ApiException) as error:
            await anext(stream.stream(maps, "default", resource_version="1"))
        assert error.value.status == 410
        event = await anext(stream.stream(maps, "default"))
        assert event["object"].metadata.name == "first"


def test_lightkube_is_told(forgetful: Strongroom) -> None:
    with Client(config=KubeConfig.from_file(forgetful.kubeconfig)) as light:
        with pytest.raises(ApiError) as error:
            next(light.watch(ConfigMap, namespace="default", resource_version="1"))
        assert (error.value.status.code, error.value.status.reason) == (410, "Expired")
        kind, obj = next(light.watch(ConfigMap, namespace="default"))
        assert obj.metadata is not None
        assert (kind, obj.metadata.name) == ("ADDED", "first")
