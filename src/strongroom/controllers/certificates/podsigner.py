"""Signs what nodes ask for their pods, with the authorities of people's own signers.

Such a certificate says who the pod is: its service account, as a SPIFFE ID. Nothing of the request
but its key gets into it. Names for servers are what the pod's author asks for by annotation, under
the same rules as a Secret's (docs/certificates.md). That the node speaks for the pod, and in its
author's words, the API server has judged. Kubernetes' own signer for pods is not there yet, neither
here nor upstream.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography import x509

from strongroom.api.clock import Clock
from strongroom.api.meta import Condition
from strongroom.api.times import format_time
from strongroom.client.client import Client
from strongroom.client.informer import Change, Informer
from strongroom.client.queue import WorkQueue
from strongroom.controllers.certificates.authority import Leaf, UnusableAuthority
from strongroom.controllers.certificates.following import Shared
from strongroom.controllers.certificates.issuing import (
    RENEW_AT,
    USAGES,
    NotIssued,
    check_names,
    check_namespace,
)
from strongroom.controllers.certificates.requests import InvalidRequest
from strongroom.controllers.certificates.secret_authorities import (
    SecretAuthorities,
    SecretAuthority,
)
from strongroom.controllers.controller import Again, Key
from strongroom.resources import strongroom_annotations as own
from strongroom.resources.podcertificaterequest import POD_CERTIFICATE_REQUESTS
from strongroom.resources.podcertificaterequest_object import (
    DENIED,
    INVALID_ANNOTATIONS,
    ISSUED,
    PodCertificateRequest,
)

BACKDATE = timedelta(minutes=2)
"""For clocks that are behind; the API server takes less than five minutes."""
SHORTEST = timedelta(hours=1)
"""The API server takes no shorter certificates for pods."""
TRUST_DOMAIN = "cluster.local"

PodRequests = Shared[PodCertificateRequest]


def pod_requests(client: Client) -> PodRequests:
    """Follows what all nodes ask for their pods."""
    return Shared(Informer(client, POD_CERTIFICATE_REQUESTS))


class Refusal(Exception):
    """The pod does not get a certificate; both texts are for its author."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class PodSigner:
    """Keys are requests without an outcome."""

    name = "podcertificate-signing"
    workers = 2

    def __init__(
        self, client: Client, requests: PodRequests, authorities: SecretAuthorities, clock: Clock
    ) -> None:
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
            if request.spec.signerName == signer:
                self._ask(request)

    def _on_request(self, change: Change[PodCertificateRequest]) -> None:
        if change.type != "deleted":
            self._ask(change.obj)

    def _ask(self, request: PodCertificateRequest) -> None:
        if request.outcome() is None:
            self.queue.add((request.metadata.namespace, request.metadata.name))

    async def reconcile(self, key: Key) -> None:
        request = self._requests.informer.get(*key)
        if request is None or request.outcome() is not None:
            return
        try:
            source = self._authorities.find(request.spec.signerName)
            if source is None:
                return
            answered = copy.deepcopy(request)
            _answer(answered, source, self._clock.now())
        except UnusableAuthority as error:
            raise Again from error
        await self._client.update(POD_CERTIFICATE_REQUESTS, answered, subresource="status")


def _answer(request: PodCertificateRequest, source: SecretAuthority, now: datetime) -> None:
    """Put the certificate into the request, or why there is none. Raises UnusableAuthority."""
    status = request.status
    try:
        leaf = leaf_for(request, source, now)
        csr = x509.load_der_x509_csr(request.spec.stubPKCS10Request)
        certificate = source.authority.issue(csr, leaf)
    except Refusal as refusal:
        status.conditions = [_condition(DENIED, refusal.reason, str(refusal), now)]
        return
    except (InvalidRequest, ValueError):
        status.conditions = [_condition(DENIED, "UnsupportedKeyType", "unreadable request", now)]
        return
    status.conditions = [_condition(ISSUED, "Issued", "Issued by strongroom", now)]
    status.certificateChain = (certificate + source.authority.above()).decode()
    status.notBefore, status.notAfter = format_time(leaf.begin), format_time(leaf.end)
    status.beginRefreshAt = format_time(leaf.begin + (leaf.end - leaf.begin) * RENEW_AT)


def leaf_for(request: PodCertificateRequest, source: SecretAuthority, now: datetime) -> Leaf:
    """What the pod's certificate is to say. Raises Refusal, UnusableAuthority."""
    spec, namespace = request.spec, request.metadata.namespace
    names = _names(spec.unverifiedUserAnnotations)
    try:
        check_namespace(namespace, source)
        check_names(names, namespace, source)
    except NotIssued as error:
        raise Refusal("NotAllowed", str(error)) from error
    begin = (now - BACKDATE).replace(microsecond=0)
    life = min(timedelta(seconds=spec.maxExpirationSeconds or 0), source.longest)
    end = min(begin + life, source.authority.end(now))
    if end - begin < SHORTEST:
        text = "its authority gives certificates of less than an hour, which pods cannot have"
        raise Refusal("TooShort", text)
    identity = f"spiffe://{TRUST_DOMAIN}/ns/{namespace}/sa/{spec.serviceAccountName}"
    said = [x509.UniformResourceIdentifier(identity), *map(x509.DNSName, names)]
    return Leaf(x509.Name([]), said, USAGES, begin, end)


def _names(annotations: dict[str, str]) -> list[str]:
    """The names that the pod's author asks for; signers deny what they do not know."""
    unknown = sorted(annotations.keys() - {own.DNS_NAMES})
    if unknown:
        known = f"this signer knows {own.DNS_NAMES} alone, not {', '.join(unknown)}"
        raise Refusal(INVALID_ANNOTATIONS, known)
    words: Iterable[str] = annotations.get(own.DNS_NAMES, "").split(",")
    return sorted({word.strip() for word in words} - {""})


def _condition(type_: str, reason: str, message: str, now: datetime) -> Condition:
    return Condition(
        type=type_,
        status="True",
        reason=reason,
        message=message,
        lastTransitionTime=format_time(now),
    )
