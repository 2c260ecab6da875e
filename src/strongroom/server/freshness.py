"""Has a request judged by everything that any process of the server has acknowledged.

Admission and authorization ask the caches of this process: for namespaces that end, for policies,
webhooks, limits, quotas, roles, pods. What another worker acknowledged is on its way to them when a
request arrives; a request that was sent after that acknowledgement must be judged by it. In a
server of one process there is hardly anything to wait for: its caches are as new as what it
acknowledges.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from strongroom.access.admission.port import AdmissionRequest
from strongroom.registry.reading import asked
from strongroom.registry.registry import Registry
from strongroom.storage.errors import StoreError
from strongroom.storage.port import Store
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

_KNOWN_WITHIN = 5.0
"""Seconds that the store has to say what it is at. One cut off from all of etcd takes longer."""


class Known:
    """Called, makes known what any server of the store has acknowledged up to now.

    What a request is judged by is brought up to that afterwards: who asks, whether they may, what
    is served. Those who ask while a question is on its way to the store share the next one.
    """

    def __init__(self, store: Store, within: float = _KNOWN_WITHIN) -> None:
        """``within`` is how many seconds a request waits for the store."""
        self._store, self._within = store, within
        self._failed = False

    async def __call__(self) -> None:
        """Without the store, requests are judged by what is known, as far as they get.

        That is as far as an answer for those who accept what is old (``resourceVersion=0``).
        """
        try:
            async with asyncio.timeout(self._within):
                await self._store.revision()
            # Its reads need not ask again.
            asked.set(True)
            self._failed = False
        except (StoreError, TimeoutError) as error:
            asked.set(False)
            if not self._failed:
                log(logger, logging.WARNING, "requests are judged by what was known before", error)
            self._failed = True


class CatchUp:
    """Called, waits until the caches of ``registries`` show what was acknowledged up to now."""

    def __init__(self, store: Store, registries: Callable[[], Iterable[Registry[Any]]]) -> None:
        self._store = store
        self._registries = registries
        self._seen = 0

    async def __call__(self) -> None:
        """Costs a comparison while nothing is written. Raises StatusError 504."""
        revision = self._store.current_revision
        if revision <= self._seen:
            return
        for registry in self._registries():
            if registry.cache.revision < revision:
                await registry.catch_up()
        self._seen = max(self._seen, revision)


class Freshness:
    """The first of the plugins. ``registries`` are those whose caches are asked by others."""

    name = "Freshness"

    def __init__(self, store: Store, registries: Callable[[], Iterable[Registry[Any]]]) -> None:
        self._catch_up = CatchUp(store, registries)

    async def mutate(self, request: AdmissionRequest) -> None:
        """Wait until the caches show what was acknowledged up to now. Raises StatusError 504."""
        await self._catch_up()

    async def validate(self, request: AdmissionRequest) -> None:
        """Nothing more: what changes between the two is as if it had come later."""
