"""An empty store is filled with the keys of another one, and tells while it is not whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from strongroom.storage.errors import Compacted
from strongroom.storage.filling import UNFINISHED, StoreExists, StoreUnfinished, check_whole, fill
from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import KeyValue, Store

ITEMS = [KeyValue(f"/registry/secrets/a/{n:03}", b"%d" % n, n + 1, n + 1) for n in range(200)]


async def content(store: Store) -> list[tuple[str, bytes]]:
    return [(item.key, item.value) for item in (await store.list("/")).items]


def broken(after: int) -> Iterator[KeyValue]:
    yield from ITEMS[:after]
    raise RuntimeError("no more")


async def test_all_keys_are_written_and_what_was_before_is_no_history() -> None:
    store = MemoryStore()
    await store.create("/of/another", b"stays")
    revision = await fill(store, ITEMS)
    assert await content(store) == [
        ("/of/another", b"stays"),
        *((item.key, item.value) for item in ITEMS),
    ]
    await check_whole(store)
    with pytest.raises(Compacted):
        await anext(store.watch("/", after=revision - 1))


@pytest.mark.parametrize("done", [0, 64, 130])
async def test_a_part_is_told_and_replaced_by_the_next_attempt(done: int) -> None:
    store = MemoryStore()
    with pytest.raises(RuntimeError, match="no more"):
        await fill(store, broken(done))
    with pytest.raises(StoreUnfinished, match="repeat"):
        await check_whole(store)
    await fill(store, ITEMS[100:])
    assert [key for key, _ in await content(store)] == [item.key for item in ITEMS[100:]]
    await check_whole(store)


@pytest.mark.parametrize("key", ["/registry/secrets/a/b", "/strongroom/alerts/known"])
async def test_a_store_that_holds_something_stays_as_it_is(key: str) -> None:
    store = MemoryStore()
    await store.create(key, b"old")
    with pytest.raises(StoreExists):
        await fill(store, ITEMS)
    assert await content(store) == [(key, b"old")]


async def test_a_mark_that_somebody_takes_is_noticed() -> None:
    store = MemoryStore()

    async def take() -> None:
        await anext(store.watch(ITEMS[0].key, after=1))
        mark = await store.get(UNFINISHED)
        assert mark is not None
        await store.delete(UNFINISHED, expected=mark.mod_revision)

    taking = asyncio.create_task(take())
    await asyncio.sleep(0)
    with pytest.raises(StoreUnfinished, match="somebody else"):
        await fill(store, ITEMS)
    await taking
