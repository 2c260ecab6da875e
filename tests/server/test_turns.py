"""Turns: one at a time, in the order of asking, and none kept by who is gone."""

from __future__ import annotations

import asyncio

import pytest

from strongroom.server.control import EndTurn, WantTurn
from strongroom.server.turns import AskedTurns, LocalTurns, Turns, TurnTable


class Office:
    """A table, and two that ask at it."""

    def __init__(self) -> None:
        self.table: TurnTable[str] = TurnTable(
            lambda holder, number, name: self.asking[holder].granted(number)
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
