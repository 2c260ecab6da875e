"""Carries a pod's status to the server: the newest one, only when it changed, until it arrives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from strongroom.api.errors import StatusError
from strongroom.client.backoff import Backoff, Sleep
from strongroom.client.client import Client, Patch
from strongroom.client.errors import ClientFailure
from strongroom.resources.pod import PODS, Pod

_log = logging.getLogger("strongroom.node")


class StatusPublisher:
    """Publishes the status of one pod. The pod's containers never wait for the server."""

    def __init__(self, client: Client, pod: Pod, *, sleep: Sleep) -> None:
        self._client = client
        self._namespace = pod.metadata.namespace
        self._name = pod.metadata.name
        self._uid = pod.metadata.uid
        self._sleep = sleep
        self._wanted: dict[str, Any] | None = None
        self._published: dict[str, Any] | None = None
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to publish, in a task of its own."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def publish(self, status: dict[str, Any]) -> None:
        """Make this the status, as soon as the server takes it."""
        if status == self._wanted:
            return
        self._wanted = status
        self._idle.clear()
        self._changed.set()

    async def flush(self) -> None:
        """Wait until the newest status has arrived, or can no longer (the pod is gone)."""
        await self._idle.wait()

    async def close(self) -> None:
        """Stop publishing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._idle.set()

    async def _run(self) -> None:
        backoff = Backoff(initial=0.2, limit=10.0)
        while True:
            await self._changed.wait()
            self._changed.clear()
            status = self._wanted
            if status is None or status == self._published:
                self._idle.set()
                continue
            try:
                await self._patch(status)
            except (StatusError, ClientFailure) as error:
                _log.warning("status of pod %s/%s: %s", self._namespace, self._name, error)
                self._changed.set()
                await self._sleep(backoff.next())
                continue
            backoff.reset()
            self._published = status
            if self._wanted is status:
                self._idle.set()

    async def _patch(self, status: dict[str, Any]) -> None:
        # The UID makes the patch of a pod that was deleted and made anew a conflict.
        body = {"metadata": {"uid": self._uid}, "status": status}
        try:
            await self._client.patch(
                PODS,
                self._name,
                self._namespace,
                body,
                kind=Patch.STRATEGIC,
                subresource="status",
            )
        except StatusError as error:
            if error.code not in (404, 409):
                raise
            # Gone, or another pod of the same name: there is nobody left to tell.


async def forget_pod(
    client: Client,
    pod: Pod,
    pause: Callable[[timedelta], Awaitable[None]],
    gone: Callable[[], bool],
) -> None:
    """Delete the pod's object for good, trying until that is done or ``gone()`` says it is.

    ``pause`` waits between tries. The UID protects another pod of the same name.
    """
    backoff = Backoff(initial=0.2, limit=10.0)
    meta = pod.metadata
    while not gone():
        try:
            await client.delete(PODS, meta.name, meta.namespace, grace_seconds=0, uid=meta.uid)
            return
        except StatusError as error:
            # Not found, or another pod of that name: ours is gone.
            if error.code in (404, 409):
                return
            _log.warning("cannot delete pod %s/%s: %s", meta.namespace, meta.name, error)
        except ClientFailure as error:
            _log.warning("cannot delete pod %s/%s: %s", meta.namespace, meta.name, error)
        await pause(timedelta(seconds=backoff.next()))
