"""The watch cache over real stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.storage.cache import Change, Subscription, WatchCache
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.errors import (
    Compacted,
    StoreUnavailable,
    SubscriberTooSlow,
    TooLargeRevision,
    Undecryptable,
)
from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import Events, EventType, KeyValue, Page, Store, Watch
from tests.storage.drivers import DRIVERS, local_kms

P = "/registry/secrets/"


def text(kv: KeyValue) -> str:
    return kv.value.decode()


@pytest.fixture
async def memory() -> AsyncIterator[MemoryStore]:
    store = MemoryStore()
    yield store
    await store.close()


async def started(store: Store, *, history: int = 4096) -> WatchCache[str]:
    cache = WatchCache(store, P, text, history=history)
    await cache.start()
    return cache


async def take(subscription: Subscription[str], count: int) -> list[Change[str]]:
    changes: list[Change[str]] = []
    async with asyncio.timeout(20):
        while len(changes) < count:
            changes += await anext(subscription)
    return changes


def brief(changes: list[Change[str]]) -> list[tuple[str, str, int, str, str | None]]:
    return [
        (
            change.type.value,
            change.key.removeprefix(P),
            change.revision,
            change.item,
            change.previous,
        )
        for change in changes
    ]


@pytest.mark.parametrize("driver", sorted(DRIVERS))
async def test_it_shows_what_the_store_holds(driver: str, tmp_path: Path) -> None:
    store = await DRIVERS[driver](tmp_path)
    first = await store.create(P + "a/one", b"1")
    await store.create("/registry/pods/a/one", b"no")
    cache = await started(store)
    assert [entry.item for entry in cache.list(P).items] == ["1"]
    second = await store.update(P + "a/one", b"2", expected=first)
    await store.create(P + "b/two", b"3")
    gone = await store.create(P + "a/three", b"4")
    await store.delete(P + "a/three", expected=gone)
    await cache.wait_for(store.current_revision, 10)
    assert cache.revision == store.current_revision
    entry = cache.get(P + "a/one")
    assert entry is not None
    assert (entry.item, entry.revision, entry.create_revision) == ("2", second, first)
    assert cache.get(P + "a/three") is None
    assert [entry.key for entry in cache.list(P).items] == [P + "a/one", P + "b/two"]
    assert [entry.key for entry in cache.list(P + "b/").items] == [P + "b/two"]
    assert len(cache) == 2
    await cache.close()
    await store.close()


async def test_a_list_by_pages(memory: MemoryStore) -> None:
    cache = await started(memory)
    for number in range(7):
        await memory.create(f"{P}ns/{number}", b"")
    await memory.create(f"{P}nt/0", b"")
    await cache.wait_for(memory.current_revision, 10)
    page = cache.list(P + "ns/", limit=3)
    assert [entry.key[-1] for entry in page.items] == ["0", "1", "2"]
    assert (page.more, page.remaining, page.revision) == (True, 4, memory.current_revision)
    page = cache.list(P + "ns/", start=P + "ns/3", limit=4)
    assert [entry.key[-1] for entry in page.items] == ["3", "4", "5", "6"]
    assert (page.more, page.remaining) == (False, 0)
    assert cache.list(P + "ns/", start=P + "nz").items == []
    await cache.close()


async def test_a_large_prefix_is_read_in_pages(memory: MemoryStore) -> None:
    for number in range(4500):
        await memory.create(f"{P}{number:05}", b"%d" % number)
    cache = await started(memory)
    assert [entry.item for entry in cache.list(P).items] == [str(n) for n in range(4500)]
    await cache.close()


async def test_what_is_unreadable_keeps_no_page_from_being_read(
    memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.storage.cache._PAGE", 2)
    store = EncryptedStore(memory, local_kms())
    for name in "aceh":
        await store.create(P + name, b"plain")
    for name in "bdfgi":
        await memory.create(P + name, b"nobody reads this")
    cache = await started(EncryptedStore(memory, local_kms()))
    assert [entry.key[-1] for entry in cache.list(P).items] == list("abcdefghi")
    await cache.close()

    cache = await started(store)
    shown = {entry.key[-1]: entry.error is None for entry in cache.list(P).items}
    assert "".join(sorted(shown)) == "abcdefghi"
    assert {name for name, readable in shown.items() if readable} == set("aceh")
    await cache.close()


async def test_writes_elsewhere_move_the_revision_too(memory: MemoryStore) -> None:
    cache = await started(memory)
    await memory.create("/registry/pods/a/one", b"")
    await cache.wait_for(memory.current_revision, 0.0)
    assert cache.revision == memory.current_revision
    await cache.close()


@pytest.mark.parametrize("driver", ["sqlite", "encrypted-sqlite"])
async def test_an_acknowledged_write_is_in_the_cache_already(driver: str, tmp_path: Path) -> None:
    store = await DRIVERS[driver](tmp_path)
    cache = await started(store)
    await asyncio.sleep(0)
    for number in range(20):
        revision = await store.create(f"{P}{number}", b"%d" % number)
        assert cache.revision == revision
        assert cache.list(P).items[-1].error is None
        assert len(cache) == number + 1
    await cache.close()
    await store.close()


async def test_waiting_for_a_revision_to_come(memory: MemoryStore) -> None:
    cache = await started(memory)
    with pytest.raises(TooLargeRevision) as refused:
        await cache.wait_for(3, 0.02)
    assert (refused.value.requested, refused.value.current) == (3, 1)
    waiting = asyncio.create_task(cache.wait_for(3, 10))
    await memory.create(P + "a", b"")
    await memory.create("/registry/pods/a", b"")
    await waiting
    await cache.close()


async def test_a_subscription_from_now(memory: MemoryStore) -> None:
    cache = await started(memory)
    subscription = cache.subscribe(cache.revision)
    first = await memory.create(P + "a", b"1")
    second = await memory.update(P + "a", b"2", expected=first)
    third = await memory.delete(P + "a", expected=second)
    changes = await take(subscription, 3)
    assert brief(changes) == [
        ("PUT", "a", first, "1", None),
        ("PUT", "a", second, "2", "1"),
        ("DELETE", "a", third, "2", "2"),
    ]
    assert [change.created for change in changes] == [True, False, False]
    assert subscription.progress == third
    await memory.create("/registry/pods/a", b"")
    assert subscription.progress == third + 1
    await cache.close()
    with pytest.raises(StopAsyncIteration):
        await anext(subscription)


async def test_a_subscription_from_a_recent_revision(memory: MemoryStore) -> None:
    cache = await started(memory)
    made = [await memory.create(f"{P}{number}", b"") for number in range(5)]
    await cache.wait_for(made[-1], 10)
    subscription = cache.subscribe(made[2])
    assert [change.revision for change in await take(subscription, 2)] == made[3:]
    await memory.create(P + "later", b"")
    assert [change.revision for change in await take(subscription, 1)] == [made[-1] + 1]
    await subscription.close()
    await subscription.close()
    with pytest.raises(StopAsyncIteration):
        await anext(subscription)
    await cache.close()


async def test_a_subscription_from_a_revision_to_come(memory: MemoryStore) -> None:
    cache = await started(memory)
    subscription = cache.subscribe(3)
    made = [await memory.create(f"{P}{number}", b"") for number in range(4)]
    assert [change.revision for change in await take(subscription, 2)] == made[2:]
    assert subscription.progress == made[-1]
    await cache.close()


async def test_a_subscription_of_one_namespace(memory: MemoryStore) -> None:
    cache = await started(memory)
    subscription = cache.subscribe(cache.revision, prefix=P + "ns/")
    await memory.create(P + "other/a", b"")
    await memory.create(P + "ns/a", b"")
    assert [change.key for change in await take(subscription, 1)] == [P + "ns/a"]
    await cache.close()


async def test_a_subscription_from_too_far_back(memory: MemoryStore) -> None:
    await memory.create(P + "before", b"")
    cache = await started(memory, history=10)
    with pytest.raises(Compacted):
        cache.subscribe(1)
    for number in range(30):
        await memory.create(f"{P}{number}", b"")
    await cache.wait_for(memory.current_revision, 10)
    with pytest.raises(Compacted):
        cache.subscribe(2)
    recent = memory.current_revision - 10
    assert len(await take(cache.subscribe(recent), 10)) == 10
    await cache.close()


async def test_a_slow_subscriber_is_cut_off_and_nobody_else(memory: MemoryStore) -> None:
    cache = await started(memory)
    slow = cache.subscribe(cache.revision, maxsize=3)
    patient = cache.subscribe(cache.revision, maxsize=100)
    for number in range(10):
        await memory.create(f"{P}{number}", b"")
        await cache.wait_for(memory.current_revision, 10)
    with pytest.raises(SubscriberTooSlow) as cut:
        await anext(slow)
    assert cut.value.bound == 3
    assert slow.progress < memory.current_revision
    assert len(await take(patient, 10)) == 10
    again = cache.subscribe(slow.progress)
    assert len(await take(again, 10)) == 10
    await cache.close()


async def test_an_undecryptable_object_breaks_only_itself(memory: MemoryStore) -> None:
    store = EncryptedStore(memory, local_kms())
    bad = await memory.create(P + "bad", b"not encrypted")
    await store.create(P + "good", b"1")
    cache = await started(store)
    entry = cache.get(P + "bad")
    assert entry is not None
    assert isinstance(entry.error, Undecryptable)
    assert (entry.revision, entry.create_revision) == (bad, bad)
    page = cache.list(P)
    assert page.broken == {P + "bad"}
    assert [entry.key for entry in page.items] == [P + "bad", P + "good"]
    subscription = cache.subscribe(cache.revision)
    worse = await memory.create(P + "worse", b"not encrypted either")
    fixed = await store.update(P + "bad", b"2", expected=bad)
    await memory.delete(P + "worse", expected=worse)
    changes = await take(subscription, 3)
    assert [type(change.error) for change in changes] == [Undecryptable, type(None), Undecryptable]
    assert (changes[1].revision, changes[1].item, changes[1].previous) == (fixed, "2", None)
    assert cache.list(P).broken == frozenset()
    await cache.close()


async def test_an_object_that_cannot_be_projected_breaks_only_itself(memory: MemoryStore) -> None:
    await memory.create(P + "bad", b"\xff")
    await memory.create(P + "good", b"1")
    cache = await started(memory)
    assert cache.list(P).broken == {P + "bad"}
    assert [entry.error is None for entry in cache.list(P).items] == [False, True]
    await cache.close()


class Interruptible(MemoryStore):
    """A store whose watches can be made to fail, as those of a store over the network do."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self.failed_lists = 0

    def watch(self, prefix: str, *, after: int) -> Watch:
        return InterruptibleWatch(self, super().watch(prefix, after=after))

    async def list(
        self, prefix: str, *, limit: int = 0, start: str = "", revision: int = 0
    ) -> Page:
        if self.failed_lists:
            self.failed_lists -= 1
            raise StoreUnavailable("no answer")
        return await super().list(prefix, limit=limit, start=start, revision=revision)


class InterruptibleWatch:
    def __init__(self, store: Interruptible, watch: Watch) -> None:
        self._store = store
        self._watch = watch
        self.progress = watch.progress

    def await_progress(self, waiter: asyncio.Future[None]) -> None:
        self._watch.await_progress(waiter)

    def __aiter__(self) -> InterruptibleWatch:
        return self

    async def __anext__(self) -> Events:
        batch = await anext(self._watch)
        if self._store.failure is not None:
            failure, self._store.failure = self._store.failure, None
            raise failure
        self.progress = batch[-1].revision
        return list(batch)

    async def close(self) -> None:
        await self._watch.close()


@pytest.mark.parametrize("failure", [Compacted(1, 2), StoreUnavailable("gone")])
async def test_after_a_failed_watch_the_difference_is_delivered(failure: Exception) -> None:
    store = Interruptible()
    kept = await store.create(P + "kept", b"1")
    changed = await store.create(P + "changed", b"1")
    gone = await store.create(P + "gone", b"1")
    back = await store.create(P + "back", b"1")
    cache = await started(store)
    subscription = cache.subscribe(cache.revision)
    store.failure = failure
    store.failed_lists = 1
    await store.update(P + "changed", b"2", expected=changed)
    await store.delete(P + "gone", expected=gone)
    deleted = await store.delete(P + "back", expected=back)
    again = await store.create(P + "back", b"2")
    new = await store.create(P + "new", b"1")
    changes = await take(subscription, 5)
    assert brief(changes) == [
        ("PUT", "changed", back + 1, "2", "1"),
        ("DELETE", "back", deleted, "1", "1"),
        ("PUT", "back", again, "2", None),
        ("PUT", "new", new, "1", None),
        ("DELETE", "gone", new, "1", "1"),
    ]
    assert changes[2].created
    entry = cache.get(P + "kept")
    assert entry is not None
    assert entry.revision == kept
    last = await store.create(P + "after", b"1")
    assert [change.revision for change in await take(subscription, 1)] == [last]
    await cache.close()


async def test_a_closed_store_ends_subscriptions(memory: MemoryStore) -> None:
    await memory.create(P + "a", b"1")
    cache = await started(memory)
    subscription = cache.subscribe(cache.revision)
    await memory.close()
    with pytest.raises(StopAsyncIteration):
        await anext(subscription)
    assert [entry.item for entry in cache.list(P).items] == ["1"]
    await cache.close()


async def test_a_cache_matches_its_store_after_concurrent_writes(tmp_path: Path) -> None:
    store = await DRIVERS["encrypted-sqlite"](tmp_path)
    cache = await started(store)
    subscription = cache.subscribe(cache.revision, maxsize=10_000)

    async def churn(writer: int) -> None:
        for turn in range(20):
            key = f"{P}{writer}/{turn % 3}"
            found = await store.get(key)
            if found is None:
                await store.create(key, b"%d" % turn)
            elif turn % 5:
                await store.update(key, b"%d" % turn, expected=found.mod_revision)
            else:
                await store.delete(key, expected=found.mod_revision)

    await asyncio.gather(*(churn(writer) for writer in range(8)))
    await cache.wait_for(store.current_revision, 10)
    stored = [(kv.key, kv.value.decode(), kv.mod_revision) for kv in (await store.list(P)).items]
    assert [(e.key, e.item, e.revision) for e in cache.list(P).items] == stored
    changes = await take(subscription, 160)
    assert [change.revision for change in changes] == list(range(2, 162))
    state: dict[str, str] = {}
    for change in changes:
        assert change.previous == state.get(change.key)
        if change.type is EventType.PUT:
            state[change.key] = change.item
        else:
            del state[change.key]
    assert state == {key: value for key, value, _ in stored}
    await cache.close()
    await store.close()
