"""An API server that is cut off from all members of etcd, under clients of it and of another one.

It tells nobody what may be old, goes out of office before the other server takes it up, and goes on
where it stopped when the cable is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import msgspec
import pytest

from strongroom.api.errors import StatusError
from strongroom.api.meta import ObjectMeta
from strongroom.client.client import Client
from strongroom.resources.secret import SECRETS, SERVICE_ACCOUNT_TOKEN, Secret
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS, ServiceAccount
from strongroom.server.membership import LEADER
from strongroom.server.others import Told
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.places import UP
from tests.etcd import Members
from tests.faults.history import Outcome
from tests.faults.load import PATIENCE, Load
from tests.faults.namespaces import Net, cables
from tests.faults.servers import Servers, clients_of
from tests.faults.through_server import HOME, ThroughServer, secret
from tests.soak import times

pytestmark = [
    pytest.mark.needs("etcd"),
    pytest.mark.needs("etcdctl"),
    pytest.mark.timeout(times(300)),
]

ROUNDS = times(1)
ACCOUNT = "kubernetes.io/service-account.name"
UNANSWERED, BEHIND = (500, "ServerTimeout"), (504, "Timeout")
LEADS, NO_LONGER = "this server leads", "this server no longer leads"


async def test_a_server_that_is_cut_off_costs_nothing_that_was_told(tmp_path: Path) -> None:
    with cables() as net:
        members = Members(tmp_path / "etcd", net.places())
        members.start()
        try:
            await asyncio.to_thread(members.leader)
            servers = await asyncio.to_thread(Servers, tmp_path, members, net.lay_server())
            try:
                await check_cuts(servers, members, net)
            finally:
                servers.stop()
        finally:
            members.kill()


async def check_cuts(servers: Servers, members: Members, net: Net) -> None:
    store = await EtcdStore.open(members.urls, members.credentials, within=60)
    async with (
        clients_of(servers.running, 10) as clients,
        # These wait until they are answered.
        clients_of(servers.running, PATIENCE) as (one, two),
    ):
        stores = [await ThroughServer.open(client) for client in clients]
        load = Load(stores, below="", pause=0.1)
        await load.progress(3)
        assert turns_in_office(servers) == [servers.running[0].log]
        before = await one.create(SECRETS, secret("before", b"known"), HOME)
        for turn in range(ROUNDS):
            net.set_server("down")
            try:
                await asyncio.gather(
                    check_nothing_old_is_told(one, before, turn), load.progress(3, store=1)
                )
                await check_the_other_takes_over(store, servers.running[1].url, two, turn)
            finally:
                net.set_server("up")
            await load.progress(3)
        await load.stop()
        changes = await load.judge(stores[1])
        assert len(changes) >= load.history.count(Outcome.DONE)
    await store.close()
    assert len(turns_in_office(servers)) > 1


async def check_nothing_old_is_told(one: Client, before: Secret, turn: int) -> None:
    """Who accepts what is old gets it; to all others the server says that it cannot tell."""
    await asyncio.gather(
        check_known(one, before),
        refused(one.get(SECRETS, "before", HOME)),
        refused(one.list(SECRETS, HOME)),
        refused(one.list(SECRETS, HOME, limit=1)),
        refused(one.create(SECRETS, secret(f"new-{turn}", b""), HOME)),
    )


async def check_known(one: Client, before: Secret) -> None:
    try:
        known = await one.get(SECRETS, "before", HOME, resource_version="0")
    except StatusError as error:
        if (error.code, error.reason) != BEHIND:
            raise
        # Cut off between the answer to a write and its event, it knows that it is behind.
    else:
        assert known.metadata.resourceVersion == before.metadata.resourceVersion


async def refused(asked: Awaitable[object]) -> None:
    with pytest.raises(StatusError) as error:
        await asked
    assert (error.value.code, error.value.reason) in (UNANSWERED, BEHIND)


async def check_the_other_takes_over(store: EtcdStore, url: str, two: Client, turn: int) -> None:
    """It is in office, and does what only the one that is does: it fills Secrets of tokens."""
    account = ServiceAccount(metadata=ObjectMeta(name=f"account-{turn}"))
    await two.create(SERVICE_ACCOUNTS, account, HOME)
    meta = ObjectMeta(name=f"token-{turn}", annotations={ACCOUNT: account.metadata.name})
    await two.create(SECRETS, Secret(metadata=meta, type=SERVICE_ACCOUNT_TOKEN), HOME)
    async with asyncio.timeout(PATIENCE):
        while await leader(store) != url:  # noqa: ASYNC110 - it is asked of etcd
            await asyncio.sleep(0.1)
        while "token" not in (await two.get(SECRETS, meta.name, HOME)).data:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def leader(store: EtcdStore) -> str:
    """The URL of the server in office, "" for none."""
    held = await store.get(LEADER)
    told = None if held is None else await store.get(UP + held.value.decode())
    return "" if told is None else msgspec.json.decode(told.value, type=Told).url


def turns_in_office(servers: Servers) -> list[Path]:
    """By their logs, which of them took the office up, in order; never two at once."""
    told = sorted(
        (line.split(maxsplit=1)[0], LEADS not in line, server.log)
        for server in servers.running
        for line in server.log.read_text().splitlines()
        if LEADS in line or NO_LONGER in line
    )
    held: list[Path] = []
    for number, (_, over, log) in enumerate(told):
        assert over is (number % 2 == 1), told
        assert not over or log == held[-1], told
        if not over:
            held.append(log)
    return held
