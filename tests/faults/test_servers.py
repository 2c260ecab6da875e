"""Two API servers on three members of etcd, which are killed and paused under clients of both."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.etcd import Members
from tests.faults.history import Outcome
from tests.faults.load import Load
from tests.faults.servers import Servers, clients_of
from tests.faults.through_server import ThroughServer
from tests.soak import times

pytestmark = [
    pytest.mark.needs("etcd"),
    pytest.mark.needs("etcdctl"),
    pytest.mark.timeout(times(300)),
]

ROUNDS = times(1)


async def test_servers_and_members_that_are_gone_cost_nothing_that_was_told(
    tmp_path: Path,
) -> None:
    members = Members(tmp_path / "etcd")
    members.start()
    try:
        await asyncio.to_thread(members.leader)
        servers = await asyncio.to_thread(Servers, tmp_path, members)
        try:
            await check_faults(servers, members)
        finally:
            servers.stop()
    finally:
        members.kill()


async def check_faults(servers: Servers, members: Members) -> None:
    async with clients_of(servers.running, 10) as clients:
        stores = [await ThroughServer.open(client) for client in clients]
        load = Load(stores, below="", pause=0.03)
        await load.progress(3)
        for turn in range(ROUNDS):
            await check_a_server(load, servers, turn % 2)
            leader = await asyncio.to_thread(members.leader)
            leader.kill()
            await load.progress(3)
            members.start(leader)
        await load.progress(3)
        await load.stop()
        changes = await load.judge(stores[0])
        assert len(changes) >= load.history.count(Outcome.DONE)


async def check_a_server(load: Load, servers: Servers, number: int) -> None:
    """Killed, and the other one paused: each comes back, and its clients go on."""
    await asyncio.to_thread(servers.kill_and_start, number)
    await load.progress(3)
    process = servers.running[1 - number].process
    process.send_signal(signal.SIGSTOP)
    try:
        await load.fail(1)
    finally:
        process.send_signal(signal.SIGCONT)
    await load.progress(3)
