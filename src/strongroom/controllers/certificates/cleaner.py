"""Removes requests that nobody needs any more. Source: ``pkg/controller/certificates/cleaner``."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from cryptography import x509

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.times import parse_time
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client
from strongroom.client.queue import WorkQueue
from strongroom.controllers.certificates.following import Requests
from strongroom.controllers.controller import Key
from strongroom.resources import pem
from strongroom.resources.certificatesigningrequest import CERTIFICATE_SIGNING_REQUESTS
from strongroom.resources.certificatesigningrequest_object import (
    APPROVED,
    DENIED,
    FAILED,
    CertificateSigningRequest,
)

PERIOD = 3600.0
"""Seconds between two looks at all requests."""
DECIDED = timedelta(hours=1)
"""How long a request stays once it is issued, denied or has failed."""
PENDING = timedelta(hours=24)
"""How long a request stays that nobody decides on."""


class Cleaner:
    """Keys are requests that are past their time."""

    name = "csrcleaner"
    workers = 1

    def __init__(
        self, client: Client, requests: Requests, clock: Clock, sleep: Sleep = asyncio.sleep
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
                    self.queue.add(("", request.metadata.name))
            await self._sleep(PERIOD)

    async def reconcile(self, key: Key) -> None:
        request = self._requests.informer.get(*key)
        if request is None or not is_past(request, self._clock.now()):
            return
        name, uid = request.metadata.name, request.metadata.uid
        try:
            await self._client.delete(CERTIFICATE_SIGNING_REQUESTS, name, uid=uid)
        except StatusError as error:
            # Gone already, or another of that name: neither is ours to remove.
            if error.code not in (404, 409):
                raise


def is_past(request: CertificateSigningRequest, now: datetime) -> bool:
    """Whether a request is to go."""
    issued, conditions = bool(request.status.certificate), request.status.conditions
    for condition in conditions:
        kept = condition.type not in (DENIED, FAILED) and not (
            condition.type == APPROVED and issued
        )
        if not kept and _older(condition.lastUpdateTime, DECIDED, now):
            return True
    if not conditions and _older(request.metadata.creationTimestamp, PENDING, now):
        return True
    approved = any(condition.type == APPROVED for condition in conditions)
    return approved and issued and _expired(request.status.certificate, now)


def _older(moment: str, age: timedelta, now: datetime) -> bool:
    return bool(moment) and now - parse_time(moment) > age


def _expired(certificate: bytes, now: datetime) -> bool:
    block = pem.first(certificate)
    if block is None:
        return False
    try:
        return x509.load_der_x509_certificate(block.content).not_valid_after_utc < now
    except ValueError:
        return False
