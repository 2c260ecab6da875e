"""kubernetes-asyncio: lists that become watches, many at once, election and custom objects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes_asyncio import client, config, utils, watch
from kubernetes_asyncio.client.api_client import ApiClient
from kubernetes_asyncio.dynamic import DynamicClient
from kubernetes_asyncio.leaderelection import electionconfig, leaderelection
from kubernetes_asyncio.leaderelection.resourcelock.leaselock import LeaseLock

from strongroom.testing.process import Strongroom
from tests.clients.vaults import GROUP, vault


@pytest.fixture
async def connection(cluster: Strongroom) -> AsyncIterator[ApiClient]:
    """A connection as the administrator."""
    opened = await config.new_client_from_config(config_file=str(cluster.kubeconfig))
    async with opened:
        yield opened


@pytest.fixture
def core(connection: ApiClient) -> client.CoreV1Api:
    """The client of the core group."""
    return client.CoreV1Api(connection)


def secret(name: str, **data: str) -> Any:
    return client.V1Secret(metadata=client.V1ObjectMeta(name=name), string_data=data)


class Informer:
    """What users of this client write: a cache made by a list and kept by the watch after it."""

    def __init__(self, core: Any, namespace: str) -> None:
        self.core, self.namespace = core, namespace
        self.cache: dict[str, Any] = {}
        self.seen: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def run(self) -> None:
        listed = await self.core.list_namespaced_secret(self.namespace)
        self.cache = {item.metadata.name: item for item in listed.items}
        self.seen.put_nowait(("LISTED", str(len(self.cache))))
        async with watch.Watch() as stream:
            async for event in stream.stream(
                self.core.list_namespaced_secret,
                self.namespace,
                resource_version=listed.metadata.resource_version,
                allow_watch_bookmarks=True,
            ):
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        if event["type"] == "BOOKMARK":
            return
        name = event["object"].metadata.name
        if event["type"] == "DELETED":
            del self.cache[name]
        else:
            self.cache[name] = event["object"]
        self.seen.put_nowait((event["type"], name))


async def test_a_list_and_the_watch_after_it_miss_nothing(core: Any, namespace: str) -> None:
    await core.create_namespaced_secret(namespace, secret("a"))
    informer = Informer(core, namespace)
    task = asyncio.create_task(informer.run())
    seen = informer.seen
    assert await asyncio.wait_for(seen.get(), 20) == ("LISTED", "1")
    await core.create_namespaced_secret(namespace, secret("b", x="1"))
    await core.patch_namespaced_secret("a", namespace, {"stringData": {"y": "2"}})
    await core.delete_namespaced_secret("b", namespace)
    got = [await asyncio.wait_for(seen.get(), 20) for _ in range(3)]
    assert got == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
    assert {name: item.data for name, item in informer.cache.items()} == {"a": {"y": "Mg=="}}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_watch_ends_and_another_goes_on_from_there(core: Any, namespace: str) -> None:
    stream = watch.Watch()
    await core.create_namespaced_secret(namespace, secret("a"))
    async for event in stream.stream(core.list_namespaced_secret, namespace, timeout_seconds=1):
        assert event["object"].metadata.name == "a"
    reached = stream.resource_version
    await stream.close()
    await core.create_namespaced_secret(namespace, secret("b"))
    async with watch.Watch() as resumed:
        events = resumed.stream(
            core.list_namespaced_secret, namespace, resource_version=reached, timeout_seconds=1
        )
        assert [event["object"].metadata.name async for event in events] == ["b"]


async def test_many_watches_and_writers_at_once(core: Any, namespace: str) -> None:
    listed = await core.list_namespaced_config_map(namespace)
    count = 20

    async def follow() -> list[tuple[str, str]]:
        seen: list[tuple[str, str]] = []
        async with watch.Watch() as stream:
            async for event in stream.stream(
                core.list_namespaced_config_map,
                namespace,
                resource_version=listed.metadata.resource_version,
            ):
                meta = event["object"].metadata
                seen.append((meta.name, meta.resource_version))
                if len(seen) == count:
                    break
        return seen

    followers = [asyncio.create_task(follow()) for _ in range(10)]
    bodies = [client.V1ConfigMap(metadata=client.V1ObjectMeta(name=f"c{n}")) for n in range(count)]
    await asyncio.gather(*(core.create_namespaced_config_map(namespace, body) for body in bodies))
    first, *others = await asyncio.wait_for(asyncio.gather(*followers), 60)
    assert {name for name, _ in first} == {f"c{n}" for n in range(count)}
    assert [int(revision) for _, revision in first] == sorted(int(r) for _, r in first)
    assert all(other == first for other in others)


async def test_errors_carry_the_status(core: Any, namespace: str) -> None:
    with pytest.raises(client.ApiException) as error:
        await core.read_namespaced_secret("none", namespace)
    assert error.value.status == 404
    assert '"reason":"NotFound"' in str(error.value.body)
    made = await core.create_namespaced_secret(namespace, secret("s"))
    await core.patch_namespaced_secret("s", namespace, {"stringData": {"a": "1"}})
    with pytest.raises(client.ApiException) as error:
        await core.replace_namespaced_secret("s", namespace, made)
    assert error.value.status == 409


async def test_pages(core: Any, namespace: str) -> None:
    await asyncio.gather(
        *(core.create_namespaced_secret(namespace, secret(f"s{n}")) for n in range(7))
    )
    names: list[str] = []
    token = None
    while True:
        page = await core.list_namespaced_secret(namespace, limit=3, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    assert names == [f"s{n}" for n in range(7)]


async def test_custom_objects_and_the_dynamic_client(
    connection: ApiClient, namespace: str, vaults: None
) -> None:
    objects: Any = client.CustomObjectsApi(connection)
    where = {"group": GROUP, "version": "v1", "plural": "vaults", "namespace": namespace}
    await objects.create_namespaced_custom_object(**where, body=vault("v"))
    async with watch.Watch() as stream:
        async for event in stream.stream(
            objects.list_namespaced_custom_object, **where, timeout_seconds=1
        ):
            assert event["object"]["spec"] == {"owner": "me", "doors": 1}
    anything: Any = await DynamicClient(connection)
    kinds = await anything.resources.get(api_version=f"{GROUP}/v1", kind="Vault")
    applied = await kinds.server_side_apply(
        body=vault("v", doors=2), namespace=namespace, field_manager="t", force_conflicts=True
    )
    assert applied.spec.doors == 2


async def test_manifests(connection: ApiClient, core: Any, namespace: str) -> None:
    tree = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "type": "example/x"}
    await utils.create_from_dict(connection, tree, namespace=namespace)
    assert (await core.read_namespaced_secret("s", namespace)).type == "example/x"
    with pytest.raises(utils.FailToCreateError):
        await utils.create_from_dict(connection, tree, namespace=namespace)


async def test_one_of_two_candidates_leads(connection: ApiClient, namespace: str) -> None:
    async def nothing() -> None: ...

    def candidate(name: str) -> leaderelection.LeaderElection:
        lock = LeaseLock("lock", namespace, name, connection)
        return leaderelection.LeaderElection(
            electionconfig.Config(lock, 17, 15, 5, nothing, nothing)
        )

    one, two = candidate("one"), candidate("two")
    assert await one.try_acquire_or_renew() is True
    assert await two.try_acquire_or_renew() is False
    assert await one.try_acquire_or_renew() is True
    lease: Any = await client.CoordinationV1Api(connection).read_namespaced_lease("lock", namespace)
    assert lease.spec.holder_identity == "one"
