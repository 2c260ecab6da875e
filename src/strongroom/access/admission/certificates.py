"""Who may approve and sign requests for certificates, and what no request may ask for.

Rights on a signer are rights on ``signers`` of certificates.k8s.io, by the signer's name or by its
domain (``kubernetes.io/*``): no such objects exist, only rules about them. That somebody may write
to a request at all has been decided before.
Sources: ``plugin/pkg/admission/certificates``, ``pkg/certauthorization``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.user import MASTERS, User
from strongroom.api.errors import StatusError, forbidden, invalid
from strongroom.api.gotext import quote
from strongroom.api.validation import Path, forbidden_field
from strongroom.resources.certificatesigningrequest_object import CertificateSigningRequest
from strongroom.resources.clustertrustbundle import ClusterTrustBundle
from strongroom.resources.podcertificaterequest_object import PodCertificateRequest
from strongroom.resources.signer_names import KUBE_APISERVER_CLIENT


class Signers(Protocol):
    """What these judges ask of the rest of the server."""

    async def may(self, user: User, verb: str, signer: str) -> bool:
        """Whether a user has a right on a signer, or on all of its domain."""
        ...

    def organizations(self, request: bytes) -> Sequence[str]:
        """The organizations of the subject of a request in PEM. Raises ValueError for none."""
        ...


class CertificateApproval:
    """Who approves or denies may ``approve`` for the signer."""

    name = "CertificateApproval"

    def __init__(self, signers: Signers) -> None:
        self._signers = signers

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        old = request.old
        if request.attributes.subresource != "approval":
            return
        if not isinstance(old, CertificateSigningRequest):
            return
        signer = old.spec.signerName
        if not await self._signers.may(request.attributes.user, "approve", signer):
            raise _refused(request, _not_permitted("approve", signer))


class CertificateSigning:
    """Who sets a certificate or conditions in the status may ``sign`` for the signer."""

    name = "CertificateSigning"

    def __init__(self, signers: Signers) -> None:
        self._signers = signers

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        new, old = request.obj, request.old
        if request.attributes.subresource != "status":
            return
        if not isinstance(old, CertificateSigningRequest):
            return
        if isinstance(new, CertificateSigningRequest) and new.status == old.status:
            return
        signer = old.spec.signerName
        if not await self._signers.may(request.attributes.user, "sign", signer):
            raise _refused(request, _not_permitted("sign", signer))


class PodCertificateSigning:
    """Who answers a pod's request may ``sign`` for the signer, whatever the answer is.

    Upstream asks in the registry (``pkg/registry/certificates/podcertificaterequest``), where
    nobody switches it off, and refuses as its validation does.
    """

    name = "PodCertificateRequestSigning"

    def __init__(self, signers: Signers) -> None:
        self._signers = signers

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        new, old = request.obj, request.old
        if request.attributes.subresource != "status":
            return
        if not isinstance(old, PodCertificateRequest):
            return
        if isinstance(new, PodCertificateRequest) and new.status == old.status:
            return
        user, signer = request.attributes.user, old.spec.signerName
        if not await self._signers.may(user, "sign", signer):
            why = f'User {quote(user.name)} is not permitted to "sign" for signer {quote(signer)}'
            errors = [forbidden_field(Path("spec") / "signerName", why)]
            raise invalid(request.resource.group_kind, old.metadata.name, errors)


class ClusterTrustBundleAttest:
    """Who writes a signer's trust bundle may ``attest`` for the signer."""

    name = "ClusterTrustBundleAttest"

    def __init__(self, signers: Signers) -> None:
        self._signers = signers

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        new, old = request.obj, request.old
        if request.operation not in ("CREATE", "UPDATE"):
            return
        if not isinstance(new, ClusterTrustBundle) or not new.spec.signerName:
            return
        if isinstance(old, ClusterTrustBundle) and _kept_but_for_owners(new, old):
            return
        signer = new.spec.signerName
        if not await self._signers.may(request.attributes.user, "attest", signer):
            why = f"user not permitted to attest for signerName {quote(signer)}"
            raise _refused(request, why)


class CertificateSubjectRestriction:
    """Nobody is given a certificate of the group that may do everything."""

    name = "CertificateSubjectRestriction"

    def __init__(self, signers: Signers) -> None:
        self._signers = signers

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        new = request.obj
        if request.operation != "CREATE" or not isinstance(new, CertificateSigningRequest):
            return
        if new.spec.signerName != KUBE_APISERVER_CLIENT:
            return
        try:
            groups = self._signers.organizations(new.spec.request)
        except ValueError as error:
            raise _refused(request, f"failed to parse CSR: {error}") from None
        if MASTERS in groups:
            why = f"use of {KUBE_APISERVER_CLIENT} signer with system:masters group is not allowed"
            raise _refused(request, why)


def _kept_but_for_owners(new: ClusterTrustBundle, old: ClusterTrustBundle) -> bool:
    """Whether nothing changes but what the garbage collector writes."""
    meta, before = new.metadata, old.metadata
    return (
        new.spec == old.spec
        and meta.labels == before.labels
        and meta.annotations == before.annotations
    )


def _not_permitted(verb: str, signer: str) -> str:
    return f"user not permitted to {verb} requests with signerName {quote(signer)}"


def _refused(request: AdmissionRequest, why: str) -> StatusError:
    return forbidden(request.resource.group_resource, request.name, why)
