"""The fields of a PodCertificateRequest (``certificates.k8s.io/v1``)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import Condition, Object
from strongroom.api.schema import F, Struct, always
from strongroom.resources.certificates import API_PACKAGE

__all__ = [
    "API_PACKAGE",
    "DENIED",
    "FAILED",
    "INVALID_ANNOTATIONS",
    "ISSUED",
    "PodCertificateRequest",
    "PodCertificateRequestSpec",
    "PodCertificateRequestStatus",
]

ISSUED, DENIED, FAILED = "Issued", "Denied", "Failed"
"""The conditions of which a request gets one, once and for all."""

INVALID_ANNOTATIONS = "InvalidUnverifiedUserAnnotations"
"""Why a request is denied whose annotations the signer does not know."""


class PodCertificateRequestSpec(Struct):
    """Which pod wants a certificate from whom. Does not change after creation."""

    signerName: Annotated[
        str, F(1, "Who is to sign, as DOMAIN/PATH; can be selected by.", required=True)
    ] = always(str)
    podName: Annotated[str, F(2, "The pod that gets the certificate.", required=True)] = always(str)
    podUID: Annotated[str, F(3, "The UID of that pod.", required=True)] = always(str)
    serviceAccountName: Annotated[
        str, F(4, "The service account that the pod runs as.", required=True)
    ] = always(str)
    serviceAccountUID: Annotated[str, F(5, "The UID of that service account.", required=True)] = (
        always(str)
    )
    nodeName: Annotated[
        str, F(6, "The node that the pod is on; can be selected by.", required=True)
    ] = always(str)
    nodeUID: Annotated[str, F(7, "The UID of that node.", required=True)] = always(str)
    maxExpirationSeconds: Annotated[
        int | None,
        F(
            8,
            "How long the certificate may be valid at most: a day by default, an hour at least,"
            " 91 days at most, and a day with signers of Kubernetes' own.",
            format="int32",
        ),
    ] = None
    stubPKCS10Request: Annotated[
        bytes,
        F(
            12,
            "A PKCS#10 request in DER that proves who holds the key; what else it says counts"
            " for nothing.",
            required=True,
        ),
    ] = always(bytes)
    unverifiedUserAnnotations: Annotated[
        dict[str, str],
        F(11, "What the pod's author tells the signer; every key has a domain before it."),
    ] = {}


class PodCertificateRequestStatus(Struct):
    """What became of a request, and the certificate."""

    conditions: Annotated[
        list[Condition],
        F(
            1,
            "At most one: Issued, Denied or Failed.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []
    certificateChain: Annotated[
        str, F(2, "The certificate and those above it in PEM; does not change once set.")
    ] = ""
    notBefore: Annotated[
        str, F(4, "From when the certificate is valid, as it says.", format="date-time")
    ] = ""
    beginRefreshAt: Annotated[
        str, F(5, "From when the next one should be asked for.", format="date-time")
    ] = ""
    notAfter: Annotated[
        str, F(6, "Until when the certificate is valid, as it says.", format="date-time")
    ] = ""


class PodCertificateRequest(Object):
    """A node asks a signer for a certificate of one of its pods."""

    spec: Annotated[PodCertificateRequestSpec, F(2, "What is asked for.", required=True)] = (
        msgspec.field(default_factory=PodCertificateRequestSpec)
    )
    status: Annotated[PodCertificateRequestStatus, F(3, "What became of it.")] = msgspec.field(
        default_factory=PodCertificateRequestStatus
    )

    def outcome(self) -> Condition | None:
        """What became of the request, for good; None while it is pending."""
        ends = (ISSUED, DENIED, FAILED)
        conditions = self.status.conditions
        return next((c for c in conditions if c.type in ends and c.status == "True"), None)
