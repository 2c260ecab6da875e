"""Asking the API server for a certificate, as the kubelet does: request, wait, take it."""

from __future__ import annotations

from contextlib import aclosing

from strongroom.api import codec
from strongroom.client.client import Client
from strongroom.client.errors import ClientFailure
from strongroom.resources.certificatesigningrequest import CERTIFICATE_SIGNING_REQUESTS
from strongroom.resources.certificatesigningrequest_object import (
    DENIED,
    FAILED,
    CertificateSigningRequest,
)
from strongroom.resources.signer_names import KUBELET_CLIENT, KUBELET_SERVING

USAGES = {
    KUBELET_CLIENT: ("digital signature", "client auth"),
    KUBELET_SERVING: ("digital signature", "server auth"),
}
"""What a node's certificates are for: its keys are elliptic, which encipher no other keys."""

_WATCH_SECONDS = 60


class Refused(Exception):
    """Somebody denied the request, or its signer cannot give what it asks for."""


async def obtain(client: Client, signer: str, pkcs10: bytes) -> bytes:
    """The certificate for a request, in PEM, once it is approved and signed, however long it takes.

    Raises Refused, StatusError when it cannot be asked for, ClientFailure when the server is away.
    """
    tree = {"metadata": {"generateName": "csr-"}}
    request = codec.from_tree(tree, CertificateSigningRequest)
    request.spec.request, request.spec.signerName = pkcs10, signer
    request.spec.usages = list(USAGES[signer])
    made = await client.create(CERTIFICATE_SIGNING_REQUESTS, request)
    while True:
        if found := await _await(client, made):
            return found


async def _await(client: Client, made: CertificateSigningRequest) -> bytes:
    """The certificate; empty when the watch ended before it was there."""
    name = made.metadata.name
    request = await client.get(CERTIFICATE_SIGNING_REQUESTS, name)
    if found := _outcome(request):
        return found
    watch = client.watch(
        CERTIFICATE_SIGNING_REQUESTS,
        resource_version=request.metadata.resourceVersion,
        field_selector=f"metadata.name={name}",
        timeout_seconds=_WATCH_SECONDS,
    )
    try:
        async with aclosing(watch) as events:
            async for event in events:
                if event.type == "DELETED":
                    raise Refused(f"the request {name} was deleted before it was decided on")
                if event.obj is not None and (found := _outcome(event.obj)):
                    return found
    except ClientFailure:
        # A broken watch is one that ended: what became of the request is asked for anew.
        return b""
    return b""


def _outcome(request: CertificateSigningRequest) -> bytes:
    for condition in request.status.conditions:
        if condition.type in (DENIED, FAILED):
            why = condition.message or condition.reason or "no reason was given"
            name = request.metadata.name
            raise Refused(f"the request {name} is {condition.type.lower()}: {why}")
    return request.status.certificate
