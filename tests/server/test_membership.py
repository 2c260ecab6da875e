"""One of several servers: an office that is held, lost and held again, and turns that end so."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from strongroom.api.errors import StatusError
from strongroom.server import membership
from strongroom.server.membership import Membership, Office
from strongroom.server.others import Told
from strongroom.storage.errors import StoreUnavailable
from strongroom.storage.etcd_leases import revoke
from tests.storage.test_etcd import opened


class Work:
    """Counts how often it was begun and ended; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.begun = self.ended = 0
        self.failures = failures

    async def begin(self, stack: contextlib.AsyncExitStack) -> None:
        self.begun += 1
        stack.callback(self._end)
        if self.begun <= self.failures:
            raise StoreUnavailable("not now")
        await asyncio.sleep(0)

    def _end(self) -> None:
        self.ended += 1

    async def until(self, begun: int, ended: int) -> None:
        async with asyncio.timeout(30):
            while (self.begun, self.ended) != (begun, ended):  # noqa: ASYNC110 - the counts of a task
                await asyncio.sleep(0.01)


async def test_work_is_done_as_long_as_the_office_is_held() -> None:
    work = Work()
    async with contextlib.AsyncExitStack() as stack:
        office = Office(work.begin)
        office.begin(stack)
        await work.until(0, 0)
        for turn in range(1, 4):
            office.hold(True)
            await work.until(turn, turn - 1)
            office.hold(False)
            await work.until(turn, turn)
        office.hold(True)
        await work.until(4, 3)
    assert work.ended == 4


async def test_work_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "_AGAIN", 0.0)
    work = Work(failures=2)
    async with contextlib.AsyncExitStack() as stack:
        office = Office(work.begin)
        office.begin(stack)
        office.hold(True)
        await work.until(3, 2)


@pytest.mark.needs("etcd")
async def test_a_lost_session_costs_office_and_turn_and_both_are_had_again() -> None:
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(60):
        store = await stack.enter_async_context(opened())
        work = Work()
        office = Office(work.begin)
        member = Membership(store, lambda: Told("https://one"))
        member.begin(stack)
        office.begin(stack)
        member.follow(office.hold)
        await work.until(1, 0)
        lost = member._session
        assert lost is not None

        async def have_the_turn() -> None:
            async with member.turn("test"):
                await revoke(store._cluster, lost._lease)
                await asyncio.Event().wait()

        with pytest.raises(StatusError, match="please try again") as broken:
            await have_the_turn()
        assert broken.value.details is not None
        assert broken.value.details.retryAfterSeconds == 2
        await work.until(2, 1)
        async with member.turn("test"):
            assert member._session is not lost
