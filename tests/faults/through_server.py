"""An API server as a store of Secrets, so that the same load and the same checker do for both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Self

from strongroom.api.errors import StatusError
from strongroom.api.meta import ObjectMeta
from strongroom.client.client import Client, WatchEvent
from strongroom.client.errors import ClientFailure
from strongroom.resources.secret import SECRETS, Secret
from strongroom.storage.errors import KeyExists, RevisionConflict, StoreUnavailable
from strongroom.storage.port import Event, Events, EventType, KeyValue, Page
from tests.faults.history import Untold

HOME = "default"


def key_value(obj: Secret) -> KeyValue:
    revision = int(obj.metadata.resourceVersion)
    return KeyValue(obj.metadata.name, obj.data["value"], 0, revision)


class ThroughServer:
    """The part of the `Store` port that a load needs. Keys are names of Secrets."""

    def __init__(self, client: Client, revision: int) -> None:
        self._client = client
        self.current_revision = revision

    @classmethod
    async def open(cls, client: Client) -> Self:
        return cls(client, int((await client.list(SECRETS, HOME)).revision))

    async def create(self, key: str, value: bytes) -> int:
        with told(key):
            made = await self._client.create(SECRETS, secret(key, value), HOME)
        return int(made.metadata.resourceVersion)

    async def update(self, key: str, value: bytes, *, expected: int) -> int:
        with told(key):
            made = await self._client.update(SECRETS, secret(key, value, str(expected)))
        return int(made.metadata.resourceVersion)

    async def delete(self, key: str, *, expected: int) -> int:
        """0: the server tells no revision of a deletion."""
        with told(key):
            await self._client.delete(SECRETS, key, HOME, resource_version=str(expected))
        return 0

    async def get(self, key: str) -> KeyValue | None:
        try:
            with told(key):
                return key_value(await self._client.get(SECRETS, key, HOME))
        except RevisionConflict:
            return None

    async def list(self, prefix: str) -> Page:
        with told(prefix):
            found = await self._client.list(SECRETS, HOME)
        items = [key_value(obj) for obj in found.items if obj.metadata.name.startswith(prefix)]
        return Page(items, int(found.revision), more=False, remaining=0)

    def watch(self, prefix: str, *, after: int) -> ServerWatch:
        return ServerWatch(self._client, prefix, after)


class ServerWatch:
    """A watch that is begun again, from its last event, whenever it ends."""

    def __init__(self, client: Client, prefix: str, after: int) -> None:
        self._client, self._prefix = client, prefix
        self.progress = after
        self._events = self._all()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Events:
        event = await anext(self._events)
        # Bookmarks move it as well, but only what was handed out counts here.
        self.progress = event.revision
        return [event]

    async def close(self) -> None:
        await self._events.aclose()

    async def _all(self) -> AsyncGenerator[Event]:
        since = str(self.progress)
        while True:
            with contextlib.suppress(ClientFailure):
                async with aclosing(
                    self._client.watch(SECRETS, HOME, resource_version=since)
                ) as events:
                    async for event in events:
                        since = event.revision
                        if event.obj is not None and event.obj.metadata.name.startswith(
                            self._prefix
                        ):
                            yield event_of(event, event.obj)
            await asyncio.sleep(0.02)


def event_of(event: WatchEvent[Secret], obj: Secret) -> Event:
    kind = EventType.DELETE if event.type == "DELETED" else EventType.PUT
    stored = key_value(obj)
    return Event(kind, stored.key, stored.value, None, 0, stored.mod_revision)


def secret(name: str, value: bytes, revision: str = "") -> Secret:
    meta = ObjectMeta(name=name, namespace=HOME, resourceVersion=revision)
    return Secret(metadata=meta, data={"value": value})


@contextlib.contextmanager
def told(key: str) -> Iterator[None]:
    """What a server answers, as a store would say it."""
    try:
        yield
    except ClientFailure as error:
        raise StoreUnavailable(str(error)) from None
    except StatusError as error:
        if error.reason == "AlreadyExists":
            raise KeyExists(key) from None
        if error.code == 404:
            raise RevisionConflict(key, None) from None
        if error.code == 409:
            raise Untold(key) from None
        if error.code >= 500 or error.code == 429:
            raise StoreUnavailable(str(error)) from None
        raise
