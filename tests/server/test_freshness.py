"""What a request waits for before it is judged, and that it does not wait for ever."""

from __future__ import annotations

import asyncio

from strongroom.registry.reading import asked
from strongroom.server.freshness import Known
from strongroom.storage.memory import MemoryStore


class Silent(MemoryStore):
    """As one that is cut off from all of etcd, until ``heard`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = asyncio.Event()

    async def revision(self) -> int:
        await self.heard.wait()
        return await super().revision()


async def test_a_store_that_says_nothing_is_not_waited_for_for_ever() -> None:
    store = Silent()
    known = Known(store, within=0.01)
    await known()
    assert not asked.get()
    store.heard.set()
    await Known(store)()
    assert asked.get()
