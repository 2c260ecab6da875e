"""The attempts of a pod's containers: noticing their ends, keeping the logs still asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from strongroom.node.records import Record
from strongroom.node.runtimes.port import Exit, Runtime, RuntimeFailure

_KEPT = 2
"""Attempts whose logs stay: the newest, and the one that ``logs --previous`` asks for."""


class Attempts:
    """Follows what was started. ``on_end`` runs when an attempt has ended."""

    def __init__(self, runtime: Runtime, on_end: Callable[[Record, str, Exit], None]) -> None:
        self._runtime = runtime
        self._on_end = on_end
        self._kept: dict[str, list[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, record: Record) -> None:
        """A new attempt runs: wait for its end, and forget those before the last."""
        ids = self._kept.setdefault(record.name, [])
        ids.append(record.container_id)
        while len(ids) > _KEPT:
            self.spawn(self._forget(ids.pop(0)))
        self.spawn(self._wait(record, record.container_id))

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run something beside the pod's own task, at most until ``close``."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, *, forget: bool) -> None:
        """Follow no more; with ``forget`` the containers and their logs go too."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if forget:
            for ids in self._kept.values():
                for container_id in ids:
                    await self._forget(container_id)

    async def _wait(self, record: Record, container_id: str) -> None:
        self._on_end(record, container_id, await self._runtime.wait(container_id))

    async def _forget(self, container_id: str) -> None:
        try:
            await self._runtime.remove_container(container_id)
        except RuntimeFailure:
            pass  # It is forgotten already.
