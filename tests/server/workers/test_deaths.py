"""Workers and their keeper, killed: nothing acknowledged is lost, and what can go on goes on."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.server.fleet import Connection, FleetServer, connections, start, wait_for_end
from tests.server.workers.conftest import MAPS, SECRETS, definition, established, named, revision

# asyncio leaves the transport of a TLS handshake open that the other side's death breaks off.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

KILLS = 2
WRITERS = 6


class Writer:
    """Writes one object after the other, and knows which were acknowledged."""

    def __init__(self, server: FleetServer, number: int) -> None:
        self._server = server
        self._name = f"w{number}"
        self.acknowledged: dict[str, str] = {}
        self.broken = 0
        self.over = False

    async def run(self) -> None:
        number = 0
        while not self.over:
            try:
                async with connections(self._server, 1) as (connection,):
                    while not self.over:
                        number += 1
                        name = f"{self._name}-{number}"
                        made = await connection.done(
                            "POST", SECRETS, named(name, stringData={"of": name})
                        )
                        self.acknowledged[name] = made["metadata"]["uid"]
            except (aiohttp.ClientError, OSError):
                self.broken += 1


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What the mark is about shows in the test that left it, and in no other."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    """One for all tests whose victims are workers."""
    running = start(tmp_path_factory.mktemp("deaths"))
    yield running
    code, log = running.stop()
    assert code == 0, log


async def stored(connection: Connection) -> dict[str, str]:
    """All Secrets by name: their UIDs."""
    listed = await connection.done("GET", SECRETS)
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in listed["items"]}


async def test_workers_killed_under_load_lose_nothing_acknowledged(server: FleetServer) -> None:
    writers = [Writer(server, number) for number in range(WRITERS)]
    tasks = [asyncio.create_task(writer.run()) for writer in writers]
    posts = {"verb": "POST", "resource": "secrets", "code": "201"}
    counted = 0.0
    for kill in range(KILLS):
        await asyncio.sleep(random.uniform(0.05, 0.4))
        async with connections(server, 1) as (connection,):
            now = await connection.metric("apiserver_request_total", **posts)
            assert now >= counted
            counted = now
        victim = server.pids[kill % 2]
        os.kill(victim, signal.SIGKILL)
        wait_for_end(victim)
        # The other one goes on serving, and judging by what the dead one acknowledged.
        async with connections(server, 1) as (connection,):
            known = {name: uid for writer in writers for name, uid in writer.acknowledged.items()}
            assert known.items() <= (await stored(connection)).items()
        await server.all_ready()
    for writer in writers:
        writer.over = True
    await asyncio.gather(*tasks)
    assert server.facts["workerRestarts"] >= KILLS
    assert sum(writer.broken for writer in writers) >= KILLS
    known = {name: uid for writer in writers for name, uid in writer.acknowledged.items()}
    async with connections(server, 2) as both:
        for connection in both:
            assert known.items() <= (await stored(connection)).items()


async def _first(connection: Connection, path: str) -> dict[str, Any]:
    """The first event of a watch."""
    async with aclosing(connection.events(path)) as events:
        return await anext(events)


async def test_a_watch_goes_on_at_the_worker_that_is_left(server: FleetServer) -> None:
    await server.all_ready()
    async with connections(server, 2) as (one, other):
        made = await one.done("POST", MAPS, named("watched"))
        path = f"{MAPS}?watch=1&resourceVersion={revision(made)}"
        watches = [asyncio.create_task(_first(at, path)) for at in (one, other)]
        await asyncio.sleep(0.2)  # Both are open; if not yet, they are no less broken or served.
        os.kill(server.pids[0], signal.SIGKILL)
        done, left = await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
        broken = [watch for watch in done if isinstance(watch.exception(), aiohttp.ClientError)]
        assert (len(broken), len(left)) == (1, 1)
        async with connections(server, 1) as (third,):
            changed = await third.done("PATCH", f"{MAPS}/watched", {"data": {"a": "b"}})
            (seen,) = await asyncio.gather(*left)
            assert revision(seen["object"]) == revision(changed)
            # Where the broken one ended, any worker goes on.
            again = await _first(third, path)
            assert revision(again["object"]) == revision(changed)


async def test_what_only_one_does_is_taken_up_when_it_dies(server: FleetServer) -> None:
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for turn in range(2):
        await server.all_ready()
        victim = server.pids[turn]
        os.kill(victim, signal.SIGKILL)
        # Until it is gone it may still be given a connection, which breaks with it.
        wait_for_end(victim)
        async with connections(server, 1) as (connection,):
            group = f"g{turn}.example.com"
            await connection.done("POST", crds, definition(group))
            async with asyncio.timeout(30):
                # The one that was killed may have led: the other one does now.
                while not established(await connection.done("GET", f"{crds}/things.{group}")):  # noqa: ASYNC110 - asked by HTTP
                    await asyncio.sleep(0.02)


async def test_workers_end_with_their_keeper_and_all_goes_on_after_a_new_start(
    tmp_path: Path,
) -> None:
    server = await asyncio.to_thread(start, tmp_path)
    writers = [Writer(server, number) for number in range(WRITERS)]
    tasks = [asyncio.create_task(writer.run()) for writer in writers]
    async with asyncio.timeout(30):
        while not all(writer.acknowledged for writer in writers):  # noqa: ASYNC110 - told by HTTP
            await asyncio.sleep(0.02)
    await asyncio.to_thread(server.kill)
    for writer in writers:
        writer.over = True
    await asyncio.gather(*tasks)
    known = {name: uid for writer in writers for name, uid in writer.acknowledged.items()}
    assert known
    again = await asyncio.to_thread(start, tmp_path, "--compaction-interval", "1s")
    async with connections(again) as (one, other):
        for connection in (one, other):
            assert known.items() <= (await stored(connection)).items()
        await _see_history_go(one, other)
    pids = again.pids
    code, log = await asyncio.to_thread(again.stop)
    assert (code, "worker ended" in log) == (0, False)
    for pid in pids:
        wait_for_end(pid)
    assert not (again.data / "run" / "apiserver.json").exists()


async def _see_history_go(one: Connection, other: Connection) -> None:
    """One worker compacts, and a page begun at another expires everywhere."""
    for number in range(3):
        await one.done("POST", MAPS, named(f"m{number}"))
    first = await one.done("GET", f"{MAPS}?limit=1")
    page = f"{MAPS}?limit=9&continue={first['metadata']['continue']}"
    async with asyncio.timeout(30):
        while (answer := await other.ask("GET", page)).code == 200:
            await one.done("PATCH", f"{MAPS}/m0", {"data": {"x": first["kind"]}})
            await asyncio.sleep(0.2)
    assert answer.code == 410
    rest = await one.done("GET", f"{MAPS}?continue={answer.json['metadata']['continue']}")
    assert [item["metadata"]["name"] for item in rest["items"]] == ["m1", "m2"]


def test_a_worker_that_cannot_start_ends_the_start(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    with pytest.raises(AssertionError, match="before it was ready"):
        start(tmp_path, "--client-ca-file", str(wrong))
