"""Fills an empty store with keys that were in another one, through the port.

For a store of which there cannot be a second one that takes its place. While it is under way a mark
stands in it, so that a store that was filled in part is not taken for a whole one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice

from strongroom.storage.errors import StoreError
from strongroom.storage.port import KeyValue, Store
from strongroom.storage.rewrapping import after

UNFINISHED = "/strongroom/restoring"
"""The mark."""

_OURS = ("/registry/", "/strongroom/")
_AT_ONCE = 64


class StoreExists(StoreError):
    """There is a store already."""


class StoreUnfinished(StoreError):
    """The store was filled in part."""


async def check_whole(store: Store) -> None:
    """Raises: `StoreUnfinished` for a store that was filled in part."""
    if await store.get(UNFINISHED) is not None:
        raise StoreUnfinished(
            "the store holds a part of a backup: repeat `strongroom restore`, which begins anew"
        )


async def fill(store: Store, items: Iterable[KeyValue]) -> int:
    """Write all keys, at new revisions; the revision at the end, before which all is compacted.

    What an earlier attempt left is taken out first. Nobody else may use the store meanwhile.

    Raises: `StoreExists` for a store that holds anything else.
    """
    if await store.get(UNFINISHED) is None:
        for prefix in _OURS:
            if (await store.list(prefix, limit=1)).items:
                raise StoreExists(f"there is a store already: it has keys below {prefix}")
        await store.create(UNFINISHED, b"")
    else:
        await _empty(store)
    rest = iter(items)
    while some := list(islice(rest, _AT_ONCE)):
        await asyncio.gather(*(store.create(item.key, item.value) for item in some))
    mark = await store.get(UNFINISHED)
    if mark is None:
        raise StoreUnfinished("somebody else uses the store: its mark is gone")
    revision = await store.delete(UNFINISHED, expected=mark.mod_revision)
    # What was remembered of this place is of another store: nobody goes on from it.
    await store.compact(revision)
    return revision


async def _empty(store: Store) -> None:
    for prefix in _OURS:
        start = prefix
        while start:
            page = await store.list(prefix, limit=_AT_ONCE, start=start)
            await asyncio.gather(
                *(store.delete(key, expected=revision) for key, revision in _others(page.items))
            )
            start = after(page.items[-1].key) if page.more else ""


def _others(items: Iterable[KeyValue]) -> Iterator[tuple[str, int]]:
    return ((item.key, item.mod_revision) for item in items if item.key != UNFINISHED)
