"""A store that is shared over sockets, with both ends in one process."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Self

from strongroom.storage.port import Beside, KeyValue, Page, Watch, Wiped
from strongroom.storage.remote import RemoteStore
from strongroom.storage.serving import Shareable, StoreServer
from strongroom.storage.shared import SharedRevision


async def connected(server: StoreServer) -> RemoteStore:
    """A client of the server's."""
    ours, theirs = socket.socketpair()
    await server.attach(ours)
    page = SharedRevision.attach(os.dup(server.page.fd))
    return await RemoteStore.connect(theirs, page, lambda: None)


class SharedStore:
    """A store as one of its clients sees it; closing it closes everything."""

    def __init__(self, store: Shareable) -> None:
        self.store = store
        self.server = StoreServer(store)
        self.client: RemoteStore

    @classmethod
    async def over(cls, store: Shareable) -> Self:
        shared = cls(store)
        shared.client = await connected(shared.server)
        return shared

    @property
    def current_revision(self) -> int:
        return self.client.current_revision

    async def revision(self) -> int:
        return await self.client.revision()

    async def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        return await self.client.get(key, revision=revision)

    async def list(
        self, prefix: str, *, limit: int = 0, start: str = "", revision: int = 0
    ) -> Page:
        return await self.client.list(prefix, limit=limit, start=start, revision=revision)

    async def create(self, key: str, value: bytes, *, beside: Beside = ()) -> int:
        return await self.client.create(key, value, beside=beside)

    async def update(self, key: str, value: bytes, *, expected: int, beside: Beside = ()) -> int:
        return await self.client.update(key, value, expected=expected, beside=beside)

    async def delete(self, key: str, *, expected: int, beside: Beside = ()) -> int:
        return await self.client.delete(key, expected=expected, beside=beside)

    def watch(self, prefix: str, *, after: int) -> Watch:
        return self.client.watch(prefix, after=after)

    async def compact(self, revision: int) -> None:
        await self.client.compact(revision)

    async def wipe(self) -> Sequence[Wiped]:
        return await self.client.wipe()

    async def close(self) -> None:
        await self.client.close()
        await self.server.close()
        await self.store.close()
