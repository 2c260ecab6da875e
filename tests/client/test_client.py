"""The typed verbs and the watch, against a real API server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from strongroom.api.errors import StatusError
from strongroom.client.client import Client, Patch, lines
from strongroom.client.config import load_config
from strongroom.client.errors import InvalidConfig, Unreachable
from strongroom.resources.secret import SECRETS, Secret
from strongroom.testing.process import Strongroom


def secret(name: str, **data: bytes) -> Secret:
    """A Secret to create."""
    made = Secret(data=dict(data))
    made.metadata.name = name
    return made


async def test_an_object_lives_through_all_verbs(client: Client, namespace: str) -> None:
    made = await client.create(SECRETS, secret("a", k=b"\0\xff"), namespace)
    assert made.type == "Opaque"
    read = await client.get(SECRETS, "a", namespace)
    assert read.data == {"k": b"\0\xff"}
    assert (read.kind, read.apiVersion) == ("Secret", "v1")
    read.data["k"] = b"2"
    updated = await client.update(SECRETS, read)
    assert updated.metadata.resourceVersion != made.metadata.resourceVersion
    patched = await client.patch(
        SECRETS, "a", namespace, {"metadata": {"labels": {"x": "y"}}}, kind=Patch.STRATEGIC
    )
    assert patched.metadata.labels == {"x": "y"}
    assert patched.data == {"k": b"2"}
    found = await client.list(SECRETS, namespace, label_selector="x=y")
    assert [item.metadata.name for item in found.items] == ["a"]
    assert found.items[0].kind == "Secret"
    await client.delete(SECRETS, "a", namespace, uid=made.metadata.uid)
    with pytest.raises(StatusError) as caught:
        await client.get(SECRETS, "a", namespace)
    assert (caught.value.code, caught.value.reason) == (404, "NotFound")
    assert caught.value.message == 'secrets "a" not found'
    assert caught.value.details is not None
    assert caught.value.details.name == "a"


async def test_lists_come_in_pages(client: Client, namespace: str) -> None:
    for name in ("a", "b", "c"):
        await client.create(SECRETS, secret(name), namespace)
    first = await client.list(SECRETS, namespace, limit=2)
    assert len(first.items) == 2
    assert first.remaining == 1
    rest = await client.list(SECRETS, namespace, limit=2, continue_token=first.continue_token)
    assert [item.metadata.name for item in rest.items] == ["c"]
    assert rest.continue_token == ""


async def test_a_lost_race_is_a_conflict(client: Client, namespace: str) -> None:
    old = await client.create(SECRETS, secret("a"), namespace)
    await client.patch(SECRETS, "a", namespace, {"metadata": {"labels": {"x": "y"}}})
    with pytest.raises(StatusError) as caught:
        await client.update(SECRETS, old)
    assert caught.value.reason == "Conflict"


async def test_a_dry_run_stores_nothing(client: Client, namespace: str) -> None:
    await client.create(SECRETS, secret("a"), namespace, dry_run=True)
    assert (await client.list(SECRETS, namespace)).items == []


async def test_a_watch_tells_every_change_from_a_revision(client: Client, namespace: str) -> None:
    start = await client.list(SECRETS, namespace)
    big = b"x" * 700_000
    await client.create(SECRETS, secret("a", k=big), namespace)
    await client.patch(SECRETS, "a", namespace, {"metadata": {"labels": {"x": "y"}}})
    await client.delete(SECRETS, "a", namespace)
    seen = []
    watch = client.watch(SECRETS, namespace, resource_version=start.revision)
    async with aclosing(watch) as events:
        async for event in events:
            if event.obj is None:
                continue
            seen.append(event.type)
            assert event.obj.data == {"k": big}
            assert event.revision == event.obj.metadata.resourceVersion
            if event.type == "DELETED":
                break
    assert seen == ["ADDED", "MODIFIED", "DELETED"]


async def test_a_refused_watch_is_a_status(client: Client, namespace: str) -> None:
    watch = client.watch(SECRETS, namespace, field_selector="data.k=v")
    with pytest.raises(StatusError) as caught:
        async with aclosing(watch) as events:
            await anext(events)
    assert caught.value.code == 400


async def test_nobody_listening_is_unreachable(api: Strongroom) -> None:
    config = replace(load_config(api.kubeconfig), server="https://127.0.0.1:1")
    async with Client(config) as lost:
        with pytest.raises(Unreachable, match="GET /api/v1/namespaces/x/secrets/y"):
            await lost.get(SECRETS, "y", "x")


async def test_a_server_of_another_authority_is_not_trusted(api: Strongroom) -> None:
    config = replace(load_config(api.kubeconfig), ca_data=b"")
    async with Client(config) as careful:
        with pytest.raises(Unreachable, match="TLS"):
            await careful.get(SECRETS, "y", "x")


def test_an_unusable_pair_is_refused_without_its_content(api: Strongroom) -> None:
    config = replace(load_config(api.kubeconfig), client_key=b"hunter2")
    with pytest.raises(InvalidConfig) as caught:
        Client(config)
    assert "hunter2" not in str(caught.value)


async def test_lines_are_whole_however_they_were_cut() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for part in (b"one\ntw", b"o\n\n", b"three", b"\ntorn"):
            yield part

    assert [line async for line in lines(chunks())] == [b"one", b"two", b"three"]
