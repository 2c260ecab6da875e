"""The last judge of a write: does it fit into the quotas of its namespace?

What a write uses is added to the quotas' status, by compare-and-swap, before the write is stored:
so whatever happens at the same time, no more is admitted than there is room for. A write that
fails afterwards has been charged for nothing, until the quota controller counts again; upstream
does the same.

Writes that wait at the same moment are charged together, so that a quota is written once for all
of them. Source: ``admission/plugin/resourcequota/controller.go``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.admission.quota.checking import Write, charged
from strongroom.access.user import LOOPBACK
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError, internal_error
from strongroom.resources.quota_usage import evaluator_for
from strongroom.resources.resourcequota_object import ResourceQuota

PATIENCE = 10.0
"""Seconds that a write waits to be charged, as upstream."""


class Quotas(Protocol):
    """What this judge asks of the rest of the server."""

    def quotas(self, namespace: str) -> Sequence[ResourceQuota]:
        """The quotas of a namespace, at least as fresh as the last ``charge`` and ``refresh``.

        Costs next to nothing where there is none. The objects must not be changed.
        """
        ...

    async def charge(self, quota: ResourceQuota) -> None:
        """Store the status, if the quota is still as it was read. Raises StatusError 409, 404."""
        ...

    async def refresh(self) -> None:
        """Wait until ``quotas`` tells of all writes up to now."""
        ...


class _Namespace:
    """The writes of a namespace that wait to be charged, and who is charging."""

    __slots__ = ("task", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[Write, asyncio.Future[None]]] = []
        self.task: asyncio.Task[None] | None = None


class QuotaAdmission:
    """Refuses what exceeds a quota, and charges what does not."""

    name = "ResourceQuota"

    def __init__(self, quotas: Quotas, clock: Clock) -> None:
        self._quotas = quotas
        self._clock = clock
        self._namespaces: dict[str, _Namespace] = {}

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        """Judge and charge. Raises StatusError 403, or 500 when charging takes too long."""
        if request.operation not in ("CREATE", "UPDATE") or not request.resource.namespaced:
            return
        if request.attributes.user is LOOPBACK or not self._quotas.quotas(request.namespace):
            return
        resource = request.resource
        evaluator = evaluator_for(resource.group, resource.plural)
        part = request.attributes.subresource
        if evaluator is None or not evaluator.handles(request.operation, part):
            return
        write = Write(request, evaluator, self._clock.now())
        if request.dry_run:
            charged(self._quotas.quotas(request.namespace), write)
            return
        await self._wait(request.namespace, write)

    async def _wait(self, namespace: str, write: Write) -> None:
        """Be charged together with whoever else waits."""
        queue = self._namespaces.setdefault(namespace, _Namespace())
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.waiting.append((write, done))
        if queue.task is None:
            queue.task = asyncio.create_task(self._work(namespace, queue))
        try:
            async with asyncio.timeout(PATIENCE):
                await done
        except TimeoutError:
            raise internal_error("resource quota evaluation timed out") from None

    async def _work(self, namespace: str, queue: _Namespace) -> None:
        """Charge until nobody waits."""
        try:
            while queue.waiting:
                batch, queue.waiting = queue.waiting, []
                await self._charge_together(namespace, batch)
        finally:
            queue.task = None
            del self._namespaces[namespace]

    async def _charge_together(
        self, namespace: str, batch: list[tuple[Write, asyncio.Future[None]]]
    ) -> None:
        # Whoever has gone meanwhile is not charged.
        waiting = [(write, done) for write, done in batch if not done.done()]
        failure: Exception | None = None
        try:
            waiting = await self._charge(namespace, waiting)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must be told
            failure = error
        for _, done in waiting:
            if done.done():
                continue
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure)

    async def _charge(
        self, namespace: str, waiting: list[tuple[Write, asyncio.Future[None]]]
    ) -> list[tuple[Write, asyncio.Future[None]]]:
        """Charge all that fit and tell those that do not; who has been charged.

        A quota that somebody else has written meanwhile is judged again as it is now, and only
        that: the others have been charged.
        """
        names: set[str] | None = None
        while True:
            before = [
                quota
                for quota in self._quotas.quotas(namespace)
                if names is None or quota.metadata.name in names
            ]
            after, waiting = _fitting(before, waiting)
            names = await self._store(before, after)
            if not names:
                return waiting
            await self._quotas.refresh()

    async def _store(
        self, before: Sequence[ResourceQuota], after: Sequence[ResourceQuota]
    ) -> set[str]:
        """Store the quotas that changed; the names of those that others were faster to write."""
        overtaken = set()
        for old, new in zip(before, after, strict=True):
            if new is old:
                continue
            try:
                await self._quotas.charge(new)
            except StatusError as error:
                if error.code not in (404, 409):
                    raise
                overtaken.add(new.metadata.name)
        return overtaken


def _fitting(
    quotas: Sequence[ResourceQuota], waiting: list[tuple[Write, asyncio.Future[None]]]
) -> tuple[Sequence[ResourceQuota], list[tuple[Write, asyncio.Future[None]]]]:
    """The quotas after all writes that fit, and those; the others are told why they do not."""
    fitting = []
    for write, done in waiting:
        try:
            quotas = charged(quotas, write)
        except StatusError as refusal:
            if not done.done():
                done.set_exception(refusal)
        else:
            fitting.append((write, done))
    return quotas, fitting
