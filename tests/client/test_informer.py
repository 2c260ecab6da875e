"""The informer follows a real server: through its restarts, and after history is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.api.errors import expired
from strongroom.client.client import Client, WatchEvent
from strongroom.client.config import load_config
from strongroom.client.informer import Change, Informer
from strongroom.resources.secret import SECRETS, Secret
from strongroom.testing.process import Strongroom
from tests.client.test_client import secret


class Recorder:
    """Collects changes; ``until`` waits for a number of them."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self._more = asyncio.Event()

    def __call__(self, change: Change[Secret]) -> None:
        self.seen.append((change.type, change.obj.metadata.name))
        self._more.set()

    async def until(self, number: int) -> list[tuple[str, str]]:
        while len(self.seen) < number:
            self._more.clear()
            await self._more.wait()
        return self.seen


@pytest.fixture
async def followed(client: Client, namespace: str) -> AsyncIterator[Informer[Secret]]:
    informer = Informer(client, SECRETS, namespace)
    yield informer
    await informer.close()


async def test_what_is_there_and_what_comes(
    client: Client, namespace: str, followed: Informer[Secret]
) -> None:
    await client.create(SECRETS, secret("a"), namespace)
    seen = Recorder()
    followed.add_handler(seen)
    followed.start()
    await followed.wait_synced()
    assert seen.seen == [("added", "a")]
    await client.create(SECRETS, secret("b"), namespace)
    await client.patch(SECRETS, "b", namespace, {"metadata": {"labels": {"x": "y"}}})
    await client.delete(SECRETS, "a", namespace)
    assert await seen.until(4) == [
        ("added", "a"),
        ("added", "b"),
        ("modified", "b"),
        ("deleted", "a"),
    ]
    assert followed.get(namespace, "a") is None
    assert [item.metadata.name for item in followed.items()] == ["b"]


async def test_a_field_selector_narrows(client: Client, namespace: str) -> None:
    for name in ("a", "b"):
        await client.create(SECRETS, secret(name), namespace)
    informer = Informer(client, SECRETS, namespace, field_selector="metadata.name=b")
    informer.start()
    await informer.wait_synced()
    assert [item.metadata.name for item in informer.items()] == ["b"]
    await informer.close()


async def test_an_index_follows_changes(
    client: Client, namespace: str, followed: Informer[Secret]
) -> None:
    followed.add_index("x", lambda obj: [obj.metadata.labels.get("x", "")])
    seen = Recorder()
    followed.add_handler(seen)
    followed.start()
    # Else both changes may be in the first list, which tells of them as one.
    await followed.wait_synced()
    made = secret("a")
    made.metadata.labels = {"x": "1"}
    await client.create(SECRETS, made, namespace)
    await client.patch(SECRETS, "a", namespace, {"metadata": {"labels": {"x": "2"}}})
    await seen.until(2)
    assert followed.by_index("x", "1") == []
    assert len(followed.by_index("x", "2")) == 1


async def test_a_restarted_server_is_resumed_without_a_new_list(tmp_path: Path) -> None:
    room = Strongroom.start(tmp_path, "apiserver")
    seen = Recorder()
    async with Client(load_config(room.kubeconfig)) as client:
        informer = Informer(client, SECRETS, "default")
        informer.add_handler(seen)
        informer.start()
        await informer.wait_synced()
        await client.create(SECRETS, secret("before"), "default")
        await seen.until(1)
        room.kill()
        with Strongroom.start(tmp_path, "apiserver", port=room.port):
            async with Client(load_config(room.kubeconfig)) as other:
                await other.create(SECRETS, secret("after"), "default")
            assert await seen.until(2) == [("added", "before"), ("added", "after")]
            assert informer.lists == 1
            await informer.close()


class Forgetful(Client):
    """Says once that the revision is no longer kept, after the world has moved on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.forgot = False

    async def watch(self, *args: Any, **kwargs: Any) -> AsyncGenerator[WatchEvent[Any], None]:
        if not self.forgot:
            self.forgot = True
            namespace = args[1]
            await self.delete(SECRETS, "gone", namespace)
            await self.delete(SECRETS, "replaced", namespace)
            await self.create(SECRETS, secret("replaced"), namespace)
            raise expired("too old resource version")
        async for event in super().watch(*args, **kwargs):
            yield event


async def test_after_410_the_differences_are_told(
    api: Strongroom, client: Client, namespace: str
) -> None:
    for name in ("gone", "kept", "replaced"):
        await client.create(SECRETS, secret(name), namespace)
    seen = Recorder()
    async with Forgetful(load_config(api.kubeconfig)) as forgetful:
        informer = Informer(forgetful, SECRETS, namespace)
        informer.add_handler(seen)
        informer.start()
        await seen.until(6)
        # One more, to see that it watches on from the new list.
        await client.create(SECRETS, secret("next"), namespace)
        told = (await seen.until(7))[3:]
        await informer.close()
    assert told == [
        ("deleted", "gone"),
        ("deleted", "replaced"),
        ("added", "replaced"),
        ("added", "next"),
    ]
    assert informer.lists == 2
