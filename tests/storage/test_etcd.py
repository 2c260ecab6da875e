"""What the store in etcd does beyond the suite: lost connections, other writers, limits, TLS."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import pytest

from strongroom.server.pki import prepare_pki
from strongroom.storage import etcd_messages as m
from strongroom.storage.errors import (
    Compacted,
    FutureRevision,
    StoreError,
    StoreUnavailable,
    TooLarge,
)
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.etcd_cluster import Credentials
from strongroom.storage.port import KeyValue
from strongroom.storage.serving import StoreServer
from tests.etcd import Etcd, free_port, shared_etcd
from tests.relay import Relay, relayed
from tests.storage.sharing import connected
from tests.storage.watching import take

pytestmark = pytest.mark.needs("etcd")

T = TypeVar("T")

_names = count()


@pytest.fixture
def own() -> str:
    """A prefix of keys that no other test uses."""
    return f"/test-etcd/{next(_names)}/"


@contextlib.asynccontextmanager
async def opened(*urls: str, feed_events: int = 8192) -> AsyncIterator[EtcdStore]:
    store = await EtcdStore.open(urls or [shared_etcd().url], feed_events=feed_events)
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def cuttable(feed_events: int = 8192) -> AsyncIterator[tuple[Relay, EtcdStore]]:
    """A store whose connection to etcd can be cut."""
    port = urlsplit(shared_etcd().url).port
    assert port
    async with (
        relayed(port) as relay,
        opened(f"http://127.0.0.1:{relay.port}", feed_events=feed_events) as store,
    ):
        yield relay, store


async def in_the_end(ask: Callable[[], Awaitable[T]]) -> T:
    """The result when the store is back, which it must be."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await ask()
            except StoreUnavailable:
                await asyncio.sleep(0.05)


async def test_one_store_sees_what_another_writes(own: str) -> None:
    async with opened() as ours, opened() as theirs:
        watch = theirs.watch(own, after=await theirs.revision())
        made = await ours.create(f"{own}a", b"one", beside=[(f"{own}b", b"beside")])
        assert await theirs.revision() == made
        assert await theirs.get(f"{own}a") == KeyValue(f"{own}a", b"one", made, made)
        seen = await take(watch, 2)
        assert [(event.key, event.revision) for event in seen] == [
            (f"{own}b", made),
            (f"{own}a", made),
        ]
        assert theirs.current_revision == made


async def test_many_who_ask_for_the_revision_at_once_all_get_a_new_one(own: str) -> None:
    async with opened() as ours, opened() as theirs:
        early = [asyncio.create_task(theirs.revision()) for _ in range(5)]
        await asyncio.sleep(0)
        made = await ours.create(f"{own}a", b"")
        assert set(await asyncio.gather(*(theirs.revision() for _ in range(5)))) == {made}
        assert max(await asyncio.gather(*early)) <= made


async def test_an_answer_that_nobody_expects_costs_a_watch_no_event(
    own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_message: bytes) -> m.Told:
        monkeypatch.undo()
        raise IndexError

    async with opened() as store:
        watch = store.watch(own, after=await store.revision())
        await store.create(f"{own}a", b"")
        monkeypatch.setattr(m, "read_watch", fail)
        await store.create(f"{own}b", b"")
        await store.create(f"{own}c", b"")
        assert [event.key for event in await take(watch, 3)] == [f"{own}{name}" for name in "abc"]


async def test_a_watch_that_is_far_behind_reads_the_past_from_etcd(own: str) -> None:
    async with opened(feed_events=4) as store:
        first = await store.revision()
        made = [
            await store.create(f"{own}{n}", b"v", beside=[(f"{own}x", b"%d" % n)])
            for n in range(20)
        ]
        await store.create(f"/elsewhere{own}", b"")
        events = await take(store.watch(own, after=first), 40)
        assert [event.revision for event in events] == [r for r in made for _ in range(2)]
        assert [event.key for event in events][::2] == [f"{own}x"] * 20
        assert events[2].previous == KeyValue(f"{own}x", b"0", made[0], made[0])
        await store.compact(made[10])
        with pytest.raises(Compacted) as refused:
            await anext(store.watch(own, after=made[10] - 1))
        assert refused.value.compacted == made[10]
        assert len(await take(store.watch(own, after=made[10]), 18)) == 18


async def test_compaction_by_others_is_noticed(own: str) -> None:
    async with opened(feed_events=2) as ours, opened() as theirs:
        first = await ours.revision()
        made = [await ours.create(f"{own}{n}", b"") for n in range(10)]
        await theirs.compact(made[5])
        with pytest.raises(Compacted) as refused:
            await anext(ours.watch(own, after=first))
        assert (refused.value.requested, refused.value.compacted) == (first, made[5])
        with pytest.raises(Compacted) as refused:
            await ours.list(own, revision=made[1])
        assert refused.value.compacted == made[5]
        await ours.compact(made[4])
        with pytest.raises(FutureRevision):
            await ours.compact(made[9] + 1000)


async def test_a_lost_connection_costs_a_watch_no_event(own: str) -> None:
    async with cuttable() as (relay, store), opened() as other:
        watch = store.watch(own, after=await store.revision())
        made = [await store.create(f"{own}0", b"")]
        for turn in range(1, 4):
            await relay.cut()
            made.append(await other.create(f"{own}{turn}", b"", beside=[(f"{own}x", b"")]))
            if turn == 1:
                asked = store.get(f"{own}0"), store.revision(), store.revision()
                read, *failed = await asyncio.gather(*asked, return_exceptions=True)
                assert isinstance(read, StoreUnavailable)
                # Who asks meanwhile does not wait for all members once more.
                assert isinstance(failed[0], StoreUnavailable)
                assert failed[0] is failed[1]
            await relay.mend()
            assert await in_the_end(lambda: store.get(f"{own}0"))
        made.append(await store.create(f"{own}last", b""))
        events = await take(watch, 8)
        assert [event.revision for event in events] == [
            made[0],
            *(revision for revision in made[1:4] for _ in range(2)),
            made[4],
        ]


async def test_a_watch_that_missed_what_was_compacted_is_told(own: str) -> None:
    async with cuttable() as (relay, store), opened() as other:
        watch = store.watch(own, after=await store.revision())
        waiting = asyncio.create_task(anext(watch))
        await asyncio.sleep(0)
        await relay.cut()
        made = [await other.create(f"{own}{n}", b"") for n in range(4)]
        await other.compact(made[2])
        await relay.mend()
        with pytest.raises(Compacted):
            await asyncio.wait_for(waiting, 30)
        page = await in_the_end(lambda: store.list(own))
        assert len(page.items) == 4
        again = store.watch(own, after=page.revision)
        revision = await store.create(f"{own}new", b"")
        assert [event.revision for event in await take(again, 1)] == [revision]


async def test_it_can_be_shared_with_other_processes(own: str) -> None:
    async with cuttable(feed_events=4) as (relay, store), opened() as other:
        server = StoreServer(store)
        clients = [await connected(server) for _ in range(2)]
        first = await clients[0].revision()
        watch = clients[1].watch(own, after=first)
        made = await clients[0].create(f"{own}a", b"", beside=[(f"{own}x", b"")])
        await relay.cut()
        lost = [await other.create(f"{own}{n}", b"") for n in range(4)]
        await other.compact(lost[2])
        await relay.mend()
        # What was seen before is compacted as well, so it is gone for whoever has not read it.
        with pytest.raises(Compacted):
            await take(watch, 3)
        page = await in_the_end(lambda: clients[1].list(own))
        assert [kv.mod_revision for kv in page.items] == [*lost, made, made]
        again = clients[1].watch(own, after=page.revision)
        new = await clients[0].create(f"{own}new", b"", beside=[(f"{own}x", b"1")])
        assert [event.revision for event in await take(again, 2)] == [new, new]
        with pytest.raises(TooLarge):
            await clients[0].create(f"{own}large", b"v" * 1_600_000)
        for client in clients:
            await client.close()
        await server.close()


async def test_another_member_is_asked_when_one_is_gone(own: str) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    async with opened(gone, shared_etcd().url, gone) as store:
        assert await store.create(f"{own}a", b"") == await store.revision()


async def test_no_member_at_all_is_an_error() -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(StoreUnavailable, match="no member of etcd can be reached: http://127"):
        await EtcdStore.open([gone], within=0.2)


@pytest.mark.parametrize("size", [1_600_000, 5_000_000])
async def test_a_write_that_etcd_does_not_take_says_so(own: str, size: int) -> None:
    async with opened() as store:
        before = await store.revision()
        with pytest.raises(TooLarge, match="takes no request of that size") as refused:
            await store.create(f"{own}large", b"v" * size)
        assert refused.value.key == f"{own}large"
        made = await store.create(f"{own}large", b"v" * 1_400_000)
        assert made == before + 1
        assert (await take(store.watch(own, after=before), 1))[0].revision == made


async def test_an_expected_revision_of_nothing_is_a_conflict(own: str) -> None:
    async with opened() as store:
        for expected in (0, -1):
            with pytest.raises(StoreError, match="absent"):
                await store.update(f"{own}a", b"", expected=expected)
        assert await store.get(f"{own}a") is None


async def test_keys_of_others_that_are_no_text_disturb_nobody(own: str) -> None:
    async with opened() as store:
        watch = store.watch(own, after=await store.revision())
        key = own.encode() + b"\xff\xfe"
        request = m.transaction([], [m.put(key, b"theirs")], key)
        await store._cluster.ask(m.TXN, request)
        made = await store.create(f"{own}text", b"ours")
        events = await take(watch, 2)
        assert (events[1].key, events[1].revision) == (f"{own}text", made)
        assert await store.count(own) == 2


async def test_certificates_are_shown_and_checked(tmp_path: Path) -> None:
    pki = prepare_pki(tmp_path / "pki", "127.0.0.1", "n1", datetime.now(UTC))
    (serving, serving_key), (client, client_key) = pki.files("apiserver"), pki.files("admin")
    flags = ["--client-cert-auth", "--trusted-ca-file", str(pki.ca_file), "--unsafe-no-fsync"]
    flags += ["--cert-file", str(serving), "--key-file", str(serving_key)]
    etcd = Etcd(tmp_path / "etcd", *flags, scheme="https")
    etcd.start()
    try:
        credentials = Credentials(pki.ca_file, client, client_key)
        store = await EtcdStore.open([etcd.url], credentials, within=30)
        assert await store.create("/a", b"") == 2
        await store.close()
        for wrong in (Credentials(pki.ca_file), Credentials(None, client, client_key)):
            with pytest.raises(StoreUnavailable):
                await EtcdStore.open([etcd.url], wrong, within=0.5)
    finally:
        etcd.kill()
