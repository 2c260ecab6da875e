"""Watches over a feed: who a write is not for sleeps on, and misses nothing for it."""

from __future__ import annotations

import asyncio

from strongroom.storage.feed import Feed, FeedWatch
from strongroom.storage.port import Event, Events, EventType


def put(key: str, revision: int) -> Event:
    return Event(EventType.PUT, key, b"value", None, revision, revision)


async def no_history(prefix: str, after: int, upto: int) -> tuple[Events, int]:
    raise AssertionError("a watch that has seen everything asked for the past")


def small_feed() -> Feed:
    return Feed(1, history=no_history, max_events=4, max_bytes=1 << 20)


async def test_a_watch_passes_over_others_events_even_when_they_are_forgotten() -> None:
    feed = small_feed()
    watch = FeedWatch(feed, "/b/", 1)
    waiting = asyncio.create_task(anext(watch))
    await asyncio.sleep(0)
    feed.publish([put("/a/x", revision) for revision in range(2, 22)])
    await asyncio.sleep(0)
    assert feed.floor > 2
    assert watch.progress == feed.revision == 21
    assert not waiting.done()
    feed.publish([put("/a/x", 22), put("/b/y", 23)])
    assert [event.revision for event in await waiting] == [23]


async def test_a_watch_of_the_future_is_not_set_back() -> None:
    feed = small_feed()
    watch = FeedWatch(feed, "/b/", 3)
    waiting = asyncio.create_task(anext(watch))
    await asyncio.sleep(0)
    feed.publish([put("/a/x", 2)])
    feed.publish([put("/b/y", 3), put("/b/y", 4)])
    assert [event.revision for event in await waiting] == [4]


async def test_a_watch_that_sleeps_is_not_behind_a_compaction() -> None:
    feed = small_feed()
    watch = FeedWatch(feed, "/b/", 1)
    waiting = asyncio.create_task(anext(watch))
    await asyncio.sleep(0)
    feed.publish([put("/a/x", 2)])
    feed.compact(2)
    await asyncio.sleep(0)
    assert not waiting.done()
    feed.publish([put("/b/y", 3)])
    assert [event.revision for event in await waiting] == [3]


async def test_who_waits_for_a_revision_is_woken_by_that_one_and_by_the_end() -> None:
    feed = small_feed()
    waiting = [asyncio.create_task(feed.until(revision)) for revision in (4, 2, 9)]
    await asyncio.sleep(0)
    feed.publish([put("/a/x", 2), put("/a/x", 3)])
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [False, True, False]
    feed.skip(5)
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True, True, False]
    await feed.until(5)
    waiting[2].cancel()
    last = asyncio.create_task(feed.until(9))
    await asyncio.sleep(0)
    feed.close()
    await last
