"""The work queue's promises: once, never twice at a time, again after a failure."""

from __future__ import annotations

import asyncio

import pytest

from strongroom.client.queue import QueueClosed, WorkQueue


async def test_a_waiting_key_is_added_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add("a")
    queue.add("b")
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_being_worked_on_comes_again_only_when_done() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.get()
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_retries_wait_longer_each_time_until_forgotten() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    queue: WorkQueue[str] = WorkQueue(initial=1.0, limit=3.0, sleep=sleep)
    for _ in range(3):
        queue.retry("a")
        assert await queue.get() == "a"
        queue.done("a")
    queue.forget("a")
    queue.retry("a")
    await queue.get()
    assert slept == [1.0, 2.0, 3.0, 1.0]


async def test_a_key_asked_for_later_comes_once_and_at_the_earliest_time() -> None:
    slept: list[float] = []
    wake = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await wake.wait()

    queue: WorkQueue[str] = WorkQueue(sleep=sleep)
    for seconds in (20.0, 30.0, 10.0, 20.0):
        queue.add_after("a", seconds)
        await asyncio.sleep(0)
    assert slept == [20.0, 10.0]
    wake.set()
    assert await queue.get() == "a"
    queue.done("a")
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(queue) == 0
    queue.add_after("a", 20.0)
    assert await queue.get() == "a"


async def test_getting_waits_for_a_key() -> None:
    queue: WorkQueue[str] = WorkQueue()
    getting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not getting.done()
    queue.add("a")
    assert await getting == "a"


async def test_closing_hands_out_what_waits_and_then_ends() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add_after("late", 60.0)
    queue.close()
    queue.add("b")
    assert await queue.get() == "a"
    with pytest.raises(QueueClosed):
        await queue.get()
