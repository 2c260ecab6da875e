"""The loop that every controller shares: keys in a queue, one reconciliation at a time per key."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from strongroom.api.errors import StatusError
from strongroom.client.errors import ClientFailure
from strongroom.client.queue import QueueClosed, WorkQueue

Key = tuple[str, str]
"""Namespace (empty for cluster-scoped kinds) and name."""


class Again(Exception):
    """A key is to be looked at again later; nothing is wrong that anybody should read of."""


_log = logging.getLogger("strongroom.controllers")


class Controller(Protocol):
    """Brings the world in line with the object that a key names.

    ``reconcile`` reads the newest state itself, must be safe to repeat, and may raise StatusError,
    ClientFailure or Again: the key is then tried again later.
    """

    name: str
    queue: WorkQueue[Key]
    workers: int
    """How many keys may be worked on at the same time."""

    async def start(self) -> None:
        """Start informers and wait until they are in sync."""
        ...

    async def reconcile(self, key: Key) -> None: ...

    async def close(self) -> None: ...


async def work(controller: Controller) -> None:
    """Run a controller's workers until its queue is closed."""
    async with asyncio.TaskGroup() as group:
        for _ in range(controller.workers):
            group.create_task(_work(controller))


async def _work(controller: Controller) -> None:
    queue = controller.queue
    while True:
        try:
            key = await queue.get()
        except QueueClosed:
            return
        try:
            await controller.reconcile(key)
        except (StatusError, ClientFailure) as error:
            # Neither holds a payload: a Status message, or what happened to the connection.
            _log.warning("%s: %s/%s: %s", controller.name, *key, error)
            queue.retry(key)
        except Again:
            queue.retry(key)
        else:
            queue.forget(key)
        finally:
            queue.done(key)
