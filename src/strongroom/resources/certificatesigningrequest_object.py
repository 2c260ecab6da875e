"""The fields of a CertificateSigningRequest (``certificates.k8s.io/v1``)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.resources.certificates import API_PACKAGE

__all__ = [
    "API_PACKAGE",
    "APPROVED",
    "DENIED",
    "FAILED",
    "USAGES",
    "CertificateSigningRequest",
    "CertificateSigningRequestCondition",
    "CertificateSigningRequestSpec",
    "CertificateSigningRequestStatus",
]

APPROVED, DENIED, FAILED = "Approved", "Denied", "Failed"

USAGES = (
    *("any", "cert sign", "client auth", "code signing", "content commitment", "crl sign"),
    *("data encipherment", "decipher only", "digital signature", "email protection"),
    *("encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement"),
    *("key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime"),
    *("server auth", "signing", "timestamping"),
)
"""What a certificate may be asked to be for, in the order in which messages list them."""


class CertificateSigningRequestSpec(Struct):
    """What is asked for, and by whom. Does not change after creation."""

    request: Annotated[bytes, F(1, "A PKCS#10 request in PEM.", required=True)] = always(bytes)
    signerName: Annotated[
        str, F(7, "Who is to sign, as DOMAIN/PATH; can be selected by.", required=True)
    ] = always(str)
    expirationSeconds: Annotated[
        int | None,
        F(
            8,
            "How long the certificate is to be valid, at least 600; signers may shorten it.",
            format="int32",
        ),
    ] = None
    usages: Annotated[
        list[str], F(5, "What the certificate is to be good for.", list_type="atomic")
    ] = []
    username: Annotated[str, F(2, "Who asked; set by the server.")] = ""
    uid: Annotated[str, F(3, "The UID of who asked; set by the server.")] = ""
    groups: Annotated[
        list[str], F(4, "The groups of who asked; set by the server.", list_type="atomic")
    ] = []
    extra: Annotated[
        dict[str, list[str]], F(6, "What else is known of who asked; set by the server.")
    ] = {}


class CertificateSigningRequestCondition(Struct):
    """A decision on a request."""

    type: Annotated[
        str, F(1, "Approved, Denied, Failed or one of a signer's own.", required=True)
    ] = always(str)
    status: Annotated[
        str, F(6, "True, False or Unknown; the three of Kubernetes are True.", required=True)
    ] = always(str)
    reason: Annotated[str, F(2, "Why it was decided so, for programs.")] = ""
    message: Annotated[str, F(3, "The same for people.")] = ""
    lastUpdateTime: Annotated[
        str, F(4, "When the condition was last written.", format="date-time", by_value=True)
    ] = ""
    lastTransitionTime: Annotated[
        str, F(5, "When its status last changed.", format="date-time", by_value=True)
    ] = ""


class CertificateSigningRequestStatus(Struct):
    """What was decided, and the certificate."""

    conditions: Annotated[
        list[CertificateSigningRequestCondition],
        F(1, "Decisions on the request.", list_type="map", list_keys=("type",)),
    ] = []
    certificate: Annotated[bytes, F(2, "What was issued, in PEM; set once.")] = b""


class CertificateSigningRequest(Object):
    """Asks a signer for a certificate.

    Somebody who may approve for that signer decides by the subresource ``approval``; the signer
    puts the certificate into ``status``.
    """

    spec: Annotated[CertificateSigningRequestSpec, F(2, "What is asked for.", required=True)] = (
        msgspec.field(default_factory=CertificateSigningRequestSpec)
    )
    status: Annotated[CertificateSigningRequestStatus, F(3, "What became of it.")] = msgspec.field(
        default_factory=CertificateSigningRequestStatus
    )

    def condition(self, type_: str) -> bool:
        """Whether it has a condition of this type that is True."""
        return any(c.type == type_ and c.status == "True" for c in self.status.conditions)
