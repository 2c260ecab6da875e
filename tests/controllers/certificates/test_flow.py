"""From the request to the certificate, against a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from strongroom.api.clock import SystemClock
from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.controllers.certificates.approver import Approver
from strongroom.controllers.certificates.cleaner import Cleaner, is_past
from strongroom.controllers.certificates.following import requests
from strongroom.controllers.certificates.options import Signing
from strongroom.controllers.certificates.podcleaner import KEPT, PodCleaner
from strongroom.controllers.certificates.podsigner import pod_requests
from strongroom.controllers.certificates.signer import ClusterAuthority, Signer
from strongroom.resources.certificatesigningrequest import CERTIFICATE_SIGNING_REQUESTS as CSRS
from strongroom.resources.certificatesigningrequest_object import CertificateSigningRequest
from strongroom.resources.podcertificaterequest import POD_CERTIFICATE_REQUESTS as PCRS
from strongroom.testing.clock import ManualClock
from tests.controllers.certificates.making import (
    NODE_USAGES,
    SERVING_USAGES,
    asking,
    node_pkcs10,
    pkcs10,
)
from tests.controllers.certificates.podrequests import wanting
from tests.controllers.conftest import at_work, world_of
from tests.server.conftest import running
from tests.waiting import gone, until

NODE_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"


@dataclass(slots=True)
class Room:
    """A server with the controllers of certificates at work, and clients to it."""

    data: Path
    admin: Client
    node: Client
    """As the node n1."""

    async def until(self, name: str, type_: str) -> CertificateSigningRequest:
        """The request once it has such a condition."""
        return await until(lambda: self.admin.get(CSRS, name), lambda it: it.condition(type_))

    async def issued(self, name: str) -> x509.Certificate:
        found = await until(lambda: self.admin.get(CSRS, name), lambda it: it.status.certificate)
        return x509.load_pem_x509_certificate(found.status.certificate)

    async def decide(self, name: str, type_: str) -> CertificateSigningRequest:
        """Approve or deny as the admin."""
        conditions = [{"type": type_, "status": "True", "reason": "Test"}]
        body = {"status": {"conditions": conditions}}
        return await self.admin.patch(CSRS, name, "", body, subresource="approval")


@asynccontextmanager
async def at_room(directory: Path) -> AsyncIterator[Room]:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(directory))
        data = directory / "data"
        admin = (await stack.enter_async_context(world_of(data / "admin.kubeconfig"))).client
        pki = data / "pki"
        manager = Client(load_config(pki / "controller-manager.kubeconfig"))
        node = Client(load_config(pki / "node.kubeconfig"))
        for client in (manager, node):
            await stack.enter_async_context(client)
        asked, clock = requests(manager), SystemClock()
        authority = ClusterAuthority(Signing(pki / "ca.crt", pki / "ca.key", timedelta(days=30)))
        for controller in (
            Approver(manager, asked, {"kubernetes", "localhost"}),
            Signer("csrsigning", manager, asked, authority, clock),
            Cleaner(manager, asked, clock),
        ):
            await stack.enter_async_context(at_work(controller))
        yield Room(data, admin, node)


async def test_what_nodes_ask_for_is_approved_and_signed(tmp_path: Path) -> None:
    async with at_room(tmp_path) as room:
        await room.node.create(
            CSRS, asking(node_pkcs10("n1"), NODE_CLIENT, NODE_USAGES, name="own")
        )
        for name, names in (
            ("serving", ["n1"]),
            ("other-name", ["n2"]),
            ("address", ["n1", "127.0.0.1"]),
        ):
            request = asking(node_pkcs10("n1", names), SERVING, SERVING_USAGES, name=name)
            await room.node.create(CSRS, request)
        # Somebody else's node: that is for who bootstraps.
        await room.node.create(
            CSRS, asking(node_pkcs10("n2"), NODE_CLIENT, NODE_USAGES, name="other")
        )
        certificate = await room.issued("own")
        authority = x509.load_pem_x509_certificate((room.data / "pki" / "ca.crt").read_bytes())
        certificate.verify_directly_issued_by(authority)
        assert certificate.subject.rfc4514_string() == "CN=system:node:n1,O=system:nodes"
        own = await room.admin.get(CSRS, "own")
        assert own.spec.username == "system:node:n1"
        assert "system:nodes" in own.spec.groups
        [condition] = own.status.conditions
        assert condition.reason == "AutoApproved"
        assert condition.lastUpdateTime
        assert condition.lastTransitionTime
        await room.issued("serving")
        # A request that comes later is decided upon later: the others have been looked at.
        await room.node.create(
            CSRS, asking(node_pkcs10("n1"), NODE_CLIENT, NODE_USAGES, name="last")
        )
        await room.issued("last")
        for name in ("other-name", "address", "other"):
            assert not (await room.admin.get(CSRS, name)).status.conditions


async def test_people_decide_and_signers_refuse(tmp_path: Path) -> None:
    async with at_room(tmp_path) as room:
        for name, usages in (
            ("good", NODE_USAGES),
            ("bad", SERVING_USAGES),
            ("denied", NODE_USAGES),
        ):
            await room.admin.create(CSRS, asking(pkcs10(), usages=usages, name=name))
        await room.decide("denied", "Denied")
        await room.decide("bad", "Approved")
        await room.decide("good", "Approved")
        failed = await room.until("bad", "Failed")
        said = {c.type: c for c in failed.status.conditions}["Failed"]
        assert said.reason == "SignerValidationFailure"
        assert said.message == "invalid usage for client certificate: server auth"
        certificate = await room.issued("good")
        left = certificate.not_valid_after_utc - datetime.now(UTC)
        assert timedelta(days=29) < left < timedelta(days=30)
        assert not (await room.admin.get(CSRS, "denied")).status.certificate
        for name, type_, text in (
            ("denied", "Approved", "Approved and Denied conditions are mutually exclusive"),
            ("good", "Other", 'updates may not remove a condition of type "Approved"'),
        ):
            with pytest.raises(StatusError, match=text):
                await room.admin.patch(
                    CSRS,
                    name,
                    "",
                    {"status": {"conditions": _conditions(name, type_)}},
                    subresource="approval",
                )


def _conditions(name: str, type_: str) -> list[dict[str, Any]]:
    kept = [{"type": "Denied", "status": "True"}] if name == "denied" else []
    return [*kept, {"type": type_, "status": "True"}]


async def test_rights_on_signers_are_asked_for(tmp_path: Path) -> None:
    async with at_room(tmp_path) as room:
        with pytest.raises(StatusError, match="system:masters group is not allowed"):
            await room.admin.create(CSRS, asking(pkcs10("ann", ("system:masters",))))
        await room.admin.create(CSRS, asking(pkcs10(), "example.com/other", name="custom"))
        await room.decide("custom", "Approved")
        body = {"status": {"certificate": "QUJD"}}
        with pytest.raises(StatusError) as refused:
            await room.node.patch(CSRS, "custom", "", body, subresource="status")
        assert refused.value.code == 403
        with pytest.raises(StatusError, match="must contain at least one CERTIFICATE PEM block"):
            await room.admin.patch(CSRS, "custom", "", body, subresource="status")
        found = await room.admin.list(CSRS, field_selector="spec.signerName=example.com/other")
        assert [each.metadata.name for each in found.items] == ["custom"]
        await judged_for_pods(room)


async def judged_for_pods(room: Room) -> None:
    """The way of a pod's request: the admin asks as anybody's node, nodes as themselves only."""
    wanted = wanting(maxExpirationSeconds=None)
    wanted.metadata.namespace = "default"
    await room.admin.create(PCRS, wanted)
    with pytest.raises(StatusError, match="inconsistent with the running node"):
        await room.node.create(PCRS, wanted)
    with pytest.raises(StatusError, match="can only list/watch podcertificaterequests with"):
        await room.node.list(PCRS, "default")
    issued = {"type": "Issued", "status": "True", "reason": "Test"}
    body: dict[str, Any] = {"status": {"conditions": [issued], "certificateChain": "x"}}
    with pytest.raises(StatusError, match="nodes may not access the status subresource"):
        await room.node.patch(PCRS, "wanted", "default", body, subresource="status")
    with pytest.raises(StatusError, match="must contain at least one certificate"):
        await room.admin.patch(PCRS, "wanted", "default", body, subresource="status")
    body = {"status": {"conditions": [{**issued, "type": "Denied"}]}}
    denied = await room.admin.patch(PCRS, "wanted", "default", body, subresource="status")
    assert denied.spec.maxExpirationSeconds == 86400
    later = ManualClock(datetime.now(UTC) + KEPT)
    manager = Client(load_config(room.data / "pki" / "controller-manager.kubeconfig"))
    async with manager, at_work(PodCleaner(manager, pod_requests(manager), later)):
        await gone(lambda: room.admin.get(PCRS, "wanted", "default"))


async def test_old_requests_go(tmp_path: Path) -> None:
    async with at_room(tmp_path) as room:
        made = await room.admin.create(CSRS, asking(pkcs10(), "example.com/other", name="old"))
        kept = await room.admin.create(CSRS, asking(pkcs10(), "example.com/other", name="kept"))
        manager = Client(load_config(room.data / "pki" / "controller-manager.kubeconfig"))
        now = datetime.now(UTC)
        assert not is_past(made, now + timedelta(hours=23))
        assert is_past(made, now + timedelta(hours=25))
        old = {"type": "Denied", "status": "True", "lastUpdateTime": "2020-01-01T00:00:00Z"}
        body = {"status": {"conditions": [old]}}
        await room.admin.patch(CSRS, "old", "", body, subresource="approval")
        async with manager, at_work(Cleaner(manager, requests(manager), SystemClock())):
            await gone(lambda: room.admin.get(CSRS, "old"))
        again = await room.admin.get(CSRS, "kept")
        assert again.metadata.uid == kept.metadata.uid
