"""Stopping the containers of a pod: preStop hook, stop signal, grace, and the kill at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from strongroom.node.handlers import HandlerFailed, run_hook
from strongroom.node.records import Record
from strongroom.node.surroundings import Surroundings
from strongroom.resources.pod import Pod

MINIMUM_GRACE = 2.0
"""Seconds that a container always gets after its stop signal, unless it is killed at once."""


@dataclass(slots=True)
class Hurry:
    """Shortens stops that are under way: the grace still given, and the bell that says so."""

    grace: float | None = None
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    def limit(self, grace: float) -> None:
        """From now on no stop may take longer than ``grace`` seconds."""
        if self.grace is None or grace < self.grace:
            self.grace = grace
            self.bell.set()


async def stop_containers(
    pod: Pod, records: Sequence[Record], grace: float, *, around: Surroundings, hurry: Hurry
) -> None:
    """Stop all running ones at once, and return when all have ended."""
    running = [r for r in records if r.running]
    if not running:
        return
    hurry.bell.clear()
    tasks = {asyncio.create_task(_stop(pod, r, grace, around)) for r in running}
    try:
        await _wait(tasks, running, around, hurry)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(
    tasks: set[asyncio.Task[None]], records: Sequence[Record], around: Surroundings, hurry: Hurry
) -> None:
    ended = asyncio.gather(*(around.runtime.wait(r.container_id) for r in records))
    try:
        while not ended.done():
            bell = asyncio.ensure_future(hurry.bell.wait())
            waiting: set[asyncio.Future[Any]] = {ended, bell}
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                bell.cancel()
            if hurry.bell.is_set():
                hurry.bell.clear()
                limit = hurry.grace or 0.0
                tasks |= {
                    asyncio.create_task(_signal(r, limit, around)) for r in records if r.running
                }
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)


async def _stop(pod: Pod, record: Record, grace: float, around: Surroundings) -> None:
    around.tell(
        pod,
        "Normal",
        "Killing",
        f"Stopping container {record.name}",
        container=record.name,
        init=record.kind != "app",
    )
    begun = around.clock.monotonic()
    if grace > 0:
        await _pre_stop(pod, record, grace, around)
        spent = around.clock.monotonic() - begun
        grace = max(grace - spent, MINIMUM_GRACE)
    await _signal(record, grace, around)


async def _signal(record: Record, grace: float, around: Surroundings) -> None:
    await around.runtime.stop_container(record.container_id, grace=grace)


async def _pre_stop(pod: Pod, record: Record, grace: float, around: Surroundings) -> None:
    lifecycle = record.spec.lifecycle
    if lifecycle is None or lifecycle.preStop is None:
        return
    try:
        await asyncio.wait_for(
            run_hook(
                lifecycle.preStop,
                record.spec,
                record.container_id,
                runtime=around.runtime,
                address=around.node.addresses[0],
                sleep=around.sleep,
                limit=grace,
            ),
            grace,
        )
    except (HandlerFailed, TimeoutError):
        around.tell(
            pod,
            "Warning",
            "FailedPreStopHook",
            "PreStopHook failed",
            container=record.name,
            init=record.kind != "app",
        )
