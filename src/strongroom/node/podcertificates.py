"""Certificates for the volumes of pods: asked for with a key made here, renewed when it is time.

Rules: ``pkg/kubelet/podcertificate``. A certificate is asked for once for all volumes of a pod that
want the same. Keys are held in memory, and written to the pod's files and nowhere else: after a
restart of the node everything is asked for anew, with new keys. Who denies a request denies it for
the pod's life.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.gotext import quote
from strongroom.api.times import parse_time
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client
from strongroom.client.errors import ClientFailure
from strongroom.client.informer import Change, Informer
from strongroom.node.certificates import make_pod_request
from strongroom.node.wantedcertificates import WantedCertificate, request_for
from strongroom.resources import pem
from strongroom.resources.node import NODES
from strongroom.resources.podcertificaterequest import POD_CERTIFICATE_REQUESTS
from strongroom.resources.podcertificaterequest_object import ISSUED, PodCertificateRequest
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS

_log = logging.getLogger("strongroom.node")

LOOK_AGAIN = 60.0
"""Seconds between looks at the clock, as for tokens."""
PATIENCE = 2.0
"""Seconds that a volume waits for its signer at a time; it is set up again and again."""
_MOST_JITTER = timedelta(minutes=5)
_PENDING = "credential bundle is not issued yet"


class CertificateUnavailable(Exception):
    """There is no certificate to show. The message is the kubelet's, and holds no key."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A key and the certificates of it, both in PEM."""

    key: bytes = field(repr=False)
    chain: bytes


@dataclass(slots=True)
class _Held:
    """What is known of a wanted certificate: the present one, and the next one's request."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    bundle: Bundle | None = None
    renew_at: datetime | None = None
    expires: datetime | None = None
    denied: str = ""
    """Why there will never be another."""
    problem: str = ""
    request: str = ""
    """The name of the request that waits for its answer, made with ``key``."""
    key: bytes = field(default=b"", repr=False)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    changed: set[Callable[[WantedCertificate], object]] = field(default_factory=set)


class PodCertificates:
    """All certificates of a node's pods. ``start`` renewing them; ``close`` ends that."""

    def __init__(
        self,
        client: Client,
        node: str,
        *,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        patience: float = PATIENCE,
    ) -> None:
        self._client = client
        self._node = node
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._patience = patience
        self._held: dict[WantedCertificate, _Held] = {}
        self._informer: Informer[PodCertificateRequest] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to renew."""
        self._task = asyncio.create_task(self._run(), name="pod certificates")

    async def close(self) -> None:
        """Forget all keys."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._informer is not None:
            await self._informer.close()
        self._held.clear()

    async def fetch(
        self, wanted: WantedCertificate, changed: Callable[[WantedCertificate], object]
    ) -> None:
        """Have a certificate, for ``peek``; from now on ``changed`` runs when there is another.

        Waits a moment for the signer. Raises :class:`CertificateUnavailable`.
        """
        held = self._held.setdefault(wanted, _Held())
        held.changed.add(changed)
        if held.bundle is None and not held.denied:
            try:
                await self._ask(wanted, held)
            except (StatusError, ClientFailure) as error:
                raise CertificateUnavailable(f"while requesting a certificate: {error}") from error
            try:
                async with asyncio.timeout(self._patience):
                    await held.answered.wait()
            except TimeoutError:
                pass  # It may come later; whether there is one is told below.
        self.peek(wanted)

    def peek(self, wanted: WantedCertificate) -> Bundle:
        """Key and certificates. Raises :class:`CertificateUnavailable` when there are none."""
        held = self._held.get(wanted)
        if held is not None and held.denied:
            raise CertificateUnavailable(held.denied)
        if held is None or held.bundle is None:
            raise CertificateUnavailable(_PENDING)
        if held.expires is not None and held.expires <= self._clock.now():
            raise CertificateUnavailable(
                f"certificate {wanted} expired and refresh failed: {held.problem or _PENDING}"
            )
        return held.bundle

    def forget(self, pod_uid: str) -> None:
        """The pod has ended. Harmless if it never had a certificate."""
        for wanted in [each for each in self._held if each.pod_uid == pod_uid]:
            del self._held[wanted]

    async def renew_due(self) -> None:
        """Ask for what is to be renewed now; who shows what has ended is told."""
        now = self._clock.now()
        for wanted, held in list(self._held.items()):
            if held.renew_at is None or now < held.renew_at or held.denied:
                continue
            try:
                await self._ask(wanted, held)
            except (StatusError, ClientFailure) as error:
                held.problem = str(error)
                _log.warning("certificate %s could not be renewed: %s", wanted, error)
            if held.expires is not None and held.expires <= now:
                _tell(wanted, held)

    async def _run(self) -> None:
        while True:
            await self._sleep(LOOK_AGAIN)
            try:
                await self.renew_due()
            except Exception as error:  # noqa: BLE001 - one pod's trouble must not stop the others'
                # The type only: what broke may have been handling a key.
                _log.error("pod certificates: %s", type(error).__name__)

    async def _ask(self, wanted: WantedCertificate, held: _Held) -> None:
        """Make a key and a request, unless one waits for its answer."""
        informer = await self._following()
        async with held.lock:
            if held.request:
                return
            key, request = await self._request(wanted)
            made = await self._client.create(POD_CERTIFICATE_REQUESTS, request)
            held.key, held.request = key, made.metadata.name
            held.answered.clear()
        # The answer may have come before its name was known here.
        known = informer.get(wanted.namespace, held.request)
        if known is not None:
            self._take(wanted, held, known)

    async def _following(self) -> Informer[PodCertificateRequest]:
        """Follow this node's requests; most nodes never have any, and follow nothing."""
        if self._informer is None:
            selector = f"spec.nodeName={self._node}"
            self._informer = Informer(
                self._client, POD_CERTIFICATE_REQUESTS, field_selector=selector, sleep=self._sleep
            )
            self._informer.add_handler(self._on_request)
            self._informer.start()
        return self._informer

    async def _request(self, wanted: WantedCertificate) -> tuple[bytes, PodCertificateRequest]:
        account = await self._client.get(SERVICE_ACCOUNTS, wanted.account, wanted.namespace)
        node = await self._client.get(NODES, self._node)
        # Long keys take seconds to find, and others wait for this loop.
        made = await asyncio.to_thread(make_pod_request, wanted.key_type)
        request = request_for(wanted, made.pkcs10, account.metadata.uid, node.metadata)
        return made.key, request

    def _on_request(self, change: Change[PodCertificateRequest]) -> None:
        meta = change.obj.metadata
        for wanted, held in list(self._held.items()):
            if (wanted.namespace, held.request) != (meta.namespace, meta.name):
                continue
            if change.type == "deleted":
                # Nobody answers it any more: the next look asks anew.
                held.request, held.key = "", b""
            else:
                self._take(wanted, held, change.obj)

    def _take(self, wanted: WantedCertificate, held: _Held, request: PodCertificateRequest) -> None:
        """The answer, if it is one."""
        outcome = request.outcome()
        if outcome is None or held.request != request.metadata.name:
            return
        key, held.request, held.key = held.key, "", b""
        if outcome.type == ISSUED:
            status = request.status
            held.bundle = Bundle(key, _cleaned(status.certificateChain))
            held.renew_at = parse_time(status.beginRefreshAt) + _MOST_JITTER * self._jitter()
            held.expires = parse_time(status.notAfter)
            held.problem = ""
        else:
            held.denied = (
                f"PodCertificateRequest was permanently {outcome.type.lower()}: "
                f"reason={quote(outcome.reason)} message={quote(outcome.message)}"
            )
            _log.warning("certificate %s: %s", wanted, held.denied)
        held.answered.set()
        _tell(wanted, held)


def _tell(wanted: WantedCertificate, held: _Held) -> None:
    for changed in list(held.changed):
        changed(wanted)


def _cleaned(chain: str) -> bytes:
    """The certificates alone: what stands between them, or in headers, is not for pods."""
    blocks = pem.blocks(chain.encode())
    return b"".join(pem.armored(block.type, block.content) for block in blocks)
