"""Revisions that are too old, too many, too large or switched off are forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from strongroom.resources.namespace import NAMESPACES
from strongroom.resources.secretrevision import SECRET_REVISIONS
from strongroom.resources.strongroom_annotations import HISTORY
from strongroom.server import history_pruning
from strongroom.server.history import MOST_AT_ONCE
from tests.server.history.conftest import Room

OFF = {HISTORY: "off"}


async def test_age_ends_everything(room: Room) -> None:
    await room.create("one")
    await room.change("two")
    room.clock.moment += timedelta(days=20)
    await room.change("three")
    await room.delete()
    pruner = room.pruner()
    await pruner.turn()
    assert await room.values() == ["one", "two", "three"]
    room.clock.moment += timedelta(days=11)
    await pruner.turn()
    assert await room.values() == ["two", "three"]
    room.clock.moment += timedelta(days=31)
    await pruner.turn()
    assert await room.values() == []
    await pruner.turn()


async def test_what_was_switched_off_since_is_forgotten(room: Room) -> None:
    for name in ("a", "b", "gone"):
        await room.create("one", name=name)
        await room.change("two", name=name)
    await room.delete("gone")
    assert len(await room.kept()) == 4
    pruner = room.pruner()
    await pruner.turn()
    assert len(await room.kept()) == 4
    await room.change(name="a", annotations={HISTORY: "5"})
    await room.annotate_namespace(OFF)
    await pruner.turn()
    assert [kept.spec.secretName for kept in await room.kept()] == ["a"]


async def test_a_lower_limit_is_put_into_effect(room: Room) -> None:
    await room.create("0", annotations={HISTORY: "100"})
    for number in range(1, MOST_AT_ONCE + 6):
        await room.change(str(number))
    await room.change(annotations=OFF)
    # One write removes no more than is good for a transaction.
    assert len(await room.kept()) == 5
    await room.pruner().turn()
    assert await room.kept() == []


async def test_what_no_namespace_holds_any_more_is_forgotten(room: Room) -> None:
    await room.create("one")
    await room.delete()
    key = NAMESPACES.key("", "shop")
    held = await room.store.get(key)
    assert held is not None
    await room.store.delete(key, expected=held.mod_revision)
    await room.pruner().turn()
    assert await room.kept() == []


async def test_a_namespace_keeps_no_more_than_its_share(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.create("x" * 4000, name="lives")
    await room.change("y" * 4000, name="lives")
    for number in range(4):
        room.clock.moment += timedelta(hours=1)
        await room.create(f"{number}" * 4000, name=f"gone{number}")
        await room.delete(f"gone{number}")
    monkeypatch.setattr(history_pruning, "MOST_BYTES", 20_000)
    await room.pruner().turn()
    assert [kept.spec.secretName for kept in await room.kept()] == ["lives", "gone2", "gone3"]
    monkeypatch.setattr(history_pruning, "MOST_BYTES", 1)
    await room.pruner().turn()
    assert await room.kept() == []


async def test_what_cannot_be_read_is_left_alone(room: Room) -> None:
    await room.store.create(SECRET_REVISIONS.key("shop", "db.7"), b"broken")
    await room.create("one")
    await room.change("two")
    room.clock.moment += timedelta(days=31)
    await room.pruner().turn()
    page = await room.store.list(SECRET_REVISIONS.prefix())
    assert [kv.value for kv in page.items] == [b"broken"]
