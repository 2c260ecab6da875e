"""For which certificates a node may ask: those that a pod on it mounts, in that pod's name.

Source: ``plugin/pkg/admission/noderestriction`` (``admitPodCertificateRequest``). Stricter than
upstream in one point: what a node says in the name of the pod's author must be what he said,
since signers give names on the strength of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.user import Attributes
from strongroom.api.errors import StatusError, forbidden
from strongroom.api.gotext import quote
from strongroom.resources.node_object import Node
from strongroom.resources.pod import Pod
from strongroom.resources.pod_projection import PodCertificateProjection
from strongroom.resources.podcertificaterequest_object import (
    PodCertificateRequest,
    PodCertificateRequestSpec,
)
from strongroom.resources.serviceaccount import ServiceAccount

_MIRROR = "kubernetes.io/config.mirror"
_ANY_SIGNER = "request-serviceaccounts-podcertificate-signer"
"""The verb that lets a node ask a signer that no volume of the pod names."""


class NodeCertificates(Protocol):
    """What this judge asks of the rest of the server: each object as of now."""

    async def node(self, name: str) -> Node | None: ...

    async def pod(self, namespace: str, name: str) -> Pod | None: ...

    async def service_account(self, namespace: str, name: str) -> ServiceAccount | None: ...

    async def may(self, attributes: Attributes) -> bool:
        """Whether the authorizers allow this."""
        ...


async def judge_certificate(request: AdmissionRequest, node: str, around: NodeCertificates) -> None:
    """Raises StatusError for a certificate that the node has no business with."""
    if request.operation != "CREATE":
        raise _refused(request, "unexpected operation")
    if request.attributes.subresource:
        raise _refused(request, f"unexpected subresource {request.attributes.subresource}")
    wanted = request.obj
    if not isinstance(wanted, PodCertificateRequest):
        raise _refused(request, "unexpected type")
    namespace, spec = request.attributes.namespace, wanted.spec
    named = quote(f"{namespace}/{spec.podName}")
    if spec.nodeName != node:
        why = f"PodCertificateRequest.Spec.NodeName={quote(spec.nodeName)}, "
        raise _refused(request, f"{why}which is not the requesting node {quote(node)}")
    _judge_node(request, spec, named, await around.node(node))
    pod = await around.pod(namespace, spec.podName)
    if pod is None:
        raise _refused(request, f"pod {named} named in the PodCertificateRequest does not exist")
    _judge_pod(request, spec, named, pod)
    account = await around.service_account(namespace, spec.serviceAccountName)
    if account is None or account.metadata.uid != spec.serviceAccountUID:
        why = (
            f"PodCertificateRequest for pod {named} names service account UID "
            f"{quote(spec.serviceAccountUID)}, which differs from the running service account"
        )
        raise _refused(request, why)
    await _judge_signer(request, spec, named, pod, around)


def _judge_node(
    request: AdmissionRequest, spec: PodCertificateRequestSpec, named: str, node: Node | None
) -> None:
    if node is None or node.metadata.uid != spec.nodeUID:
        why = (
            f"PodCertificateRequest for pod {named} names node UID {quote(spec.nodeUID)}, "
            "inconsistent with the running node"
        )
        raise _refused(request, why)


def _judge_pod(
    request: AdmissionRequest, spec: PodCertificateRequestSpec, named: str, pod: Pod
) -> None:
    if pod.metadata.uid != spec.podUID:
        why = (
            f"PodCertificateRequest for pod {named} contains pod UID ({quote(spec.podUID)}) "
            f"which differs from running pod {quote(pod.metadata.uid)}"
        )
        raise _refused(request, why)
    if pod.spec.nodeName != spec.nodeName:
        why = f"pod {named} is not running on node {quote(spec.nodeName)} "
        raise _refused(request, f"{why}named in the PodCertificateRequest")
    if _MIRROR in pod.metadata.annotations:
        raise _refused(request, f"pod {named} is a mirror pod")
    if pod.spec.serviceAccountName != spec.serviceAccountName:
        why = (
            f"PodCertificateRequest for pod {named} contains serviceAccountName "
            f"({quote(spec.serviceAccountName)}) that differs from running pod "
            f"({quote(pod.spec.serviceAccountName)})"
        )
        raise _refused(request, why)


async def _judge_signer(
    request: AdmissionRequest,
    spec: PodCertificateRequestSpec,
    named: str,
    pod: Pod,
    around: NodeCertificates,
) -> None:
    for source in _sources(pod):
        same = source.userAnnotations == spec.unverifiedUserAnnotations
        if source.signerName == spec.signerName and same:
            return
    # The signer stands where a resource stands, so that roles can name it.
    attributes = replace(
        request.attributes,
        verb=_ANY_SIGNER,
        resource=spec.signerName.replace("/", ":"),
        name=spec.serviceAccountName,
    )
    if not await around.may(attributes):
        why = (
            f"pod {named} mounts no podCertificate volume with signer {quote(spec.signerName)} "
            f"and these user annotations, and {request.attributes.user.name} is not authorized to "
            "request certificates from this signer"
        )
        raise _refused(request, why)


def _sources(pod: Pod) -> Iterator[PodCertificateProjection]:
    for volume in pod.spec.volumes:
        for source in volume.projected.sources if volume.projected is not None else ():
            if source.podCertificate is not None:
                yield source.podCertificate


def _refused(request: AdmissionRequest, why: str) -> StatusError:
    name = request.attributes.name or request.name
    return forbidden(request.resource.group_resource, name, why)
