"""What the server does by itself: Events end, history is forgotten, failures are survived."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from strongroom.server.maintenance import Compactor, repeat
from strongroom.storage.errors import Compacted
from strongroom.storage.memory import MemoryStore
from tests.server.conftest import Running, running

EVENTS = "/api/v1/namespaces/default/events"


async def test_history_is_kept_for_one_turn() -> None:
    store = MemoryStore()
    compactor = Compactor(store)
    first = await store.create("/a", b"1")
    await compactor.turn()
    second = await store.update("/a", b"2", expected=first)
    await compactor.turn()
    # What was the present at the last turn but one is still there, what was before it is not.
    assert (await store.get("/a", revision=first)) is not None
    await store.update("/a", b"3", expected=second)
    await compactor.turn()
    with pytest.raises(Compacted):
        await store.get("/a", revision=first)
    await store.close()


async def test_a_failure_does_not_end_maintenance(caplog: pytest.LogCaptureFixture) -> None:
    turns = asyncio.Semaphore(0)

    async def act() -> None:
        turns.release()
        raise ValueError("canary")

    task = asyncio.create_task(repeat(0.001, act))
    for _ in range(3):
        await asyncio.wait_for(turns.acquire(), 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "maintenance failed" in caplog.text


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def event(name: str, last: datetime) -> dict[str, object]:
    return {
        "metadata": {"name": name},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"},
        "lastTimestamp": last.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "reason": "Test",
        "type": "Normal",
    }


async def test_events_end_an_hour_after_they_were_last_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.server.duties.EVENT_SWEEP", 0.05)
    clock = Clock()
    async with running(tmp_path, clock=clock) as api:
        now = clock.moment
        for name, last in (("old", now), ("seen-again", now + timedelta(minutes=30))):
            assert (await api.ask("POST", EVENTS, event(name, last))).code == 201
        clock.moment = now + timedelta(minutes=61)
        async with asyncio.timeout(20):
            while await names(api) != ["seen-again"]:  # noqa: ASYNC110 - the API tells no other way
                await asyncio.sleep(0.02)


async def names(api: Running) -> list[str]:
    return [i["metadata"]["name"] for i in (await api.ask("GET", EVENTS)).json["items"]]
