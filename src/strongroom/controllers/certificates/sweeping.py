"""What removes requests that are past their time shares: a look at all of them now and then."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from datetime import datetime
from typing import Generic, TypeVar

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client
from strongroom.client.queue import WorkQueue
from strongroom.controllers.certificates.following import Shared
from strongroom.controllers.controller import Key
from strongroom.resources.resource import Resource

T = TypeVar("T", bound=Object)


class Sweeper(ABC, Generic[T]):
    """Keys are objects that are past their time. A subclass says what, how often, and when."""

    name: str
    resource: Resource[T]
    period: float
    """Seconds between two looks at all of them."""
    workers = 1

    def __init__(
        self, client: Client, requests: Shared[T], clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.5, limit=60.0)
        self._client = client
        self._requests = requests
        self._clock = clock
        self._sleep = sleep
        self._ticker: asyncio.Task[None] | None = None

    @abstractmethod
    def is_past(self, request: T, now: datetime) -> bool:
        """Whether an object is to go."""

    async def start(self) -> None:
        await self._requests.start()
        self._ticker = asyncio.create_task(self._tick())

    async def close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        await self._requests.close()

    async def _tick(self) -> None:
        while True:
            now = self._clock.now()
            for request in self._requests.informer.items():
                if self.is_past(request, now):
                    self.queue.add((request.metadata.namespace, request.metadata.name))
            await self._sleep(self.period)

    async def reconcile(self, key: Key) -> None:
        request = self._requests.informer.get(*key)
        if request is None or not self.is_past(request, self._clock.now()):
            return
        meta = request.metadata
        try:
            await self._client.delete(self.resource, meta.name, meta.namespace, uid=meta.uid)
        except StatusError as error:
            # Gone already, or another of that name: neither is ours to remove.
            if error.code not in (404, 409):
                raise
