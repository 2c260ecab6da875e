"""Servers on one etcd behind a balancer are restarted in turn: who tries again sees no failure."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

import pytest

from strongroom.api.errors import StatusError
from strongroom.api.meta import ObjectMeta
from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.errors import Unreachable
from strongroom.resources.secret import SECRETS, Secret
from strongroom.testing.process import Strongroom
from tests.balancer import balanced
from tests.e2e.kubectl import Kubectl
from tests.etcd import Etcd, free_port

pytestmark = pytest.mark.needs("etcd")

T = TypeVar("T")

_TRIES, _PAUSE = 100, 0.1


async def again(act: Callable[[], Awaitable[T]]) -> T:
    """As clients do that try again: where nobody answered, and where the server says to."""
    for _ in range(_TRIES):
        try:
            return await act()
        except Unreachable:
            pass
        except StatusError as error:
            if error.details is None or not error.details.retryAfterSeconds:
                raise
        await asyncio.sleep(_PAUSE)
    return await act()


class Writer:
    """Counts up in one Secret, one write after the other, until it is told to stop."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.acknowledged = 0
        self.done = False

    async def run(self) -> None:
        while not self.done:
            await again(self._count)

    async def _count(self) -> None:
        """The next number, unless it was written already by a try that got no answer."""
        secret = await self._client.get(SECRETS, "counted", "default")
        number = int(secret.data["n"])
        assert number in (self.acknowledged, self.acknowledged + 1)
        if number == self.acknowledged:
            secret.data["n"] = b"%d" % (number + 1)
            await self._client.update(SECRETS, secret)
        self.acknowledged += 1


class Watcher:
    """Follows the Secret over all ends of its watch."""

    def __init__(self, client: Client, revision: str) -> None:
        self._client, self._revision = client, revision
        self.seen: list[int] = []
        self.watches = 0

    async def run(self) -> None:
        while True:
            await again(self._follow)

    async def _follow(self) -> None:
        self.watches += 1
        events = self._client.watch(SECRETS, "default", resource_version=self._revision)
        async with aclosing(events) as watch:
            async for event in watch:
                if event.obj is not None and event.obj.metadata.name == "counted":
                    self.seen.append(int(event.obj.data["n"]))
                self._revision = event.revision


@contextlib.asynccontextmanager
async def at_work(*runs: Awaitable[None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.ensure_future(run) for run in runs]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_rolling_restart_fails_nobody_who_tries_again(tmp_path: Path) -> None:
    etcd = Etcd(tmp_path / "etcd", "--unsafe-no-fsync")
    etcd.start()
    rooms: dict[str, Strongroom] = {}

    async def start(name: str, port: int, endpoint: int) -> None:
        arguments = ["--data-dir", str(tmp_path / name), "--store", f"etcd:{etcd.url}"]
        arguments += ["--control-plane-endpoint", f"127.0.0.1:{endpoint}"]
        rooms[name] = await asyncio.to_thread(
            Strongroom.start, tmp_path, "apiserver", *arguments, port=port
        )

    try:
        async with balanced() as balancer:
            ports = {"one": free_port(), "two": free_port()}
            balancer.ports = [*ports.values()]
            await asyncio.gather(*(start(*each, balancer.port) for each in ports.items()))
            config = load_config(rooms["one"].kubeconfig)
            assert config.server == f"https://127.0.0.1:{balancer.port}"
            async with Client(config) as client:
                made = Secret(metadata=ObjectMeta(name="counted"), data={"n": b"0"})
                first = await again(lambda: client.create(SECRETS, made, "default"))
                writer = Writer(client)
                watcher = Watcher(client, first.metadata.resourceVersion)
                kubectl = Kubectl(rooms["two"].kubeconfig, "default", tmp_path)
                async with at_work(writer.run(), watcher.run()) as (writing, watching):
                    for name, port in ports.items():
                        await more(writer, writing, watching)
                        await asyncio.to_thread(rooms[name].stop)
                        await more(writer, writing, watching)
                        assert "counted" in await asyncio.to_thread(kubectl, "get", "secret")
                        await start(name, port, balancer.port)
                    await more(writer, writing, watching)
                    writer.done = True
                    await writing
                    async with asyncio.timeout(60):
                        while len(watcher.seen) < writer.acknowledged:  # noqa: ASYNC110 - a task's
                            await asyncio.sleep(0.05)
                assert watcher.seen == list(range(1, writer.acknowledged + 1))
                assert watcher.watches > 1
    finally:
        for room in rooms.values():
            if room.process.poll() is None:
                await asyncio.to_thread(room.stop)
        etcd.kill()


async def more(writer: Writer, *tasks: asyncio.Task[None]) -> None:
    """Wait for some more writes."""
    upto = writer.acknowledged + 10
    async with asyncio.timeout(60):
        while writer.acknowledged < upto:
            for task in tasks:
                assert not task.done(), task
            await asyncio.sleep(0.02)
