"""Which of several processes works: the one that holds a Lease and renews it.

As ``k8s.io/client-go/tools/leaderelection`` does it, so that ours and upstream's tools read the
same Lease alike. Clocks of machines are not compared: a Lease is over when it has not changed for
its duration by the clock of who looks at it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import ObjectMeta
from strongroom.api.times import format_micro_time
from strongroom.client.client import Client
from strongroom.client.errors import ClientFailure
from strongroom.resources.lease import LEASES, Lease, LeaseSpec

_log = logging.getLogger(__name__)

NAME, NAMESPACE = "strongroom-controllers", "kube-system"

JITTER = 1.2
"""By how much of itself a pause is lengthened at most while another one holds the Lease."""

_RELEASED_WITHIN = 5.0
"""Seconds that the end of a process waits for its Lease to be given up."""


class LeadLost(Exception):
    """The Lease was not renewed in time: somebody else may work by now."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a Lease holds, how long its holder tries to renew it, and how often; in seconds.

    ``elect`` False: nobody else works, and no Lease is needed.
    """

    elect: bool = True
    lease_duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0
    name: str = NAME
    namespace: str = NAMESPACE


class LeaderElection:
    """One candidate. ``hold`` waits for the Lease, ``keep`` renews it, ``release`` gives it up."""

    def __init__(self, client: Client, terms: Terms, clock: Clock, identity: str = "") -> None:
        self._client, self._terms, self._clock = client, terms, clock
        self.identity = identity or f"{socket.gethostname()}_{uuid.uuid4()}"
        self._seen: LeaseSpec | None = None
        self._seen_at = 0.0
        self.holder: str | None = None
        """Who holds it, as far as is known; None before the first look."""

    async def hold(self, waiting: Callable[[], None]) -> None:
        """Wait until the Lease is ours; ``waiting`` is called once it is seen to be another's."""
        told = False
        while not await self._try():
            if self.holder and not told:
                _log.info("%s works: waiting until its lease is over", self.holder)
                waiting()
                told = True
            await asyncio.sleep(self._terms.retry_period * (1 + JITTER * random.random()))  # noqa: S311 - no secret
        _log.info("%s leads", self.identity)

    async def keep(self) -> None:
        """Renew the Lease for ever. Raises LeadLost when that fails for too long."""
        while True:
            try:
                async with asyncio.timeout(self._terms.renew_deadline):
                    while not await self._try():  # noqa: ASYNC110 - what changes is the server's
                        await asyncio.sleep(self._terms.retry_period)
            except TimeoutError:
                raise LeadLost(f"{self._terms.name}: the lease could not be renewed") from None
            await asyncio.sleep(self._terms.retry_period)

    async def release(self) -> None:
        """Let another one begin at once, if the Lease is ours and the server can be told."""
        if self.holder != self.identity or self._seen is None:
            return
        try:
            async with asyncio.timeout(_RELEASED_WITHIN):
                found = await self._client.get(LEASES, self._terms.name, self._terms.namespace)
                if found.spec.holderIdentity == self.identity:
                    found.spec = self._claim(found.spec)
                    found.spec.holderIdentity, found.spec.leaseDurationSeconds = "", 1
                    await self._client.update(LEASES, found)
        except (StatusError, ClientFailure, TimeoutError):
            # Then it ends by itself.
            return

    async def _try(self) -> bool:
        """Take or renew the Lease; whether it is ours now."""
        try:
            return await self._take_or_renew()
        except (StatusError, ClientFailure) as error:
            if not isinstance(error, StatusError) or error.code != 409:
                _log.warning("cannot take or renew the lease: %s", error)
            return False

    async def _take_or_renew(self) -> bool:
        terms = self._terms
        try:
            found = await self._client.get(LEASES, terms.name, terms.namespace)
        except StatusError as error:
            if error.code != 404:
                raise
            meta = ObjectMeta(name=terms.name, namespace=terms.namespace)
            made = Lease(metadata=meta, spec=self._claim(LeaseSpec()))
            made.spec.leaseTransitions = 0
            self._note((await self._client.create(LEASES, made)).spec)
            return True
        if found.spec != self._seen:
            self._note(found.spec)
        if self.holder and self.holder != self.identity:
            lasts = found.spec.leaseDurationSeconds or 0
            if self._clock.monotonic() < self._seen_at + lasts:
                return False
        found.spec = self._claim(found.spec)
        self._note((await self._client.update(LEASES, found)).spec)
        return True

    def _note(self, spec: LeaseSpec) -> None:
        self._seen, self._seen_at = spec, self._clock.monotonic()
        self.holder = spec.holderIdentity

    def _claim(self, spec: LeaseSpec) -> LeaseSpec:
        """The Lease as it is when it is ours from now on."""
        now = format_micro_time(self._clock.now())
        again = spec.holderIdentity == self.identity
        return LeaseSpec(
            holderIdentity=self.identity,
            leaseDurationSeconds=max(round(self._terms.lease_duration), 1),
            acquireTime=spec.acquireTime if again else now,
            renewTime=now,
            leaseTransitions=(spec.leaseTransitions or 0) + (0 if again else 1),
        )
