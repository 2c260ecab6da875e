"""Renews the node's certificates before they end, while everything goes on running.

As the kubelet: at a random point between 70 and 90 per cent of a certificate's life, so that nodes
which joined together do not come back together; with a new key; and for as long as it takes.
Source: ``k8s.io/client-go/util/certificate``.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.client.backoff import Backoff, Sleep
from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.errors import ClientFailure
from strongroom.node.certificates import BadCertificate
from strongroom.node.identity import Identity
from strongroom.node.requesting import Refused, obtain
from strongroom.resources.signer_names import KUBELET_CLIENT, KUBELET_SERVING

_log = logging.getLogger("strongroom.node")

EARLIEST, SPREAD = 0.7, 0.2
_LONGEST_SLEEP = 3600.0
"""Seconds after which the clock is looked at again: a machine that slept has lost time."""


class Rotation:
    """Keeps both certificates fresh. ``start`` it once, ``close`` it.

    ``serving`` is the TLS context of the node's own server, if it has one.
    """

    def __init__(
        self,
        identity: Identity,
        client: Client,
        serving: ssl.SSLContext | None,
        *,
        clock: Clock,
        sleep: Sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._identity = identity
        self._client = client
        self._serving = serving
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to look after the certificates."""
        signers = [KUBELET_CLIENT, *([KUBELET_SERVING] if self._serving else [])]
        self._tasks = [asyncio.create_task(self._keep(signer)) for signer in signers]

    async def close(self) -> None:
        """Renew no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, signer: str) -> None:
        while True:
            due = self._due(signer)
            while (left := (due - self._clock.now()) / timedelta(seconds=1)) > 0:
                await self._sleep(min(left, _LONGEST_SLEEP))
            await self._renew(signer)

    def _due(self, signer: str) -> datetime:
        life = self._identity.life(signer)
        return life.at(EARLIEST + SPREAD * self._chance()) if life else self._clock.now()

    async def _renew(self, signer: str) -> None:
        backoff = Backoff(initial=2.0, limit=128.0)
        while True:
            request = self._identity.request(signer)
            try:
                certificate = await obtain(self._client, signer, request.pkcs10)
                self._identity.store(signer, certificate, request.key)
                await self._show(signer)
            except (StatusError, ClientFailure, Refused, BadCertificate, OSError) as error:
                _log.warning("cannot renew the certificate of %s: %s", signer, error)
                await self._sleep(backoff.next())
            else:
                _log.info("renewed the certificate of %s", signer)
                return

    async def _show(self, signer: str) -> None:
        """Use what was stored, for every connection that is made from now on."""
        if signer == KUBELET_CLIENT:
            await self._client.renew(load_config(self._identity.kubeconfig))
        elif self._serving is not None:
            self._serving.load_cert_chain(self._identity.file(signer), password="")
