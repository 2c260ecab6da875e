"""Signs approved requests: Kubernetes' signers with the cluster's authority, others with theirs.

Source: ``pkg/controller/certificates/signer``.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Protocol

from strongroom.api.clock import Clock
from strongroom.api.times import format_time
from strongroom.client.client import Client
from strongroom.client.informer import Change
from strongroom.client.queue import WorkQueue
from strongroom.controllers.certificates.authority import (
    Authority,
    UnusableAuthority,
    life,
    load,
)
from strongroom.controllers.certificates.following import Requests
from strongroom.controllers.certificates.options import Signing
from strongroom.controllers.certificates.requests import PROBLEMS, Asked, InvalidRequest, read
from strongroom.controllers.controller import Again, Key
from strongroom.resources.certificatesigningrequest import CERTIFICATE_SIGNING_REQUESTS
from strongroom.resources.certificatesigningrequest_object import (
    APPROVED,
    DENIED,
    FAILED,
    CertificateSigningRequest,
    CertificateSigningRequestCondition,
)

_log = logging.getLogger("strongroom.controllers")


class Authorities(Protocol):
    """Whose authority signs for a signer. ``start`` it before anything is asked of it."""

    async def start(self, changed: Callable[[str], None]) -> None:
        """Call ``changed`` with the name of a signer whenever it may have got another authority."""
        ...

    async def close(self) -> None: ...

    def of(self, signer: str) -> tuple[Authority, timedelta] | None:
        """The authority of a signer and the longest life of what it signs; None for a signer that
        is somebody else's affair. Raises UnusableAuthority."""
        ...


class ClusterAuthority:
    """The cluster's own authority, read anew when its files change."""

    def __init__(self, signing: Signing) -> None:
        self._signing = signing
        self._read: tuple[bytes, bytes] = b"", b""
        self._loaded: Authority | None = None

    async def start(self, changed: Callable[[str], None]) -> None:
        """Requests that cannot be signed are tried again, and the files looked at with them."""

    async def close(self) -> None:
        """Nothing is open."""

    def of(self, signer: str) -> tuple[Authority, timedelta] | None:
        certificate, key = self._signing.cert_file, self._signing.key_file
        if signer not in PROBLEMS or certificate is None or key is None:
            return None
        try:
            found = certificate.read_bytes(), key.read_bytes()
        except OSError as error:
            raise UnusableAuthority(f"{error.filename}: {error.strerror}") from error
        if self._loaded is None or found != self._read:
            self._loaded, self._read = load(*found), found
        return self._loaded, self._signing.duration


class Signer:
    """Keys are requests that are approved and have neither certificate nor failure."""

    workers = 2

    def __init__(
        self, name: str, client: Client, requests: Requests, authorities: Authorities, clock: Clock
    ) -> None:
        self.name = name
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.2, limit=1000.0)
        self._client = client
        self._requests = requests
        self._authorities = authorities
        self._clock = clock

    async def start(self) -> None:
        await self._authorities.start(self._on_authority)
        self._requests.informer.add_handler(self._on_request)
        await self._requests.start()

    async def close(self) -> None:
        await self._authorities.close()
        await self._requests.close()

    def _on_authority(self, signer: str) -> None:
        for request in self._requests.informer.items():
            if request.spec.signerName == signer and to_sign(request):
                self.queue.add(("", request.metadata.name))

    def _on_request(self, change: Change[CertificateSigningRequest]) -> None:
        if change.type != "deleted" and to_sign(change.obj):
            self.queue.add(("", change.obj.metadata.name))

    async def reconcile(self, key: Key) -> None:
        request = self._requests.informer.get(*key)
        if request is None or not to_sign(request):
            return
        spec = request.spec
        try:
            found = self._authorities.of(spec.signerName)
            if found is None:
                return
            signed = copy.deepcopy(request)
            self._fill(signed, *found)
        except UnusableAuthority as error:
            _log.error("%s: cannot sign for %s: %s", self.name, spec.signerName, error)
            raise Again from error
        await self._client.update(CERTIFICATE_SIGNING_REQUESTS, signed, subresource="status")

    def _fill(
        self, request: CertificateSigningRequest, authority: Authority, longest: timedelta
    ) -> None:
        """Put the certificate into the request, or why there can be none."""
        spec, now = request.spec, self._clock.now()
        try:
            asked = read(spec.request)
            problem = PROBLEMS.get(spec.signerName, _anything)(asked, spec.usages)
            if problem:
                raise InvalidRequest(problem)
            wanted = life(spec.expirationSeconds, longest)
            certificate = authority.sign(asked, spec.usages, wanted, now)
        except InvalidRequest as error:
            request.status.conditions.append(
                CertificateSigningRequestCondition(
                    type=FAILED,
                    status="True",
                    reason="SignerValidationFailure",
                    message=str(error),
                    lastUpdateTime=format_time(now),
                )
            )
            return
        request.status.certificate = certificate + authority.above()


def _anything(asked: Asked, usages: Collection[str]) -> str:
    """What signers of others demand is what their approvers look for."""
    return ""


def to_sign(request: CertificateSigningRequest) -> bool:
    """Whether a request waits for its signer."""
    if request.status.certificate or request.condition(FAILED):
        return False
    return request.condition(APPROVED) and not request.condition(DENIED)
