"""A node's certificates: what is kept, what is believed, and when they are renewed."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from strongroom.api.clock import SystemClock
from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.tls import load_pair
from strongroom.controllers.certificates.authority import load
from strongroom.controllers.certificates.requests import read
from strongroom.node.certificates import BadCertificate
from strongroom.node.identity import Identity
from strongroom.node.requesting import Refused, obtain
from strongroom.node.rotation import Rotation
from strongroom.resources.certificatesigningrequest import CERTIFICATE_SIGNING_REQUESTS as CSRS
from strongroom.resources.certificatesigningrequest_object import (
    CertificateSigningRequest,
    CertificateSigningRequestCondition,
)
from strongroom.resources.signer_names import KUBELET_CLIENT, KUBELET_SERVING
from tests.controllers.certificates.making import authority
from tests.server.conftest import running
from tests.waiting import until


def store(identity: Identity, signer: str, ca: tuple[bytes, bytes], life: timedelta) -> None:
    """Give the node a certificate that lasts so long."""
    request = identity.request(signer)
    certificate = load(*ca).sign(read(request.pkcs10), ("client auth",), life, datetime.now(UTC))
    identity.store(signer, certificate, request.key)


def test_what_is_kept_is_private_and_believed_only_if_it_fits(tmp_path: Path) -> None:
    identity, ca, now = Identity(tmp_path, "n1"), authority(), datetime.now(UTC)
    assert not identity.holds(KUBELET_CLIENT, now)
    store(identity, KUBELET_CLIENT, ca, timedelta(hours=1))
    file = identity.file(KUBELET_CLIENT)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert identity.holds(KUBELET_CLIENT, now)
    assert not identity.holds(KUBELET_CLIENT, now + timedelta(hours=2))
    assert not Identity(tmp_path, "n2").holds(KUBELET_CLIENT, now)
    other = identity.request(KUBELET_CLIENT)
    with pytest.raises(BadCertificate, match="the key is not the certificate's"):
        identity.store(KUBELET_CLIENT, file.read_bytes().partition(b"-----BEGIN PR")[0], other.key)
    file.write_bytes(b"torn")
    assert not identity.holds(KUBELET_CLIENT, now)


@asynccontextmanager
async def signing(directory: Path) -> AsyncIterator[tuple[Client, Path, asyncio.Task[None]]]:
    """A server, and somebody who approves and signs whatever comes for a year."""
    async with running(directory):
        data = directory / "data"
        async with Client(load_config(data / "admin.kubeconfig")) as admin:
            ca = load((data / "pki/ca.crt").read_bytes(), (data / "pki/ca.key").read_bytes())

            found = await admin.list(CSRS)

            async def sign() -> None:
                async for event in admin.watch(CSRS, resource_version=found.revision):
                    if event.type == "ADDED" and event.obj is not None:
                        await answer(admin, event.obj)

            async def answer(client: Client, request: CertificateSigningRequest) -> None:
                approved = CertificateSigningRequestCondition(type="Approved", status="True")
                request.status.conditions = [approved]
                request = await client.update(CSRS, request, subresource="approval")
                asked, year = read(request.spec.request), timedelta(days=365)
                request.status.certificate = ca.sign(
                    asked, request.spec.usages, year, datetime.now(UTC)
                )
                await client.update(CSRS, request, subresource="status")

            task = asyncio.create_task(sign())
            yield admin, data, task
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_certificates_are_renewed_while_the_node_runs(tmp_path: Path) -> None:
    async with signing(tmp_path) as (_, data, _):
        pki = data / "pki"
        ca = (pki / "ca.crt").read_bytes(), (pki / "ca.key").read_bytes()
        identity = Identity(tmp_path / "node", "n1")
        url = load_config(data / "admin.kubeconfig").server
        identity.point_to(url, ca[0])
        for signer in (KUBELET_CLIENT, KUBELET_SERVING):
            # It was dated back by five minutes, so that five sixths of its life are over.
            store(identity, signer, ca, timedelta(minutes=1))
        before = {s: identity.file(s).read_bytes() for s in (KUBELET_CLIENT, KUBELET_SERVING)}
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(identity.file(KUBELET_SERVING))
        config = load_config(identity.kubeconfig)
        async with Client(config) as client:
            assert (await client.list(CSRS)).items == []
            clock = SystemClock()
            rotation = Rotation(
                identity, client, serving, clock=clock, sleep=asyncio.sleep, chance=lambda: 0.0
            )
            rotation.start()

            async def renewed() -> bool:
                return all(identity.file(s).read_bytes() != before[s] for s in before)

            async def shown() -> bool:
                return client.config.client_cert == identity.file(KUBELET_CLIENT).read_bytes()

            await until(renewed, bool)
            await until(shown, bool)
            await rotation.close()
            assert len((await client.list(CSRS)).items) == 2
        for signer in before:
            pem = identity.file(signer).read_bytes()
            certificate = x509.load_pem_x509_certificate(pem)
            assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=300)
            key = load_pem_private_key(pem, None)
            assert key.public_key() == certificate.public_key()


async def test_a_denied_request_is_told(tmp_path: Path) -> None:
    async with signing(tmp_path) as (admin, _, task):
        task.cancel()
        identity = Identity(tmp_path / "node", "n1")
        asking = asyncio.create_task(
            obtain(admin, KUBELET_CLIENT, identity.request(KUBELET_CLIENT).pkcs10)
        )
        [request] = (await until(lambda: admin.list(CSRS), lambda found: found.items)).items
        denied = {"type": "Denied", "status": "True", "message": "not today"}
        body = {"status": {"conditions": [denied]}}
        await admin.patch(CSRS, request.metadata.name, "", body, subresource="approval")
        with pytest.raises(Refused, match="denied: not today"):
            await asking


def test_a_pair_that_was_stored_can_be_loaded(tmp_path: Path) -> None:
    identity = Identity(tmp_path, "n1")
    store(identity, KUBELET_CLIENT, authority(), timedelta(hours=1))
    pem = identity.file(KUBELET_CLIENT).read_bytes()
    load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pem, pem)
