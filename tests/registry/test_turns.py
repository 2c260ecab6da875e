"""Turns of the writers of one object."""

import asyncio

import pytest

from strongroom.registry import turns as module
from strongroom.registry.turns import Turns


async def _write(turns: Turns, key: str, name: str, log: list[str], hold: asyncio.Event) -> None:
    async with turns.of(key):
        log.append(name)
        await hold.wait()
        log.append(f"{name} done")


async def test_writers_of_a_key_go_one_after_another_and_others_do_not_wait() -> None:
    turns, log, hold = Turns(), list[str](), asyncio.Event()
    tasks = [asyncio.create_task(_write(turns, "k", n, log, hold)) for n in "abc"]
    tasks.append(asyncio.create_task(_write(turns, "other", "x", log, hold)))
    await asyncio.sleep(0.01)
    assert log == ["a", "x"]
    hold.set()
    await asyncio.gather(*tasks)
    assert [name for name in log if "x" not in name] == [
        *("a", "a done", "b", "b done", "c", "c done")
    ]
    assert turns._queues == {}


async def test_who_is_cancelled_or_fails_passes_its_turn_on() -> None:
    turns, log, hold = Turns(), list[str](), asyncio.Event()
    tasks = [asyncio.create_task(_write(turns, "k", n, log, hold)) for n in "abc"]
    await asyncio.sleep(0.01)
    tasks[1].cancel()
    tasks[0].cancel()
    await asyncio.sleep(0.01)
    assert log == ["a", "c"]
    hold.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert turns._queues == {}


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    turns, log, hold = Turns(), list[str](), asyncio.Event()
    tasks = [asyncio.create_task(_write(turns, "k", n, log, hold)) for n in "ab"]
    async with asyncio.timeout(5):
        while len(log) < 2:  # noqa: ASYNC110 - what is awaited is the end of somebody's patience
            await asyncio.sleep(0.01)
    hold.set()
    await asyncio.gather(*tasks)
    assert turns._queues == {}
