"""PodCertificateRequest: a node asks a signer for a certificate of one of its pods.

Nobody approves: that the node may ask is admission's affair
(:mod:`strongroom.access.admission.nodecertificates`), that the pod may have it the signer's.
Source: ``pkg/registry/certificates/podcertificaterequest``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from strongroom.api.clock import Clock, SystemClock
from strongroom.api.errors import FieldError
from strongroom.api.times import format_time
from strongroom.api.validation import Path, immutable_field
from strongroom.resources.certificates import GROUP, UNREAD, CertificateReader
from strongroom.resources.columns import NAME
from strongroom.resources.podcertificaterequest_object import (
    PodCertificateRequest,
    PodCertificateRequestStatus,
)
from strongroom.resources.podcertificaterequest_status import status_errors
from strongroom.resources.podcertificaterequest_validation import request_errors
from strongroom.resources.resource import Column, Resource, Subresource

DEFAULT_SECONDS = 86400


@dataclass(frozen=True)
class PodCertificateRequestResource(Resource[PodCertificateRequest]):
    """The behaviour of PodCertificateRequests."""

    reader: CertificateReader = UNREAD

    def default(self, obj: PodCertificateRequest) -> None:
        if obj.spec.maxExpirationSeconds is None:
            obj.spec.maxExpirationSeconds = DEFAULT_SECONDS

    def prepare_for_create(self, obj: PodCertificateRequest, now: datetime) -> None:
        obj.status = PodCertificateRequestStatus()

    def prepare_for_update(
        self, new: PodCertificateRequest, old: PodCertificateRequest, now: datetime
    ) -> None:
        new.status = old.status

    def validate(self, obj: PodCertificateRequest) -> list[FieldError]:
        return request_errors(obj, self.reader)

    def validate_update(
        self, new: PodCertificateRequest, old: PodCertificateRequest
    ) -> list[FieldError]:
        return immutable_field(new.spec, old.spec, Path("spec"))


def _answered(new: PodCertificateRequest, old: PodCertificateRequest) -> PodCertificateRequest:
    """By ``status``: nothing but the status; not even labels."""
    meta, before = new.metadata, old.metadata
    meta.labels, meta.annotations = before.labels, before.annotations
    meta.finalizers, meta.ownerReferences = before.finalizers, before.ownerReferences
    new.spec = old.spec
    return new


def _dated(new: PodCertificateRequest, old: PodCertificateRequest, now: datetime) -> None:
    """Date the conditions that their writer did not date."""
    known = {(c.type, c.status): c.lastTransitionTime for c in old.status.conditions}
    for condition in new.status.conditions:
        if not condition.lastTransitionTime:
            before = known.get((condition.type, condition.status))
            condition.lastTransitionTime = before or format_time(now)


def _state(request: PodCertificateRequest) -> str:
    outcome = request.outcome()
    return "Pending" if outcome is None else outcome.type


def declared(reader: CertificateReader, clock: Clock) -> PodCertificateRequestResource:
    """The kind as who can read certificates, and tell the time, serves it."""
    return PodCertificateRequestResource(
        group=GROUP,
        version="v1",
        kind="PodCertificateRequest",
        plural="podcertificaterequests",
        singular="podcertificaterequest",
        type=PodCertificateRequest,
        namespaced=True,
        unconditional_update=False,
        reader=reader,
        field_selectors={
            "spec.signerName": lambda obj: obj.spec.signerName,
            "spec.podName": lambda obj: obj.spec.podName,
            "spec.nodeName": lambda obj: obj.spec.nodeName,
        },
        subresources=(
            Subresource(
                "status",
                _answered,
                lambda new, old: status_errors(new, old, reader, clock.now()),
                stamp=_dated,
            ),
        ),
        columns=(
            NAME,
            Column("PodName", lambda obj, now: obj.spec.podName, description="The pod."),
            Column(
                "ServiceAccountName",
                lambda obj, now: obj.spec.serviceAccountName,
                description="The service account that the pod runs as.",
            ),
            Column("NodeName", lambda obj, now: obj.spec.nodeName, description="The pod's node."),
            Column("SignerName", lambda obj, now: obj.spec.signerName, description="Who signs."),
            Column("State", lambda obj, now: _state(obj), description="What became of it."),
        ),
    )


POD_CERTIFICATE_REQUESTS = declared(UNREAD, SystemClock())
