"""Signers of people's own against a real server: Secrets that are filled and renewed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from cryptography import x509

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.events import EventRecorder
from strongroom.controllers.certificates.following import requests
from strongroom.controllers.certificates.issuer import LONGEST_TEXT, CertificateIssuer
from strongroom.controllers.certificates.secret_authorities import (
    SecretAuthorities,
    certificate_secrets,
)
from strongroom.controllers.certificates.signer import Signer
from strongroom.resources.certificatesigningrequest import CERTIFICATE_SIGNING_REQUESTS as CSRS
from strongroom.resources.secret import SECRETS, Secret
from strongroom.testing.clock import ManualClock
from tests.controllers.certificates.making import asking, authority, pkcs10
from tests.controllers.conftest import World, at_work, world_of
from tests.server.conftest import running
from tests.waiting import until

SIGNER = "example.com/mesh"


@asynccontextmanager
async def at_mesh(directory: Path) -> AsyncIterator[World]:
    """A server with the two controllers at work; the world's clock is theirs."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(directory))
        data = directory / "data"
        world = await stack.enter_async_context(world_of(data / "admin.kubeconfig"))
        manager = Client(load_config(data / "pki" / "controller-manager.kubeconfig"))
        await stack.enter_async_context(manager)
        clock: ManualClock = world.clock
        events = EventRecorder(manager, component="certificate-issuer", clock=clock)
        events.start()
        stack.push_async_callback(events.close)
        secrets = certificate_secrets(manager)
        authorities = SecretAuthorities(secrets)
        custom = Signer("csrsigning-custom", manager, requests(manager), authorities, clock)
        issuer = CertificateIssuer(manager, secrets, authorities, events, clock)
        for controller in (custom, issuer):
            await stack.enter_async_context(at_work(controller))
        yield world


def labelled(name: str, kind: str, **annotations: str) -> Secret:
    made = Secret(data={"tls.crt": b"", "tls.key": b""})
    made.type = "kubernetes.io/tls"
    made.metadata.name = name
    made.metadata.labels = {"strongroom.io/certificate": kind}
    made.metadata.annotations = {
        f"strongroom.io/{key.replace('_', '-')}": text for key, text in annotations.items()
    }
    return made


def mesh(name: str = "mesh", *, number: int = 9) -> Secret:
    """The Secret that makes the signer."""
    made = labelled(name, "authority", signer=SIGNER, namespaces="default")
    certificate, key = authority(name, number=number)
    made.data = {"tls.crt": certificate, "tls.key": key}
    return made


async def filled(world: World, name: str, other_than: bytes = b"") -> bytes:
    """The certificate of a Secret once it is there, and is another one."""
    found = await until(
        lambda: world.client.get(SECRETS, name, "default"),
        lambda secret: secret.data["tls.crt"] not in (b"", other_than),
    )
    return found.data["tls.crt"]


async def test_secrets_are_filled_and_renewed(tmp_path: Path) -> None:
    async with at_mesh(tmp_path) as world:
        client = world.client
        wanted = labelled("web", "issued", signer=SIGNER, dns_names="web.default.svc")
        await client.create(SECRETS, wanted, "default")
        [(_, reason, text)] = await world.told("web")
        assert (reason, text) == (
            "CertificateNotIssued",
            f"there is no authority for signer {SIGNER}",
        )
        # However long what somebody writes is, little of it is told.
        await client.create(SECRETS, labelled("long", "issued", signer="s" * 5000), "default")
        [(_, _, text)] = await world.told("long")
        assert len(text) == LONGEST_TEXT + 1
        # One in another namespace is nobody's authority, and would be older.
        await client.create(SECRETS, mesh(number=8), "default")
        await client.create(SECRETS, mesh(), "kube-system")
        first = await filled(world, "web")
        x509.load_pem_x509_certificate(first).verify_directly_issued_by(
            x509.load_pem_x509_certificate(mesh().data["tls.crt"])
        )
        world.clock.advance(61 * 86400)
        # Any change makes it look at the clock.
        note = {"metadata": {"annotations": {"looked": "at"}}}
        await client.patch(SECRETS, "web", "default", note)
        second = await filled(world, "web", first)
        await client.delete(SECRETS, "mesh", "kube-system")
        await client.create(SECRETS, mesh("new", number=7), "kube-system")
        third = await filled(world, "web", second)
        assert "CN=new" in x509.load_pem_x509_certificate(third).issuer.rfc4514_string()


async def test_approved_requests_are_signed_when_there_is_an_authority(tmp_path: Path) -> None:
    async with at_mesh(tmp_path) as world:
        client = world.client
        request = asking(pkcs10("db", (), ["db.default.svc"]), SIGNER, ("server auth",))
        await client.create(CSRS, request)
        approved = {"status": {"conditions": [{"type": "Approved", "status": "True"}]}}
        await client.patch(CSRS, "wanted", "", approved, subresource="approval")
        await client.create(SECRETS, mesh(), "kube-system")
        found = await until(
            lambda: client.get(CSRS, "wanted"), lambda request: request.status.certificate
        )
        certificate = x509.load_pem_x509_certificate(found.status.certificate)
        assert certificate.issuer.rfc4514_string() == "CN=mesh"
