"""A store shared by several clients: what each sees of the others, and what happens at the end."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.storage.cache import WatchCache
from strongroom.storage.errors import (
    Compacted,
    NoSpace,
    RevisionConflict,
    StoreClosed,
    StoreUnavailable,
)
from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import Beside, KeyValue
from strongroom.storage.remote import RemoteStore
from strongroom.storage.serving import StoreServer
from strongroom.storage.shared import SharedRevision
from strongroom.storage.sqlite import SQLiteStore
from tests.storage.sharing import connected
from tests.storage.watching import take


class Fixture:
    """A durable store and its server."""

    def __init__(self, store: SQLiteStore) -> None:
        self.store = store
        self.server = StoreServer(store)
        self.clients: list[RemoteStore] = []

    async def client(self) -> RemoteStore:
        self.clients.append(await connected(self.server))
        return self.clients[-1]


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Fixture]:
    fixture = Fixture(SQLiteStore.open(tmp_path / "store.db"))
    yield fixture
    for client in fixture.clients:
        await client.close()
    await fixture.server.close()
    await fixture.store.close()


async def test_what_one_client_wrote_another_knows_of_at_once(shared: Fixture) -> None:
    one, other = await shared.client(), await shared.client()
    cache = WatchCache(other, "/k/", lambda kv: kv.value)
    await cache.start()
    revision = await one.create("/k/a", b"0")
    for number in range(1, 200):
        revision = await one.update("/k/a", b"%d" % number, expected=revision)
        now = await other.revision()
        assert now >= revision
        await cache.wait_for(now, 5)
        entry = cache.get("/k/a")
        assert entry is not None
        assert (entry.item, entry.revision) == (b"%d" % number, revision)
    await cache.close()


async def test_a_write_shows_in_its_own_watches_before_it_is_acknowledged(shared: Fixture) -> None:
    client = await shared.client()
    watch = client.watch("/other/", after=1)
    for number in range(50):
        revision = await client.create(f"/k/{number}", b"")
        assert watch.progress >= revision
    await watch.close()


async def test_waiting_for_a_revision_ends_with_the_write_of_another_prefix(
    shared: Fixture,
) -> None:
    one, other = await shared.client(), await shared.client()
    cache = WatchCache(other, "/quiet/", lambda kv: kv.value)
    await cache.start()
    waiting = asyncio.create_task(cache.wait_for(cache.revision + 1, 20))
    await asyncio.sleep(0)
    await one.create("/k/a", b"")
    await waiting
    await cache.close()


async def test_all_clients_see_one_order(shared: Fixture) -> None:
    clients = [await shared.client() for _ in range(3)]
    watches = [client.watch("/k/", after=1) for client in clients for _ in range(5)]

    async def write(client: RemoteStore, name: str) -> None:
        revision = await client.create(f"/k/{name}", b"")
        for number in range(20):
            revision = await client.update(f"/k/{name}", b"%d" % number, expected=revision)

    writers = [write(client, f"{at}-{i}") for at, client in enumerate(clients) for i in range(4)]
    await asyncio.gather(*writers)
    seen = [[(e.key, e.value, e.revision) for e in await take(w, 12 * 21)] for w in watches]
    assert all(events == seen[0] for events in seen)
    assert [revision for *_, revision in seen[0]] == list(range(2, 2 + 12 * 21))
    for watch in watches:
        await watch.close()


async def test_clients_that_compete_for_a_key_lose_no_update(shared: Fixture) -> None:
    clients = [await shared.client() for _ in range(3)]
    await clients[0].create("/counter", b"0")

    async def add(client: RemoteStore) -> None:
        current = await client.get("/counter")
        for _ in range(20):
            while True:
                assert current is not None
                value = b"%d" % (int(current.value) + 1)
                try:
                    revision = await client.update("/counter", value, expected=current.mod_revision)
                except RevisionConflict as conflict:
                    current = conflict.current
                else:
                    current = KeyValue("/counter", value, current.create_revision, revision)
                    break

    await asyncio.gather(*map(add, clients))
    found = await clients[1].get("/counter")
    assert found is not None
    assert found.value == b"60"


async def test_a_late_client_gets_the_past_from_the_log(shared: Fixture) -> None:
    one = await shared.client()
    for number in range(700):
        await one.create(f"/k/{number:03}", b"x")
    late = await shared.client()
    watch = late.watch("/k/", after=5)
    await one.create("/k/new", b"")
    events = await take(watch, 697)
    assert [e.revision for e in events] == list(range(6, 703))
    await watch.close()


async def test_compaction_by_one_client_is_known_to_all(shared: Fixture) -> None:
    one, other = await shared.client(), await shared.client()
    for number in range(5):
        await one.create(f"/k/{number}", b"")
    watch = other.watch("/k/", after=1)
    await one.compact(4)
    # Not necessarily by the time of the answer, but before anything that comes later.
    await one.create("/k/last", b"")
    with pytest.raises(Compacted):
        await take(watch, 6)
    late = await shared.client()
    with pytest.raises(Compacted):
        await anext(late.watch("/k/", after=2))


class Unpublished(MemoryStore):
    """A store whose reads show a write before its event was published, as a file may."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: KeyValue | None = None

    async def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        return self.hidden or await super().get(key, revision=revision)


async def test_no_read_tells_of_a_revision_before_the_shared_page_does() -> None:
    store = Unpublished()
    server = StoreServer(store)
    client = await connected(server)
    store.hidden = KeyValue("/k/a", b"new", 2, 2)
    reading = asyncio.create_task(client.get("/k/a"))
    await client.ping()  # Asked later and answered: the read is held back.
    assert not reading.done()
    assert await client.revision() == 1
    await store.create("/k/a", b"new")
    assert await reading == store.hidden
    assert await client.revision() == 2
    await client.close()
    await server.close()


class Broken(MemoryStore):
    """A store with a mistake in it."""

    async def create(self, key: str, value: bytes, *, beside: Beside = ()) -> int:
        raise ZeroDivisionError("of " + repr(value))


class Full(MemoryStore):
    """A store that others write to as well, and that has no space left."""

    @property
    def alone(self) -> bool:
        return False

    async def create(self, key: str, value: bytes, *, beside: Beside = ()) -> int:
        raise NoSpace("it is full")


async def test_what_others_wrote_is_asked_for_and_no_space_is_told_as_such() -> None:
    store = Full()
    server = StoreServer(store)
    client = await connected(server)
    assert not client.alone
    with pytest.raises(NoSpace, match="it is full"):
        await client.create("/a", b"")
    # Nobody has told this process of it yet: the page does not show it.
    made = await MemoryStore.create(store, "/b", b"")
    assert await client.revision() == made
    await client.close()
    await server.close()


async def test_a_failure_that_nobody_thought_of_is_answered_and_quotes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = StoreServer(Broken())
    client = await connected(server)
    with pytest.raises(StoreUnavailable) as failure:
        await client.create("/a", b"hush")
    assert "ZeroDivisionError" in caplog.text
    assert "hush" not in caplog.text + str(failure.value)
    await client.ping()
    await client.close()
    await server.close()


async def test_when_the_keeper_goes_everything_under_way_fails() -> None:
    ours, theirs = socket.socketpair()
    lost = asyncio.Event()
    server = StoreServer(MemoryStore())
    await server.attach(ours)
    page = SharedRevision.attach(os.dup(server.page.fd))
    client = await RemoteStore.connect(theirs, page, lost.set)
    watch = client.watch("/", after=1)
    waiting = asyncio.create_task(anext(watch))
    await asyncio.sleep(0)
    asking = asyncio.create_task(client.create("/a", b""))
    await asyncio.sleep(0)
    await server.close()
    await lost.wait()
    with pytest.raises(StoreClosed):
        await waiting
    with pytest.raises(StoreUnavailable):
        await asking
    for late in (client.get("/a"), client.revision(), client.list("/"), client.create("/b", b"")):
        with pytest.raises(StoreClosed):
            await late
    await client.close()


async def test_a_keeper_that_is_gone_before_it_greets() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with pytest.raises(StoreUnavailable):
        await RemoteStore.connect(theirs, SharedRevision.create(1), lambda: None)


async def test_a_client_that_dies_leaves_whole_writes_only(shared: Fixture) -> None:
    """Cut off at random bytes of its stream, a client has written a beginning of what it sent."""
    for turn in range(20):
        ours, theirs = socket.socketpair()
        attached = await shared.server.attach(ours)
        sent = b"".join(_create(number, f"/t{turn}/{number}") for number in range(1, 30))
        cut = random.randrange(len(sent))
        theirs.setblocking(True)
        await asyncio.to_thread(theirs.sendall, sent[:cut])
        theirs.close()
        await attached.drained()
        page = await shared.store.list(f"/t{turn}/")
        whole = sum(len(_create(n, f"/t{turn}/{n}")) <= cut - _start(turn, n) for n in range(1, 30))
        assert {kv.key for kv in page.items} == {f"/t{turn}/{n}" for n in range(1, whole + 1)}
        assert all(kv.value == b"v" * 100 for kv in page.items)


def _create(number: int, key: str) -> bytes:
    from strongroom.storage import messages as m
    from strongroom.storage.frames import framed

    return framed(m.encode(m.Create(number, key, b"v" * 100, [])))


def _start(turn: int, number: int) -> int:
    return sum(len(_create(n, f"/t{turn}/{n}")) for n in range(1, number))
