"""Objects by their metadata: what arrives, and that nothing else does."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import msgspec
import pytest

from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, ObjectMeta, OwnerReference, Preconditions
from strongroom.client.client import Client, Patch
from strongroom.client.errors import Unreachable
from strongroom.client.informer import Follower
from strongroom.client.metadata import (
    MetadataCollection,
    Owner,
    Partial,
    count,
    delete_at,
    get_metadata,
    patch_at,
)
from strongroom.resources.secret import SECRETS, Secret

OWNER = OwnerReference(apiVersion="v1", kind="ConfigMap", name="c", uid="1-2-3", controller=True)


async def make(client: Client, namespace: str, name: str) -> str:
    """A Secret with an owner and a finalizer; its path."""
    meta = ObjectMeta(name=name, ownerReferences=[OWNER], finalizers=["example.com/hold"])
    await client.create(SECRETS, Secret(metadata=meta, data={"k": b"value"}), namespace)
    return f"/api/v1/namespaces/{namespace}/secrets/{name}"


async def test_what_is_kept_of_an_object(client: Client, namespace: str) -> None:
    path = await make(client, namespace, "s")
    meta = await get_metadata(client, path)
    assert (meta.name, meta.namespace, meta.deletionTimestamp) == ("s", namespace, None)
    assert meta.ownerReferences == (Owner("v1", "ConfigMap", "c", "1-2-3", controller=True),)
    assert meta.finalizers == ("example.com/hold",)
    with pytest.raises(StatusError) as missing:
        await get_metadata(client, path + "-not")
    assert missing.value.details is not None
    assert missing.value.details.name == "s-not"


async def test_patches_and_deletions_have_conditions(client: Client, namespace: str) -> None:
    path = await make(client, namespace, "s")
    meta = await get_metadata(client, path)
    body = {"metadata": {"uid": "another", "finalizers": None}}
    with pytest.raises(StatusError) as refused:
        await patch_at(client, path, body, Patch.MERGE)
    assert refused.value.code == 422
    with pytest.raises(StatusError) as refused:
        await delete_at(client, path, DeleteOptions(preconditions=Preconditions(uid="another")))
    assert refused.value.code == 409
    await delete_at(client, path, DeleteOptions(preconditions=Preconditions(uid=meta.uid)))
    assert (await get_metadata(client, path)).deletionTimestamp
    await patch_at(client, path, {"metadata": {"uid": meta.uid, "finalizers": None}}, Patch.MERGE)
    assert await count(client, path.rpartition("/")[0]) == 0


async def test_a_collection_is_counted_listed_in_pages_and_followed(
    client: Client, namespace: str
) -> None:
    await make(client, namespace, "a")
    await make(client, namespace, "b")
    path = await make(client, namespace, "c")
    collection = MetadataCollection(client, path.rpartition("/")[0])
    assert await count(client, collection.path) == 3
    page = await collection.list(2, "")
    rest = await collection.list(2, page.continue_token)
    assert [o.metadata.name for o in (*page.items, *rest.items)] == ["a", "b", "c"]
    follower: Follower[Partial] = Follower(collection)
    gone = asyncio.Event()
    follower.start()
    await follower.wait_synced()
    assert len(follower.items()) == 3
    follower.add_handler(lambda change: gone.set() if change.type == "deleted" else None)
    await patch_at(client, path, {"metadata": {"finalizers": None}}, Patch.MERGE)
    await delete_at(client, path, DeleteOptions())
    await asyncio.wait_for(gone.wait(), 60)
    assert follower.get(namespace, "c") is None
    await follower.close()


async def test_a_revision_that_is_no_revision_is_refused(client: Client) -> None:
    collection = MetadataCollection(client, "/api/v1/secrets")
    with pytest.raises(StatusError):
        async with aclosing(collection.watch("nonsense")) as events:
            await anext(events)


async def test_an_answer_that_is_something_else_is_not_taken_for_an_object(client: Client) -> None:
    with pytest.raises((Unreachable, StatusError)) as found:
        await get_metadata(client, "/openapi/v2")
    assert not isinstance(found.value, msgspec.MsgspecError)
