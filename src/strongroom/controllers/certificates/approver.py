"""Approves what nodes ask for themselves; everything else waits for somebody to decide.

A client certificate of a node is approved for whoever may ``create`` the made-up subresource
``selfnodeclient`` (the node itself, renewing) or ``nodeclient`` (who bootstraps), which is asked by
SubjectAccessReview: ``pkg/controller/certificates/approver``. A serving certificate upstream leaves
to the administrator; what is approved here is in docs/decisions/0092-certificates.md.
"""

from __future__ import annotations

import copy
import json
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from cryptography import x509

from strongroom.api.validation import dns_subdomain
from strongroom.client.client import Client
from strongroom.client.informer import Change
from strongroom.client.queue import WorkQueue
from strongroom.controllers.certificates.following import Requests
from strongroom.controllers.certificates.requests import (
    NODE_PREFIX,
    NODES,
    Asked,
    InvalidRequest,
    kubelet_client_problem,
    kubelet_serving_problem,
    read,
)
from strongroom.controllers.controller import Key
from strongroom.resources.certificatesigningrequest import CERTIFICATE_SIGNING_REQUESTS
from strongroom.resources.certificatesigningrequest_object import (
    APPROVED,
    DENIED,
    CertificateSigningRequest,
    CertificateSigningRequestCondition,
    CertificateSigningRequestSpec,
)
from strongroom.resources.signer_names import KUBELET_CLIENT, KUBELET_SERVING

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

_SELF = "Auto approving self kubelet client certificate after SubjectAccessReview."
_NODE = "Auto approving kubelet client certificate after SubjectAccessReview."
_SERVING = "Auto approving kubelet serving certificate for the node's own name."


class Approver:
    """Keys are requests. ``taken`` are names that no node may serve under: the API server's."""

    name = "csrapproving"
    workers = 2

    def __init__(self, client: Client, requests: Requests, taken: Collection[str]) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.2, limit=1000.0)
        self._client = client
        self._requests = requests
        self._taken = frozenset(name.lower() for name in taken)

    async def start(self) -> None:
        self._requests.informer.add_handler(self._on_request)
        await self._requests.start()

    async def close(self) -> None:
        await self._requests.close()

    def _on_request(self, change: Change[CertificateSigningRequest]) -> None:
        if change.type != "deleted" and _undecided(change.obj):
            self.queue.add(("", change.obj.metadata.name))

    async def reconcile(self, key: Key) -> None:
        request = self._requests.informer.get(*key)
        if request is None or not _undecided(request):
            return
        try:
            asked = read(request.spec.request)
        except InvalidRequest:
            return
        message = await self._reason(request.spec, asked)
        if message:
            await self._approve(request, message)

    async def _reason(self, spec: CertificateSigningRequestSpec, asked: Asked) -> str:
        """Why it is approved; empty when it is not."""
        if spec.signerName == KUBELET_SERVING:
            return _SERVING if self._serves_itself(spec, asked) else ""
        if spec.signerName != KUBELET_CLIENT or kubelet_client_problem(asked, spec.usages):
            return ""
        if spec.username == asked.common_name and await self._may(spec, "selfnodeclient"):
            return _SELF
        return _NODE if await self._may(spec, "nodeclient") else ""

    def _serves_itself(self, spec: CertificateSigningRequestSpec, asked: Asked) -> bool:
        """Whether a node asks for its own name and nothing else."""
        if NODES not in spec.groups or spec.username != asked.common_name:
            return False
        if kubelet_serving_problem(asked, spec.usages):
            return False
        name = asked.common_name.removeprefix(NODE_PREFIX)
        return list(asked.names) == [x509.DNSName(name)] and self._may_serve(name)

    def _may_serve(self, name: str) -> bool:
        """Whether it is a node's name, and neither the API server's nor a service's.

        Whoever bootstraps says what his node is called. Letters that are not small, a dot at the
        end or a star are no part of a node's name, but clients that look for a server do not tell
        them apart.
        """
        within = name.split(".")[1:]
        return not dns_subdomain(name) and name not in self._taken and "svc" not in within

    async def _may(self, spec: CertificateSigningRequestSpec, subresource: str) -> bool:
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": spec.username,
                "uid": spec.uid,
                "groups": spec.groups,
                "extra": spec.extra,
                "resourceAttributes": {
                    "group": CERTIFICATE_SIGNING_REQUESTS.group,
                    "resource": CERTIFICATE_SIGNING_REQUESTS.plural,
                    "subresource": subresource,
                    "verb": "create",
                },
            },
        }
        answer = await self._client.request("POST", REVIEWS, body=json.dumps(body).encode())
        return json.loads(answer.body).get("status", {}).get("allowed") is True

    async def _approve(self, request: CertificateSigningRequest, message: str) -> None:
        approved = copy.deepcopy(request)
        approved.status.conditions.append(
            CertificateSigningRequestCondition(
                type=APPROVED, status="True", reason="AutoApproved", message=message
            )
        )
        await self._client.update(CERTIFICATE_SIGNING_REQUESTS, approved, subresource="approval")


def names_of(server: str) -> set[str]:
    """The names under which clients may look for the API server at this URL: with a certificate
    for one of them, which the same authority signs, a node could pretend to be it."""
    local = {"localhost", socket.gethostname().lower(), (urlsplit(server).hostname or "").lower()}
    service = "kubernetes"
    for part in ("", ".default", ".svc", ".cluster.local"):
        service += part
        local.add(service)
    return local


def _undecided(request: CertificateSigningRequest) -> bool:
    decided = {c.type for c in request.status.conditions} & {APPROVED, DENIED}
    return not decided and not request.status.certificate
