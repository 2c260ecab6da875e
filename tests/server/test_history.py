"""Revisions of Secrets: written with the change, or neither; pruned; none for those who say no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from strongroom.access.user import Attributes, User
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, ObjectMeta
from strongroom.api.patch import PatchType
from strongroom.registry.context import RequestContext
from strongroom.registry.options import ListOptions
from strongroom.registry.registry import Registry
from strongroom.resources.namespace import NAMESPACES, Namespace
from strongroom.resources.secret import SECRETS, SERVICE_ACCOUNT_TOKEN, Secret
from strongroom.resources.secret_history import HELM_RELEASE
from strongroom.resources.secretrevision import SECRET_REVISIONS, SecretRevision
from strongroom.resources.strongroom_annotations import HISTORY
from strongroom.server import history_pruning
from strongroom.server.history import MOST_AT_ONCE, SecretHistory
from strongroom.server.history_pruning import HistoryPruner
from strongroom.server.kinds import Kinds
from strongroom.storage.errors import RevisionConflict, StoreUnavailable
from strongroom.storage.memory import MemoryStore
from tests.server.conftest import SECRETS as SECRETS_PATH
from tests.server.conftest import Running, running, secret

OFF = {HISTORY: "off"}


@dataclass
class Clock:
    """A clock that tests move."""

    moment: datetime = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


@dataclass
class Room:
    """Registries of Secrets, their revisions and namespaces, with somebody who uses them."""

    store: MemoryStore
    limit: int = 3
    clock: Clock = field(default_factory=Clock)
    kinds: Kinds = field(init=False)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.history = SecretHistory(self.limit)
        self.kinds = Kinds(
            Registry(r, self.store, (), self.clock, companions=self.history.of(r))
            for r in (SECRETS, SECRET_REVISIONS, NAMESPACES)
        )
        self.secrets = self.kinds.registry("", "secrets")
        self.namespaces = self.kinds.registry("", "namespaces")
        self.revisions = self.kinds.registry("strongroom.io", "secretrevisions")

    def ctx(self, verb: str = "update", **changes: Any) -> RequestContext:
        user = User("alice")
        attributes = Attributes(user, verb, "", resource="secrets", namespace="shop")
        return RequestContext(
            user, attributes, self.clock.now(), warn=self.warnings.append, **changes
        )

    async def settle(self) -> None:
        for registry in self.kinds.fixed():
            await registry.catch_up()

    async def namespace(self) -> None:
        obj = Namespace(metadata=ObjectMeta(name="shop"))
        await self.namespaces.create(self.ctx("create"), "", obj)
        await self.settle()

    async def create(self, value: str = "one", *, name: str = "db", **changes: Any) -> None:
        annotations = changes.pop("annotations", {})
        meta = ObjectMeta(name=name, annotations=annotations)
        obj = Secret(metadata=meta, data={"k": value.encode()}, **changes)
        await self.secrets.create(self.ctx("create"), "shop", obj)
        await self.settle()

    async def change(self, value: str | None = None, *, name: str = "db", **meta: Any) -> None:
        obj = (await self.secrets.get(self.ctx("get"), "shop", name)).decode()
        if value is not None:
            obj.data = {"k": value.encode()}
        for attribute, said in meta.items():
            setattr(obj.metadata, attribute, said)
        await self.secrets.update(self.ctx(), "shop", name, obj)
        await self.settle()

    async def delete(self, name: str = "db") -> None:
        await self.secrets.delete(self.ctx("delete"), "shop", name, DeleteOptions())
        await self.settle()

    async def kept(self) -> list[SecretRevision]:
        await self.settle()
        result = await self.revisions.list(self.ctx("list"), "", ListOptions())
        found = [view.obj for view in result.items]
        return sorted(found, key=lambda kept: int(kept.spec.secretResourceVersion))

    async def values(self) -> list[str]:
        return [kept.data["k"].decode() for kept in await self.kept()]

    def pruner(self, days: float = 30) -> HistoryPruner:
        return HistoryPruner(self.kinds, self.history, self.clock, days * 86400)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    made = Room(MemoryStore())
    for registry in made.kinds.fixed():
        await registry.start()
    made.history.attach(made.kinds)
    await made.namespace()
    yield made
    for registry in made.kinds.fixed():
        await registry.close()
    await made.store.close()


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
    meta = (await room.namespaces.get(room.ctx("get"), "", "shop")).decode()
    meta.metadata.annotations = OFF
    await room.namespaces.update(room.ctx(), "", "shop", meta)
    await room.settle()
    await room.change("three")
    assert await room.values() == []
    meta = (await room.namespaces.get(room.ctx("get"), "", "shop")).decode()
    meta.metadata.annotations = {}
    await room.namespaces.update(room.ctx(), "", "shop", meta)
    await room.settle()
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
    room = Room(MemoryStore(), limit=0)
    for registry in room.kinds.fixed():
        await registry.start()
    room.history.attach(room.kinds)
    await room.namespace()
    await room.create(annotations={HISTORY: "5"})
    await room.change("two")
    await room.delete()
    assert await room.kept() == []
    for registry in room.kinds.fixed():
        await registry.close()


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
    room = Room(store)
    for registry in room.kinds.fixed():
        await registry.start()
    room.history.attach(room.kinds)
    await room.namespace()
    await room.create("one")
    store.failure = StoreUnavailable("gone")
    with pytest.raises(StatusError):
        await room.change("two")
    assert await room.kept() == []
    current = await store.get(SECRETS.key("shop", "db"))
    store.failure = RevisionConflict(SECRETS.key("shop", "db"), current)
    await room.change("two")
    assert await room.values() == ["one"]
    for registry in room.kinds.fixed():
        await registry.close()


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
    meta = (await room.namespaces.get(room.ctx("get"), "", "shop")).decode()
    meta.metadata.annotations = OFF
    await room.namespaces.update(room.ctx(), "", "shop", meta)
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


REVISIONS = "/apis/strongroom.io/v1alpha1/namespaces/default/secretrevisions"


async def test_revisions_are_read_and_deleted_and_never_written(api: Running) -> None:
    for name in ("a", "b"):
        assert (await api.ask("POST", SECRETS_PATH, secret(name, k="one"))).code == 201
        assert (await api.ask("PUT", f"{SECRETS_PATH}/{name}", secret(name, k="two"))).code == 200
    found = (await api.ask("GET", f"{REVISIONS}?fieldSelector=spec.secretName%3Da")).json["items"]
    (kept,) = found
    path = f"{REVISIONS}/{kept['metadata']['name']}"
    merge = {"Content-Type": "application/merge-patch+json"}
    for method, where, headers in (
        ("POST", REVISIONS, {}),
        ("PUT", path, {}),
        ("PATCH", path, merge),
    ):
        assert (await api.ask(method, where, kept, headers=headers)).code == 405
    protobuf = {"Accept": "application/vnd.kubernetes.protobuf"}
    assert b"secretName" not in (await api.ask("GET", path, headers=protobuf)).body
    assert b"kubernetes-admin" in (await api.ask("GET", path, headers=protobuf)).body
    every = await api.ask("GET", "/apis/strongroom.io/v1alpha1/secretrevisions")
    assert [item["spec"]["secretName"] for item in every.json["items"]] == ["a", "b"]
    assert (await api.ask("DELETE", path)).code == 200
    assert (await api.ask("GET", path)).code == 404
    await api.ask("DELETE", f"{REVISIONS}?fieldSelector=spec.secretName%3Db")
    assert (await api.ask("GET", REVISIONS)).json["items"] == []


async def test_no_webhook_is_shown_a_revision(api: Running) -> None:
    await api.ask("POST", SECRETS_PATH, secret("a", k="one"))
    await api.ask("PUT", f"{SECRETS_PATH}/a", secret("a", k="two"))
    hook = {
        "name": "all.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/nobody"},
        "rules": [
            {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "operations": ["*"]}
        ],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    body = {"metadata": {"name": "all"}, "webhooks": [hook]}
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    assert (await api.ask("POST", path, body)).code == 201
    assert (await api.ask("DELETE", f"{SECRETS_PATH}/a")).code == 500
    (kept,) = (await api.ask("GET", REVISIONS)).json["items"]
    assert (await api.ask("DELETE", f"{REVISIONS}/{kept['metadata']['name']}")).code == 200


async def test_options_and_the_duty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.server.duties.PRUNING", 0.05)
    clock = Clock(datetime.now(UTC))
    arguments = ("--secret-history-limit", "2", "--secret-history-max-age", "1h")
    async with running(tmp_path, *arguments, clock=clock) as api:
        await api.ask("POST", SECRETS_PATH, secret("a", k="0"))
        for number in range(1, 5):
            await api.ask("PUT", f"{SECRETS_PATH}/a", secret("a", k=str(number)))
        assert len((await api.ask("GET", REVISIONS)).json["items"]) == 2
        clock.moment += timedelta(minutes=61)
        async with asyncio.timeout(20):
            while await kept_items(api):  # noqa: ASYNC110 - the API tells no other way
                await asyncio.sleep(0.02)


async def kept_items(api: Running) -> list[Any]:
    items: list[Any] = (await api.ask("GET", REVISIONS)).json["items"]
    return items
