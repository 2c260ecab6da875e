"""Revisions of Secrets: written with the change or neither, and none for those who say no."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions
from strongroom.api.patch import PatchType
from strongroom.resources.secret import SECRETS, SERVICE_ACCOUNT_TOKEN
from strongroom.resources.secret_history import HELM_RELEASE
from strongroom.resources.strongroom_annotations import HISTORY
from strongroom.storage.errors import RevisionConflict, StoreUnavailable
from strongroom.storage.memory import MemoryStore
from tests.server.history.conftest import Room, open_room

OFF = {HISTORY: "off"}


async def test_each_state_is_kept_with_who_ended_it_and_how(room: Room) -> None:
    await room.create("one")
    first = await room.secrets.get(room.ctx("get"), "shop", "db")
    await room.change("two")
    patch = b'{"stringData":{"k":"three"}}'
    await room.secrets.patch(room.ctx("patch"), "shop", "db", PatchType.MERGE, patch)
    room.clock.moment += timedelta(hours=1)
    await room.delete()
    kept = await room.kept()
    assert [(k.data["k"], k.spec.operation) for k in kept] == [
        (b"one", "update"),
        (b"two", "patch"),
        (b"three", "delete"),
    ]
    assert {k.spec.replacedBy for k in kept} == {"alice"}
    assert kept[0].metadata.name == f"db.{first.revision}"
    assert kept[0].spec.secretUID == first.obj.metadata.uid
    assert kept[2].spec.replacedAt == "2026-03-01T13:00:00Z"
    assert len({k.metadata.uid for k in kept}) == 3


async def test_what_changes_no_value_makes_no_revision(room: Room) -> None:
    await room.create()
    await room.change(labels={"a": "b"})
    await room.change()
    obj = (await room.secrets.get(room.ctx("get"), "shop", "db")).decode()
    obj.data = {"k": b"tried"}
    await room.secrets.update(room.ctx(dry_run=True), "shop", "db", obj)
    await room.secrets.delete(room.ctx("delete", dry_run=True), "shop", "db", DeleteOptions())
    assert await room.kept() == []


async def test_a_deletion_that_waits_for_a_finalizer_is_kept_when_it_is_done(room: Room) -> None:
    await room.create()
    await room.change(finalizers=["example.com/wait"])
    await room.delete()
    assert await room.kept() == []
    await room.change(finalizers=[])
    (kept,) = await room.kept()
    assert (kept.data["k"], kept.spec.operation) == (b"one", "delete")


async def test_no_more_are_kept_than_asked_for(room: Room) -> None:
    await room.create("0")
    for number in range(1, 6):
        await room.change(str(number))
    assert await room.values() == ["2", "3", "4"]
    await room.change("6", annotations={HISTORY: "1"})
    assert await room.values() == ["5"]
    await room.change(annotations=OFF)
    assert await room.values() == []
    await room.change("7")
    await room.delete()
    assert await room.values() == []


async def test_what_is_kept_of_a_name_outlives_the_secret(room: Room) -> None:
    await room.create("one")
    await room.delete()
    await room.create("two")
    await room.change("three")
    assert await room.values() == ["one", "two"]
    await room.delete()
    # The last state of a Secret that is made again says what becomes of what was kept.
    await room.create("four", annotations=OFF)
    assert await room.values() == []


async def test_another_secret_whose_name_goes_on_with_a_number(room: Room) -> None:
    await room.create("a", name="db")
    await room.create("b", name="db.1")
    await room.change("c", name="db.1")
    await room.change("d", annotations=OFF)
    assert await room.values() == ["b"]


@pytest.mark.parametrize("kind", [SERVICE_ACCOUNT_TOKEN, HELM_RELEASE])
async def test_types_that_are_not_kept(room: Room, kind: str) -> None:
    annotations = {"kubernetes.io/service-account.name": "x"}
    await room.create("one", type=kind, annotations=annotations)
    await room.change("two")
    await room.delete()
    assert await room.kept() == []


async def test_a_namespace_that_says_no_or_ends(room: Room) -> None:
    await room.create("one")
    await room.change("two")
    await room.annotate_namespace(OFF)
    await room.change("three")
    assert await room.values() == []
    await room.annotate_namespace({})
    await room.change("four")
    assert await room.values() == ["three"]
    await room.namespaces.delete(room.ctx("delete"), "", "shop", DeleteOptions())
    await room.settle()
    await room.delete()
    assert await room.values() == []


async def test_an_annotation_that_says_nothing_is_warned_of(room: Room) -> None:
    await room.create("one", annotations={HISTORY: "some"})
    await room.change("two")
    assert await room.values() == ["one"]
    assert len(room.warnings) == 2
    assert all("strongroom.io/history" in text for text in room.warnings)


async def test_a_server_that_keeps_none() -> None:
    async with open_room(MemoryStore(), limit=0) as room:
        await room.create(annotations={HISTORY: "5"})
        await room.change("two")
        await room.delete()
        assert await room.kept() == []


class Torn(MemoryStore):
    """A store that loses every write of a Secret, when it is told to."""

    failure: Exception | None = None

    async def update(self, key: str, value: bytes, **rest: Any) -> int:
        if self.failure is not None and key.startswith("/registry/secrets/"):
            failure, self.failure = self.failure, None
            raise failure
        return await super().update(key, value, **rest)


async def test_a_write_that_is_lost_or_overtaken_leaves_nothing_behind() -> None:
    store = Torn()
    async with open_room(store) as room:
        await room.create("one")
        store.failure = StoreUnavailable("gone")
        with pytest.raises(StatusError):
            await room.change("two")
        assert await room.kept() == []
        current = await store.get(SECRETS.key("shop", "db"))
        store.failure = RevisionConflict(SECRETS.key("shop", "db"), current)
        await room.change("two")
        assert await room.values() == ["one"]
