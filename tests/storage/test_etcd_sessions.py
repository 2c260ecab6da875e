"""Places in etcd that one server has at a time, and what goes with a lease."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from strongroom.storage import etcd_sessions
from strongroom.storage.errors import KeyExists, StoreClosed, StoreUnavailable
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.etcd_cluster import Cluster
from strongroom.storage.etcd_leases import revoke
from strongroom.storage.etcd_sessions import SessionLost
from strongroom.storage.places import UP
from strongroom.storage.port import EventType
from tests.etcd import shared_etcd
from tests.storage.test_etcd import cuttable, opened
from tests.storage.watching import take

pytestmark = pytest.mark.needs("etcd")

_names = count()


@pytest.fixture
def place() -> str:
    """The name of a place that no other test has."""
    return f"test-{next(_names)}"


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what must come."""
    async with asyncio.timeout(30):
        while not await true():  # noqa: ASYNC110 - it is asked of another process
            await asyncio.sleep(0.02)


async def test_a_place_is_had_by_one_after_the_other(place: str) -> None:
    async with opened() as store, opened() as other:
        first, second = await store.session(), await other.session()
        had: list[str] = []

        async def have(session: object, name: str) -> None:
            async with session.hold(place):  # type: ignore[attr-defined]  # one of the two below
                had.append(f"{name} has it")
                await asyncio.sleep(0)
                had.append(f"{name} gives it back")

        await asyncio.gather(
            *(have(s, f"{n}{i}") for i in range(3) for n, s in (("a", first), ("b", second)))
        )
        names = [line.split()[0] for line in had]
        assert names[::2] == names[1::2]
        assert sorted(names[::2]) == ["a0", "a1", "a2", "b0", "b1", "b2"]
        await first.close()
        await second.close()


async def test_who_no_longer_waits_stands_in_nobodys_way(place: str) -> None:
    async with opened() as store, opened() as other:
        first, second = await store.session(), await other.session()

        async def have() -> None:
            async with second.hold(place):
                await asyncio.Event().wait()

        async with first.hold(place):
            waiting = asyncio.create_task(have())
            await until(lambda: _true(bool(second._locks)))
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(30), first.hold(place):
            pass
        await first.close()
        await second.close()


async def _true(value: bool) -> bool:
    return value


async def test_a_session_that_ends_gives_all_it_has_to_others(place: str) -> None:
    async with opened() as store, opened() as other:
        first, second = await store.session(), await other.session()
        await first.show(UP + place, b"https://one")
        entered = contextlib.AsyncExitStack()
        await entered.enter_async_context(first.hold(place))
        await first.close()
        async with asyncio.timeout(30), second.hold(place):
            assert first.lost.is_set()
            assert await other.get(UP + place) is None
        await entered.aclose()
        await second.close()


async def test_who_is_cut_off_stops_before_another_begins(place: str) -> None:
    async with cuttable() as (relay, store), opened() as other:
        first, second = await store.session(3), await other.session()
        async with first.hold(place):
            await relay.cut()
            order: list[str] = []

            async def notice() -> None:
                await first.lost.wait()
                order.append("lost")

            noticing = asyncio.create_task(notice())
            async with asyncio.timeout(30), second.hold(place):
                order.append("taken")
            await noticing
            assert order == ["lost", "taken"]
        with pytest.raises(SessionLost):
            async with first.hold(place):
                pass
        await first.close()
        await second.close()


async def test_a_lease_that_is_over_is_noticed(place: str) -> None:
    async with opened() as store:
        session = await store.session(3)
        await session.show(UP + place, b"")
        await revoke(store._cluster, session._lease)
        async with asyncio.timeout(30):
            await session.lost.wait()
        with pytest.raises(StoreUnavailable):
            await session.show(UP + place, b"")
        await session.close()


@pytest.mark.parametrize("failure", [StoreClosed("closed"), asyncio.CancelledError()])
async def test_a_session_that_nobody_renews_is_lost(
    failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_cluster: Cluster, _lease: int) -> int:
        raise failure

    monkeypatch.setattr(etcd_sessions, "keep_alive", fail)
    async with opened() as store:
        session = await store.session(1)
        async with asyncio.timeout(30):
            await session.lost.wait()
        await session.close()


async def test_keys_live_as_long_as_was_said() -> None:
    prefix = f"/test-live/{next(_names)}/"
    store = await EtcdStore.open([shared_etcd().url], live={prefix: 1.0})
    first = await store.revision()
    watch = store.watch(prefix, after=first)
    made = [await store.create(f"{prefix}{n}", b"event") for n in range(3)]
    await store.create(f"{prefix}kept", b"", beside=[(f"/elsewhere{prefix}", b"")])
    with pytest.raises(KeyExists):
        await store.create(f"{prefix}0", b"")
    ended = (await take(watch, 8))[4:]
    assert {event.type for event in ended} == {EventType.DELETE}
    assert {event.value for event in ended} == {b"event", b""}
    assert min(event.revision for event in ended) > made[-1]
    assert await store.get(f"/elsewhere{prefix}") is not None
    await store.close()


async def test_a_lease_is_shared_and_one_that_is_gone_is_replaced() -> None:
    prefix = f"/test-live/{next(_names)}/"
    store = await EtcdStore.open([shared_etcd().url], live={prefix: 3600.0})
    await store.create(f"{prefix}a", b"", beside=[(f"{prefix}beside", b"")])
    shared = store._leases._shared[prefix]
    lease = shared.id
    assert shared.objects == 2
    await revoke(store._cluster, lease)
    made = await store.create(f"{prefix}b", b"")
    assert store._leases._shared[prefix].id != lease
    assert [kv.mod_revision for kv in (await store.list(prefix)).items] == [made]
    await store.close()
