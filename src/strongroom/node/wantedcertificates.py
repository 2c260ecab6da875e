"""Which certificates pods want, and the objects that ask for them."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.api.meta import ObjectMeta, OwnerReference
from strongroom.resources.pod import Pod
from strongroom.resources.pod_projection import PodCertificateProjection
from strongroom.resources.podcertificaterequest_object import (
    PodCertificateRequest,
    PodCertificateRequestSpec,
)


@dataclass(frozen=True, slots=True)
class WantedCertificate:
    """A certificate by what it is for. Two equal ones are one certificate."""

    namespace: str
    account: str
    pod: str
    pod_uid: str
    signer: str
    key_type: str
    seconds: int | None
    annotations: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"of pod {self.namespace}/{self.pod} from {self.signer}"


def certificate_wanted(pod: Pod, source: PodCertificateProjection) -> WantedCertificate:
    """The certificate that a source of a projected volume stands for."""
    meta = pod.metadata
    return WantedCertificate(
        meta.namespace,
        pod.spec.serviceAccountName,
        meta.name,
        meta.uid,
        source.signerName,
        source.keyType,
        source.maxExpirationSeconds,
        tuple(sorted(source.userAnnotations.items())),
    )


def request_for(
    wanted: WantedCertificate, pkcs10: bytes, account_uid: str, node: ObjectMeta
) -> PodCertificateRequest:
    """What this node asks, proving a key by the request in DER. The pod owns it."""
    request = PodCertificateRequest(
        spec=PodCertificateRequestSpec(
            signerName=wanted.signer,
            podName=wanted.pod,
            podUID=wanted.pod_uid,
            serviceAccountName=wanted.account,
            serviceAccountUID=account_uid,
            nodeName=node.name,
            nodeUID=node.uid,
            maxExpirationSeconds=wanted.seconds,
            stubPKCS10Request=pkcs10,
            unverifiedUserAnnotations=dict(wanted.annotations),
        )
    )
    meta = request.metadata
    meta.generateName, meta.namespace = "req-", wanted.namespace
    meta.ownerReferences = [
        OwnerReference(apiVersion="v1", kind="Pod", name=wanted.pod, uid=wanted.pod_uid)
    ]
    return request
