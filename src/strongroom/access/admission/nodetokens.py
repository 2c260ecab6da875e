"""For which tokens a node may ask: those that a pod on it mounts, bound to that pod.

Source: ``plugin/pkg/admission/noderestriction`` (``admitServiceAccount``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.user import Attributes
from strongroom.api.errors import StatusError, forbidden, not_found
from strongroom.api.gotext import quote
from strongroom.resources.csidriver import CSIDriver
from strongroom.resources.pod import PODS, Pod
from strongroom.resources.tokenrequest import TokenRequest

_ANY_AUDIENCE = "request-serviceaccounts-token-audience"
"""The verb that lets a node ask for an audience that no volume of the pod names."""


class NodeTokens(Protocol):
    """What this judge asks of the rest of the server."""

    async def pod(self, namespace: str, name: str) -> Pod | None:
        """The pod as of now."""
        ...

    async def csi_driver(self, name: str) -> CSIDriver | None:
        """The storage driver of this name."""
        ...

    async def may(self, attributes: Attributes) -> bool:
        """Whether the authorizers allow this."""
        ...


async def judge_token(request: AdmissionRequest, node: str, around: NodeTokens) -> None:
    """Raises StatusError for a token that the node has no business with."""
    wanted = request.obj
    if request.operation != "CREATE" or not isinstance(wanted, TokenRequest):
        return
    ref = wanted.spec.boundObjectRef
    if ref is None or (ref.apiVersion, ref.kind) != ("v1", "Pod") or not ref.name:
        raise _refused(request, "node requested token not bound to a pod")
    if not ref.uid:
        raise _refused(request, "node requested token with a pod binding without a uid")
    pod = await around.pod(request.attributes.namespace, ref.name)
    if pod is None:
        raise not_found(PODS.group_resource, ref.name)
    if pod.metadata.uid != ref.uid:
        why = (
            f"the UID in the bound object reference ({ref.uid}) does not match the UID in record. "
            "The object might have been deleted and then recreated"
        )
        raise _refused(request, why)
    if pod.spec.nodeName != node:
        why = "node requested token bound to a pod scheduled on a different node"
        raise _refused(request, why)
    await _judge_audience(request, wanted.spec.audiences, pod, around)


async def _judge_audience(
    request: AdmissionRequest, audiences: list[str], pod: Pod, around: NodeTokens
) -> None:
    if len(audiences) > 1:
        raise _refused(request, "node may only request 0 or 1 audiences")
    audience = audiences[0] if audiences else ""
    if await _mounts(pod, audience, around):
        return
    asked = request.attributes
    # The audience stands where a resource stands, so that roles can name it.
    attributes = replace(asked, verb=_ANY_AUDIENCE, group="", resource=audience, subresource="")
    if not await around.may(attributes):
        why = (
            f"audience {quote(audience)} not found in pod spec volume, "
            f"{asked.user.name} is not authorized to request tokens for this audience"
        )
        raise _refused(request, why)


async def _mounts(pod: Pod, audience: str, around: NodeTokens) -> bool:
    """Whether a volume of the pod needs a token for this audience."""
    for volume in pod.spec.volumes:
        for source in volume.projected.sources if volume.projected is not None else ():
            token = source.serviceAccountToken
            if token is not None and token.audience == audience:
                return True
        if volume.csi is not None:
            driver = await around.csi_driver(volume.csi.driver)
            asked = driver.spec.tokenRequests if driver is not None else ()
            if any(token.audience == audience for token in asked):
                return True
    return False


def _refused(request: AdmissionRequest, why: str) -> StatusError:
    return forbidden(request.resource.group_resource, request.attributes.name, why)
