"""Turns: one at a time, in the order of asking, and none kept by who is gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from strongroom.api.errors import StatusError
from strongroom.server.control import EndTurn, FromKeeper, NoTurn, WantTurn
from strongroom.server.keeper import have_turn
from strongroom.server.turns import AskedTurns, LocalTurns, Turns, TurnTable, try_again


class Office:
    """A table, and two that ask at it."""

    def __init__(self) -> None:
        self.table: TurnTable[str] = TurnTable(
            lambda holder, number, name: self.asking[holder].answered(number, given=True)
        )
        self.asking = {name: AskedTurns(self._taking(name)) for name in ("a", "b")}

    def _taking(self, holder: str):  # type: ignore[no-untyped-def]  # a closure of the test's
        def take(message: WantTurn | EndTurn) -> None:
            act = self.table.want if isinstance(message, WantTurn) else self.table.end
            act(holder, message.number, message.name)

        return take


async def _alone(turns: Turns, inside: list[str], name: str) -> None:
    async with turns.turn("x"):
        inside.append(name)
        assert inside == [name]
        await asyncio.sleep(0)
        inside.remove(name)


async def test_one_at_a_time() -> None:
    office, inside = Office(), list[str]()
    await asyncio.gather(
        *(_alone(office.asking[who], inside, who) for who in ("a", "b", "a", "b", "b"))
    )
    local = LocalTurns()
    await asyncio.gather(*(_alone(local, inside, who) for who in ("a", "b", "c")))


async def test_turns_of_other_names_do_not_wait() -> None:
    office = Office()
    async with office.asking["a"].turn("x"), office.asking["b"].turn("y"):
        pass


@pytest.mark.parametrize("end", ["cancelled", "gone"])
async def test_who_goes_while_waiting_or_holding_lets_the_next_in(end: str) -> None:
    office, inside = Office(), asyncio.Event()

    async def hold() -> None:
        async with office.asking["a"].turn("x"):
            inside.set()
            await asyncio.sleep(3600)

    async def wait() -> None:
        async with office.asking["a"].turn("x"):
            raise AssertionError("it was never let in")

    holding, waiting = asyncio.create_task(hold()), asyncio.create_task(wait())
    await inside.wait()
    third = asyncio.create_task(_alone(office.asking["b"], [], "b"))
    await asyncio.sleep(0)
    if end == "gone":
        office.table.gone("a")
        await third
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    await third
    await _alone(office.asking["b"], [], "b")


class Refusing:
    """Turns among servers that cannot be asked: from the start, or once one is held."""

    def __init__(self, held: asyncio.Event | None) -> None:
        self._held = held

    @contextlib.asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        if self._held is not None:
            yield
            await self._held.wait()
        raise try_again()


class Worker:
    """Notes what its keeper does to it, and gives what it is given back."""

    def __init__(self, ended: asyncio.Event) -> None:
        self.asked = AskedTurns(lambda message: None)
        self.killed, self._ended = False, ended

    def say(self, message: FromKeeper) -> None:
        if isinstance(message, NoTurn):
            self.asked.answered(message.number, given=False)
        else:
            self._ended.set()

    def kill(self) -> None:
        self.killed = True


@pytest.mark.parametrize("held", [False, True])
async def test_who_cannot_have_a_turn_is_told_and_who_lost_one_is_ended(held: bool) -> None:
    ended = asyncio.Event()
    worker = Worker(ended)
    asking = asyncio.create_task(_alone(worker.asked, [], "a"))
    await asyncio.sleep(0)
    everywhere = Refusing(ended if held else None)
    await have_turn(everywhere, cast("Any", worker), 1, "x", ended)
    assert worker.killed == held
    if held:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    else:
        with pytest.raises(StatusError, match="please try again"):
            await asking
