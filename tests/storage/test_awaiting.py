"""Waiting for revisions: each waiter is woken by its own, and those who gave up are forgotten."""

from __future__ import annotations

import asyncio

from strongroom.storage.awaiting import Awaited


async def test_each_is_woken_by_its_own_revision() -> None:
    awaited = Awaited()
    waiting = [asyncio.create_task(awaited.until(revision)) for revision in (5, 3, 5, 9)]
    await asyncio.sleep(0)
    awaited.reached(4)
    await waiting[1]
    assert [task.done() for task in waiting] == [False, True, False, False]
    awaited.reached(5)
    await asyncio.gather(waiting[0], waiting[2])
    assert awaited
    awaited.end()
    await waiting[3]
    assert not awaited


async def test_those_who_gave_up_are_not_kept() -> None:
    awaited = Awaited()
    last = asyncio.create_task(awaited.until(1000))
    gone = [asyncio.create_task(awaited.until(revision)) for revision in range(500)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert len(awaited._waiting) < 100

    # Whoever gave up among those who are woken harms nobody.
    one = asyncio.create_task(awaited.until(7))
    await asyncio.sleep(0)
    one.cancel()
    awaited.reached(1000)
    await last
    assert not awaited
