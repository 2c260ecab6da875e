"""The node's objects: one watch each, shared, and only as long as somebody needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from strongroom.client.client import Client
from strongroom.node.objects import ObjectCache, ObjectMissing, ObjectUnavailable, Ref
from strongroom.resources.secret import SECRETS, Secret
from tests.node.cluster import Cluster
from tests.node.conftest import fresh
from tests.waiting import until


@pytest.fixture
async def quiet(client: Client) -> Cluster:
    """A fresh namespace; no node runs."""
    return await fresh(client)


@pytest.fixture
async def objects(client: Client) -> AsyncIterator[ObjectCache]:
    cache = ObjectCache(client)
    yield cache
    await cache.close()


def value(objects: ObjectCache, ref: Ref) -> bytes | None:
    """What is known of key `k`."""
    obj = objects.peek(ref)
    return obj.data["k"] if isinstance(obj, Secret) else None


async def test_pods_share_a_watch_until_the_last_is_gone(
    quiet: Cluster, objects: ObjectCache
) -> None:
    await quiet.secret("a", k="1")
    ref = Ref("secret", quiet.namespace, "a")
    told: list[str] = []
    heard = asyncio.Event()

    def tell(name: str) -> None:
        told.append(name)
        heard.set()

    objects.register("one", [ref], lambda _: tell("one"))
    objects.register("two", [ref], lambda _: tell("two"))
    async with asyncio.timeout(30):
        while len(told) < 2:
            heard.clear()
            await heard.wait()
    assert objects.watched() == {ref}
    assert value(objects, ref) == b"1"
    objects.unregister("one")
    assert objects.watched() == {ref}
    objects.unregister("two")
    assert objects.watched() == set()
    with pytest.raises(ObjectUnavailable, match="not registered"):
        await objects.fetch(ref)


async def test_missing_is_a_state_that_ends(quiet: Cluster, objects: ObjectCache) -> None:
    ref = Ref("secret", quiet.namespace, "a")
    objects.register("one", [ref], lambda _: None)
    with pytest.raises(ObjectMissing, match=r'^secret "a" not found$'):
        await objects.fetch(ref)
    await quiet.secret("a", k="1")

    async def seen() -> bool:
        return value(objects, ref) == b"1"

    await until(seen)
    await quiet.client.delete(SECRETS, "a", quiet.namespace)

    async def gone() -> bool:
        return objects.peek(ref) is None

    await until(gone)


async def remade(quiet: Cluster, name: str, value: str) -> None:
    """Another immutable Secret of a name."""
    await quiet.client.delete(SECRETS, name, quiet.namespace)
    await quiet.secret(name, immutable=True, k=value)


async def test_an_immutable_object_that_is_made_anew_is_followed(
    quiet: Cluster, objects: ObjectCache
) -> None:
    await quiet.secret("a", immutable=True, k="1")
    ref = Ref("secret", quiet.namespace, "a")
    objects.register("one", [ref], lambda _: None)
    assert (await objects.fetch(ref)).data == {"k": b"1"}
    await remade(quiet, "a", "2")

    async def followed() -> bool:
        return value(objects, ref) == b"2"

    await until(followed)
    await remade(quiet, "a", "3")
    # Not a moment of the old one for whoever reads now, whether or not the watch has told.
    assert (await objects.fetch(ref)).data == {"k": b"3"}


async def test_news_of_the_one_before_do_not_undo_what_was_read(
    quiet: Cluster, objects: ObjectCache
) -> None:
    """The watch lags behind what was read: it tells of a deletion that is long made good."""
    await quiet.secret("a", immutable=True, k="1")
    ref = Ref("secret", quiet.namespace, "a")
    told: list[bytes | None] = []
    objects.register("one", [ref], lambda _: told.append(value(objects, ref)))
    await objects.fetch(ref)
    await remade(quiet, "a", "2")
    await objects.fetch(ref)

    async def heard() -> bool:
        # A change by which the watch shows that it has told all that was before.
        await quiet.client.patch(
            SECRETS, "a", quiet.namespace, {"metadata": {"labels": {"x": "y"}}}
        )
        known = objects.peek(ref)
        return known is not None and known.metadata.labels == {"x": "y"}

    await until(heard)
    assert None not in told[told.index(b"2") :]
    assert b"1" not in told[told.index(b"2") :]
