"""Keeps the status of quotas true: what is limited, and what is used of it.

Admission adds what each write uses before the write is stored; this controller counts, so that what
is deleted is free again. Source: ``pkg/controller/resourcequota``.
"""

from __future__ import annotations

import asyncio

import msgspec

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client
from strongroom.client.discovery import Kind
from strongroom.client.informer import Change, Informer
from strongroom.client.metadata import Partial
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Again, Key
from strongroom.controllers.monitors import Monitors
from strongroom.controllers.quota_counting import equal, falls, is_weighed, usage
from strongroom.resources.amounts import only
from strongroom.resources.quota_usage import evaluator_for
from strongroom.resources.resourcequota import RESOURCE_QUOTAS
from strongroom.resources.resourcequota_object import ResourceQuota, ResourceQuotaStatus

RESYNC = 300.0
"""Seconds after which every quota is counted again, whatever was heard."""
GATHER = 0.05
"""Seconds in which deletions are taken together."""
QUIET = 0.5
"""Seconds after which other changes are counted: mostly, admission has charged them already."""
SETTLE = 0.1
"""Seconds that a write which was charged has to be stored, before it counts as given up."""


class ResourceQuotaController:
    """Keys are quotas."""

    name = "resourcequota"
    workers = 4

    def __init__(
        self, client: Client, monitors: Monitors, clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.05, limit=30.0)
        self._client = client
        self._clock = clock
        self._sleep = sleep
        self._monitors = monitors
        self._quotas = Informer(client, RESOURCE_QUOTAS)
        self._quotas.add_index("namespace", lambda quota: (quota.metadata.namespace,))
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._monitors.add_handler(self._on_content)
        self._monitors.add_served_handler(self._all)
        self._quotas.add_handler(self._on_quota)
        self._quotas.start()
        self._monitors.start()
        await self._quotas.wait_synced()
        self._ticker = asyncio.create_task(self._tick())

    async def close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        await self._quotas.close()
        await self._monitors.close()

    def _on_quota(self, change: Change[ResourceQuota]) -> None:
        quota = change.obj
        # A status that changes alone is admission's doing, or ours.
        if change.old is None or not equal(quota.spec.hard, quota.status.hard):
            self.queue.add(_key(quota))

    def _on_content(self, kind: Kind, change: Change[Partial]) -> None:
        namespace = change.obj.metadata.namespace
        quotas = self._quotas.by_index("namespace", namespace) if namespace else []
        evaluator = evaluator_for(*kind.group_plural) if quotas else None
        if evaluator is None or (change.type == "modified" and not is_weighed(kind)):
            return
        delay = GATHER if change.type == "deleted" else QUIET
        for quota in quotas:
            if evaluator.matching(quota.spec.hard):
                self.queue.add_after(_key(quota), delay)

    def _all(self) -> None:
        for quota in self._quotas.items():
            self.queue.add(_key(quota))

    async def _tick(self) -> None:
        while True:
            await self._sleep(RESYNC)
            self._all()

    async def reconcile(self, key: Key) -> None:
        if not self._monitors.served.kinds:
            raise Again  # What there is to count is not known yet.
        namespace, name = key
        try:
            quota = await self._client.get(RESOURCE_QUOTAS, name, namespace)
            status = await self._count(quota)
            before = quota.status
            if falls(before.used, status.used):
                # What was charged a moment ago may not be stored yet. If more is charged while we
                # wait, the quota is another then, and the update fails.
                await self._sleep(SETTLE)
                status = await self._count(quota)
            if equal(before.hard, status.hard) and equal(before.used, status.used):
                return
            changed = msgspec.structs.replace(quota, status=status)
            await self._client.update(RESOURCE_QUOTAS, changed, subresource="status")
        except StatusError as error:
            if error.code == 409:
                raise Again from error
            if error.code != 404:
                raise

    async def _count(self, quota: ResourceQuota) -> ResourceQuotaStatus:
        hard = quota.spec.hard
        served, now = self._monitors.served, self._clock.now()
        counted = await usage(self._client, served, quota, now)
        # What nobody here can count keeps what somebody else has said of it.
        return ResourceQuotaStatus(hard=dict(hard), used=only(quota.status.used, hard) | counted)


def _key(quota: ResourceQuota) -> Key:
    return quota.metadata.namespace, quota.metadata.name
