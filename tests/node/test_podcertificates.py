"""Certificates of pods, from a real server and the real signer, by a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from strongroom.api import codec
from strongroom.api.clock import SystemClock
from strongroom.client.client import Client
from strongroom.controllers.certificates.podsigner import PodSigner, pod_requests
from strongroom.controllers.certificates.secret_authorities import (
    SecretAuthorities,
    certificate_secrets,
)
from strongroom.node.downward import NodeFacts
from strongroom.node.objects import ObjectCache
from strongroom.node.podcertificates import CertificateUnavailable, PodCertificates
from strongroom.node.runtimes.home import VolumeHome
from strongroom.node.tokens import Tokens
from strongroom.node.trustbundles import TrustBundles
from strongroom.node.volumes.manager import PodVolumes
from strongroom.node.volumes.payload import made_of
from strongroom.resources.clustertrustbundle import CLUSTER_TRUST_BUNDLES, ClusterTrustBundle
from strongroom.resources.node import NODES
from strongroom.resources.node_object import Node
from strongroom.resources.pod import Pod
from strongroom.resources.podcertificaterequest import POD_CERTIFICATE_REQUESTS
from strongroom.resources.podcertificaterequest_object import PodCertificateRequest
from strongroom.resources.secret import SECRETS, Secret
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS, ServiceAccount
from strongroom.testing.clock import ManualClock
from tests.controllers.certificates.making import authority
from tests.controllers.conftest import at_work
from tests.node.cluster import Cluster
from tests.node.conftest import fresh
from tests.waiting import until

NODE = "cert-node"
CA, CA_KEY = authority("mesh")
OTHER = authority("other", number=8)[0]


class Place:
    """A namespace with a signer of its own, a node, and a pod's volumes on it."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self.cluster, self.client = cluster, cluster.client
        self.signer = f"example.com/{cluster.namespace}"
        self.clock = ManualClock(datetime.now(UTC))
        self.certificates = PodCertificates(
            self.client, NODE, clock=self.clock, jitter=lambda: 0.0, patience=0.1
        )
        self.bundles = TrustBundles(self.client)
        self.home = VolumeHome(directory, rootless=True, swappable=True)
        self.told: list[str] = []

    async def volumes(self, *sources: dict[str, Any], name: str = "p") -> PodVolumes:
        """A pod with one projected volume."""
        pod: Pod = await self.cluster.pod(
            name,
            "true",
            nodeName=NODE,
            serviceAccountName="robot",
            volumes=[{"name": "v", "projected": {"sources": list(sources)}}],
        )
        return PodVolumes(
            pod,
            home=self.home,
            objects=ObjectCache(self.client),
            tokens=Tokens(self.client, clock=self.clock),
            certificates=self.certificates,
            bundles=self.bundles,
            node=NodeFacts(NODE, ("10.0.0.1",)),
            report=lambda volume, text: self.told.append(text),
        )

    def file(self, volumes: PodVolumes, path: str) -> bytes:
        return (volumes.mounted["v"].path / path).read_bytes()

    async def requests(self) -> list[PodCertificateRequest]:
        found = await self.client.list(POD_CERTIFICATE_REQUESTS, self.cluster.namespace)
        return found.items

    async def sign(self, **annotations: str) -> None:
        """Make the signer's authority."""
        secret = Secret(type="kubernetes.io/tls", data={"tls.crt": CA, "tls.key": CA_KEY})
        secret.metadata.name = self.cluster.namespace
        secret.metadata.labels = {"strongroom.io/certificate": "authority"}
        given = {"namespaces": self.cluster.namespace, **annotations, "signer": self.signer}
        secret.metadata.annotations = {f"strongroom.io/{k}": v for k, v in given.items()}
        await self.client.create(SECRETS, secret, "kube-system")


@pytest.fixture
async def place(client: Client, tmp_path: Path) -> AsyncIterator[Place]:
    cluster = await fresh(client)
    made = Place(cluster, tmp_path)
    account = codec.from_tree({"metadata": {"name": "robot"}}, ServiceAccount)
    await client.create(SERVICE_ACCOUNTS, account, cluster.namespace)
    found = await client.list(NODES, field_selector=f"metadata.name={NODE}")
    if not found.items:
        await client.create(NODES, codec.from_tree({"metadata": {"name": NODE}}, Node))
    yield made
    await made.certificates.close()
    await made.bundles.close()


@pytest.fixture
async def signer(client: Client) -> AsyncIterator[None]:
    authorities = SecretAuthorities(certificate_secrets(client))
    async with at_work(PodSigner(client, pod_requests(client), authorities, SystemClock())):
        yield


def source(place: Place, **fields: Any) -> dict[str, Any]:
    given = {"signerName": place.signer, "keyType": "ECDSAP256", "credentialBundlePath": "bundle"}
    return {"podCertificate": {**given, **fields}}


@pytest.mark.usefixtures("signer")
@pytest.mark.parametrize("key_type", ["ECDSAP256", "RSA3072", "ED25519"])
async def test_a_certificate_in_files(place: Place, key_type: str) -> None:
    await place.sign()
    names = {"strongroom.io/dns-names": f"web.{place.cluster.namespace}.svc"}
    wanted = source(
        place,
        keyType=key_type,
        keyPath="tls.key",
        certificateChainPath="tls.crt",
        userAnnotations=names,
    )
    volumes = await place.volumes(wanted)
    await until(volumes.set_up, lambda failed: not failed)
    certificate = x509.load_pem_x509_certificate(place.file(volumes, "tls.crt"))
    key = load_pem_private_key(place.file(volumes, "tls.key"), password=None)
    assert certificate.public_key() == key.public_key()
    bundle = place.file(volumes, "bundle")
    assert bundle == place.file(volumes, "tls.key") + place.file(volumes, "tls.crt")
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(CA))
    said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    identity = f"spiffe://cluster.local/ns/{place.cluster.namespace}/sa/robot"
    assert said.critical
    assert said.value.get_values_for_type(x509.UniformResourceIdentifier) == [identity]
    assert said.value.get_values_for_type(x509.DNSName) == list(names.values())
    (request,) = await place.requests()
    assert request.metadata.ownerReferences[0].name == "p"
    assert key.__class__.__name__ not in repr(vars(place.certificates))
    assert "PRIVATE KEY" not in repr(vars(place.certificates))


@pytest.mark.usefixtures("signer")
async def test_it_is_renewed_with_another_key(place: Place) -> None:
    await place.sign()
    volumes = await place.volumes(source(place, maxExpirationSeconds=3600))
    await until(volumes.set_up, lambda failed: not failed)
    first = place.file(volumes, "bundle")
    place.clock.advance(20 * 60)
    await place.certificates.renew_due()
    assert len(await place.requests()) == 1
    place.clock.advance(20 * 60)
    await place.certificates.renew_due()

    async def shown() -> bytes:
        return place.file(volumes, "bundle")

    second = await until(shown, lambda now: now != first)
    assert load_pem_private_key(second, password=None) is not None
    assert x509.load_pem_x509_certificate(second) != x509.load_pem_x509_certificate(first)
    volumes.wipe()
    place.clock.advance(3600)
    await place.certificates.renew_due()
    assert len(await place.requests()) == 2


async def test_who_waits_for_a_signer_and_what_ends(place: Place) -> None:
    """Nobody signs: the volume is not set up, and one request is made, not one for each try."""
    volumes = await place.volumes(source(place))
    for _ in range(2):
        assert await volumes.set_up() == ["v"]
    assert set(place.told) == {"credential bundle is not issued yet"}
    (request,) = await place.requests()
    # Who removes it has it asked for anew.
    await place.client.delete(
        POD_CERTIFICATE_REQUESTS, request.metadata.name, place.cluster.namespace
    )

    async def tried() -> list[PodCertificateRequest]:
        await volumes.set_up()
        return await place.requests()

    again = await until(tried, bool)
    assert again[0].metadata.uid != request.metadata.uid


@pytest.mark.usefixtures("signer")
@pytest.mark.parametrize(
    ("annotations", "why"),
    [
        ({"acme.io/x": "y"}, 'reason="InvalidUnverifiedUserAnnotations"'),
        ({"strongroom.io/dns-names": "kubernetes.default.svc"}, "is neither a service's of this"),
    ],
)
async def test_who_is_denied_is_denied_for_good(
    place: Place, annotations: dict[str, str], why: str
) -> None:
    await place.sign()
    volumes = await place.volumes(source(place, userAnnotations=annotations))
    said = "PodCertificateRequest was permanently denied: "

    async def last() -> str:
        await volumes.set_up()
        return place.told[-1]

    text = await until(last, lambda text: text.startswith(said))
    assert why in text
    place.clock.advance(86400)
    await place.certificates.renew_due()
    assert await last() == text
    assert len(await place.requests()) == 1


@pytest.mark.usefixtures("signer")
async def test_what_has_ended_is_told_and_stays(place: Place) -> None:
    await place.sign()
    volumes = await place.volumes(source(place, maxExpirationSeconds=3600))
    await until(volumes.set_up, lambda failed: not failed)
    first = place.file(volumes, "bundle")
    await place.client.delete(SECRETS, place.cluster.namespace, "kube-system")
    await place.client.delete(SERVICE_ACCOUNTS, "robot", place.cluster.namespace)
    place.clock.advance(3601)
    await place.certificates.renew_due()
    (text,) = place.told
    assert text.endswith('refresh failed: serviceaccounts "robot" not found')
    assert place.file(volumes, "bundle") == first


async def test_what_was_never_asked_for(place: Place) -> None:
    volumes = await place.volumes(source(place), name="q")
    assert volumes.mounted == {}
    place.certificates.forget("nobody")
    with pytest.raises(CertificateUnavailable, match="not issued yet"):
        place.certificates.peek(wanted_of(volumes))


def wanted_of(volumes: PodVolumes) -> Any:
    pod = volumes._pod
    (made,) = made_of(pod, pod.spec.volumes[0])
    return made.wanted


def bundle(name: str, signer: str, *texts: bytes, **labels: str) -> ClusterTrustBundle:
    made = ClusterTrustBundle()
    made.metadata.name, made.metadata.labels = name, labels
    made.spec.signerName, made.spec.trustBundle = signer, b"".join(texts).decode()
    return made


async def test_authorities_in_files(place: Place) -> None:
    signer, namespace = place.signer, place.cluster.namespace
    prefix = signer.replace("/", ":")
    await place.client.create(CLUSTER_TRUST_BUNDLES, bundle(f"{prefix}:a", signer, CA, a="b"))
    await place.client.create(CLUSTER_TRUST_BUNDLES, bundle(f"{prefix}:b", signer, OTHER))
    sources = [
        {"signerName": signer, "labelSelector": {}, "path": "all"},
        {"signerName": signer, "labelSelector": {"matchLabels": {"a": "b"}}, "path": "some"},
        {"signerName": signer, "path": "nothing", "optional": True},
        {"name": f"late-{namespace}", "path": "late", "optional": True},
    ]
    volumes = await place.volumes(*({"clusterTrustBundle": each} for each in sources))
    assert await volumes.set_up() == []
    assert len(x509.load_pem_x509_certificates(place.file(volumes, "all"))) == 2
    assert place.file(volumes, "some") == CA
    assert place.file(volumes, "nothing") == place.file(volumes, "late") == b""
    await place.client.create(CLUSTER_TRUST_BUNDLES, bundle(f"late-{namespace}", "", b"# x\n", CA))

    async def late() -> bytes:
        return place.file(volumes, "late")

    assert await until(late, bool) == CA
    strict = {"clusterTrustBundle": {"name": "never", "path": "p"}}
    assert await (await place.volumes(strict, name="q")).set_up() == ["v"]
    unmatched = {"clusterTrustBundle": {"signerName": "a.io/none", "path": "p"}}
    assert await (await place.volumes(unmatched, name="r")).set_up() == ["v"]
    assert place.told == [
        'clustertrustbundles.certificates.k8s.io "never" not found',
        "combination of signerName and labelSelector matched zero ClusterTrustBundles",
    ]
