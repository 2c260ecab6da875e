"""Three members of etcd with mutual TLS, killed, paused and cut off under concurrent writers.

While one of them is gone every client goes on, and all that any of them was told stays true.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from strongroom.storage.etcd import EtcdStore
from tests.etcd import Member, Members
from tests.faults.history import Outcome
from tests.faults.load import Load
from tests.faults.namespaces import Net, cables
from tests.soak import times

pytestmark = [
    pytest.mark.needs("etcd"),
    pytest.mark.needs("etcdctl"),
    pytest.mark.timeout(times(300)),
]

ROUNDS = times(1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    """Members on this machine's own loopback, for what needs no cable."""
    members = Members(tmp_path_factory.mktemp("members"))
    members.start()
    yield members
    members.kill()


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Members, Net]]:
    """Members with cables."""
    with cables() as net:
        members = Members(tmp_path_factory.mktemp("wired"), net.places())
        members.start()
        yield members, net
        members.kill()


async def opened(members: Members, first: int = 0) -> EtcdStore:
    """A store that begins with one of the members."""
    urls = members.urls[first:] + members.urls[:first]
    return await EtcdStore.open(urls, members.credentials, within=60)


@contextlib.asynccontextmanager
async def loaded(members: Members) -> AsyncIterator[Load]:
    """A load by three clients of the cluster; judged in the end."""
    async with contextlib.AsyncExitStack() as stack:
        stores = []
        for first in range(3):
            store = await opened(members, first)
            stack.push_async_callback(store.close)
            stores.append(store)
        load = Load(stores)
        await load.progress()
        yield load
        await load.progress()
        await load.stop()
        witness = await opened(members)
        stack.push_async_callback(witness.close)
        changes = await load.judge(witness)
        assert len(changes) >= load.history.count(Outcome.DONE)


async def kill(members: Members, member: Member) -> Callable[[], None]:
    member.kill()
    return lambda: members.start(member)


async def pause(_: Members, member: Member) -> Callable[[], None]:
    member.pause()
    return member.go_on


def chosen(members: Members, turn: int) -> Member:
    """The leader first, then another, and so on."""
    leader = members.leader()
    followers = [member for member in members.members if member is not leader]
    return leader if turn % 2 == 0 else followers[turn // 2 % 2]


@pytest.mark.parametrize("fault", [kill, pause])
async def test_a_member_that_is_gone_costs_nothing_that_was_told(
    cluster: Members,
    fault: Callable[[Members, Member], Awaitable[Callable[[], None]]],
) -> None:
    async with loaded(cluster) as load:
        for turn in range(ROUNDS):
            member = await asyncio.to_thread(chosen, cluster, turn)
            mend = await fault(cluster, member)
            await load.progress()
            mend()
            await load.progress()


async def test_all_members_killed_at_once(cluster: Members) -> None:
    async with loaded(cluster) as load:
        for _ in range(ROUNDS):
            cluster.kill()
            cluster.start()
            await load.progress()


def cut_off(net: Net, member: int) -> Callable[[], None]:
    """It is alone: no clients, no other members."""
    net.set_clients(member, "down")
    net.set_peers(member, "down")

    def mend() -> None:
        net.set_peers(member, "up")
        net.set_clients(member, "up")

    return mend


def left_with_clients(net: Net, member: int) -> Callable[[], None]:
    """Its clients reach it, and what it knows grows old."""
    net.set_peers(member, "down")
    return lambda: net.set_peers(member, "up")


@pytest.mark.parametrize("fault", [cut_off, left_with_clients])
async def test_a_member_that_is_cut_off_costs_nothing_that_was_told(
    wired: tuple[Members, Net], fault: Callable[[Net, int], Callable[[], None]]
) -> None:
    members, net = wired
    async with loaded(members) as load:
        for turn in range(ROUNDS):
            member = await asyncio.to_thread(chosen, members, turn)
            mend = fault(net, members.members.index(member))
            try:
                await load.progress()
            finally:
                mend()
            await load.progress()


async def test_clients_that_are_cut_off_from_all_come_back(wired: tuple[Members, Net]) -> None:
    members, net = wired
    everybody = range(len(members.members))
    async with loaded(members) as load:
        for _ in range(ROUNDS):
            for member in everybody:
                net.set_clients(member, "down")
            try:
                await load.fail(1)
            finally:
                for member in everybody:
                    net.set_clients(member, "up")
            await load.progress()
