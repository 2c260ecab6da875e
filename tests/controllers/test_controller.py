"""The shared loop: what fails is tried again, over a server that dies and comes back too."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from strongroom.api.errors import StatusError
from strongroom.client.errors import Unreachable
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Key, work
from strongroom.controllers.monitors import Monitors
from strongroom.controllers.namespace import NamespaceController
from strongroom.controllers.scheduler import Scheduler
from strongroom.resources.namespace import NAMESPACES
from strongroom.testing.process import Strongroom
from tests.controllers.conftest import at_work, world_of
from tests.waiting import gone, until


class Failing:
    """A controller whose work fails as it is told, and closes its queue once it succeeds."""

    name = "failing"
    workers = 2

    def __init__(self, *failures: Exception) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.0, limit=0.0)
        self.failures = list(failures)

    async def start(self) -> None:
        self.queue.add(("ns", "name"))

    async def reconcile(self, key: Key) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.queue.close()

    async def close(self) -> None:
        self.queue.close()


async def test_what_the_server_or_the_connection_refuses_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing = Failing(StatusError(500, "InternalError", "no"), Unreachable("GET /: refused"))
    await failing.start()
    with caplog.at_level(logging.WARNING, "strongroom.controllers"):
        await asyncio.wait_for(work(failing), 60)
    assert failing.failures == []
    assert [record.getMessage() for record in caplog.records] == [
        "failing: ns/name: no",
        "failing: ns/name: GET /: refused",
    ]


async def test_a_defect_ends_the_work_instead_of_hiding() -> None:
    failing = Failing(ZeroDivisionError())
    await failing.start()
    with pytest.raises(ExceptionGroup) as found:
        await asyncio.wait_for(work(failing), 60)
    assert found.group_contains(ZeroDivisionError)


async def test_controllers_go_on_when_the_server_was_killed_and_is_back(tmp_path: Path) -> None:
    first = await asyncio.to_thread(Strongroom.start, tmp_path, "apiserver")
    async with world_of(first.kubeconfig) as world:
        await world.node("n1")
        await world.namespace("doomed")
        scheduler = Scheduler(world.client, world.events, world.clock)
        async with (
            at_work(scheduler),
            at_work(NamespaceController(world.client, Monitors(world.client), world.clock)),
        ):
            await asyncio.to_thread(first.kill)
            second = await asyncio.to_thread(
                Strongroom.start, tmp_path, "apiserver", port=first.port
            )
            try:
                await world.pod("p")
                await world.client.delete(NAMESPACES, "doomed")
                await world.until_pod("p", lambda pod: pod.spec.nodeName == "n1")
                await gone(lambda: world.client.get(NAMESPACES, "doomed"))
            finally:
                await asyncio.to_thread(second.stop)


async def test_work_that_meets_a_dead_server_waits_for_it(tmp_path: Path) -> None:
    first = await asyncio.to_thread(Strongroom.start, tmp_path, "apiserver")
    async with world_of(first.kubeconfig) as world:
        await world.node("n1")
        await world.pod("p")
        scheduler = Scheduler(world.client, world.events, world.clock)
        await scheduler.start()
        await asyncio.to_thread(first.kill)
        working = asyncio.create_task(work(scheduler))

        async def failed() -> bool:
            return bool(scheduler.queue._failures) and not scheduler._assumed

        await until(failed, bool)
        second = await asyncio.to_thread(Strongroom.start, tmp_path, "apiserver", port=first.port)
        try:
            await world.until_pod("p", lambda pod: pod.spec.nodeName == "n1")
        finally:
            scheduler.queue.close()
            await scheduler.close()
            await asyncio.wait_for(working, 60)
            await asyncio.to_thread(second.stop)
