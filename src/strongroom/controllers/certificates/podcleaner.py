"""Removes old requests of pods: ``pkg/controller/certificates/cleaner`` (``pcrcleaner.go``)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.times import parse_time
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client
from strongroom.client.queue import WorkQueue
from strongroom.controllers.certificates.podsigner import PodRequests
from strongroom.controllers.controller import Key
from strongroom.resources.podcertificaterequest import POD_CERTIFICATE_REQUESTS
from strongroom.resources.podcertificaterequest_object import PodCertificateRequest

PERIOD = 300.0
"""Seconds between two looks at all requests."""
KEPT = timedelta(minutes=15)
"""How long a request stays, whatever became of it: nodes take answers at once."""


class PodCleaner:
    """Keys are requests that are past their time."""

    name = "podcertificaterequestcleaner"
    workers = 1

    def __init__(
        self, client: Client, requests: PodRequests, clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.5, limit=60.0)
        self._client = client
        self._requests = requests
        self._clock = clock
        self._sleep = sleep
        self._ticker: asyncio.Task[None] | None = None

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
                if is_past(request, now):
                    self.queue.add((request.metadata.namespace, request.metadata.name))
            await self._sleep(PERIOD)

    async def reconcile(self, key: Key) -> None:
        request = self._requests.informer.get(*key)
        if request is None or not is_past(request, self._clock.now()):
            return
        meta = request.metadata
        try:
            await self._client.delete(
                POD_CERTIFICATE_REQUESTS, meta.name, meta.namespace, uid=meta.uid
            )
        except StatusError as error:
            # Gone already, or another of that name: neither is ours to remove.
            if error.code not in (404, 409):
                raise


def is_past(request: PodCertificateRequest, now: datetime) -> bool:
    """Whether a request is to go."""
    return now >= parse_time(request.metadata.creationTimestamp) + KEPT
