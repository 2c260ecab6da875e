"""CertificateSigningRequest: asks a signer for a certificate.

Source: ``pkg/registry/certificates/certificates/strategy.go``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from strongroom.api.errors import FieldError
from strongroom.api.table import human_duration
from strongroom.api.times import format_time
from strongroom.api.validation import path_segment
from strongroom.resources.certificates import GROUP, UNREAD, CertificateReader
from strongroom.resources.certificatesigningrequest_object import (
    APPROVED,
    DENIED,
    FAILED,
    CertificateSigningRequest,
    CertificateSigningRequestSpec,
    CertificateSigningRequestStatus,
)
from strongroom.resources.certificatesigningrequest_validation import (
    request_errors,
    update_errors,
)
from strongroom.resources.columns import AGE, NAME, NONE
from strongroom.resources.resource import Column, Requester, Resource, Subresource


@dataclass(frozen=True)
class CertificateSigningRequestResource(Resource[CertificateSigningRequest]):
    """The behaviour of CertificateSigningRequests."""

    reader: CertificateReader = UNREAD

    def prepare_for_create(self, obj: CertificateSigningRequest, now: datetime) -> None:
        obj.status = CertificateSigningRequestStatus()

    def prepare_for_requester(self, obj: CertificateSigningRequest, user: Requester) -> None:
        spec = obj.spec
        spec.username, spec.uid, spec.groups = user.name, user.uid, list(user.groups)
        spec.extra = {name: list(values) for name, values in user.extra.items()}

    def prepare_for_update(
        self, new: CertificateSigningRequest, old: CertificateSigningRequest, now: datetime
    ) -> None:
        new.spec, new.status = old.spec, old.status

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return path_segment(name, prefix=prefix)

    def validate(self, obj: CertificateSigningRequest) -> list[FieldError]:
        return request_errors(obj, None, self.reader)

    def validate_update(
        self, new: CertificateSigningRequest, old: CertificateSigningRequest
    ) -> list[FieldError]:
        return update_errors(new, old, self.reader)


def _issued(
    new: CertificateSigningRequest, old: CertificateSigningRequest
) -> CertificateSigningRequest:
    """By ``status``: the certificate and what signers say, but no decision that others made."""
    new.spec = old.spec
    for type_ in (APPROVED, DENIED):
        before = [c for c in old.status.conditions if c.type == type_]
        at = [i for i, c in enumerate(new.status.conditions) if c.type == type_]
        # Another number of them is refused by validation, which must therefore see it.
        if len(before) == len(at):
            for index, condition in zip(at, before, strict=True):
                new.status.conditions[index] = condition
    return new


def _decided(
    new: CertificateSigningRequest, old: CertificateSigningRequest
) -> CertificateSigningRequest:
    """By ``approval``: nothing but the conditions."""
    old.status.conditions = new.status.conditions
    new.spec, new.status = old.spec, old.status
    return new


def _dated(new: CertificateSigningRequest, old: CertificateSigningRequest, now: datetime) -> None:
    """Date the conditions that their writer did not date."""
    known = {(c.type, c.status): c.lastTransitionTime for c in old.status.conditions}
    for condition in new.status.conditions:
        condition.lastUpdateTime = condition.lastUpdateTime or format_time(now)
        if not condition.lastTransitionTime:
            before = known.get((condition.type, condition.status))
            condition.lastTransitionTime = before or format_time(now)


def _state(request: CertificateSigningRequest) -> str:
    types = {c.type for c in request.status.conditions}
    state = next((t for t in (DENIED, APPROVED) if t in types), "Pending")
    failed = ",Failed" if FAILED in types else ""
    return state + failed + (",Issued" if request.status.certificate else "")


def _wanted(spec: CertificateSigningRequestSpec) -> str:
    seconds = spec.expirationSeconds
    return NONE if seconds is None else human_duration(seconds)


def declared(reader: CertificateReader) -> CertificateSigningRequestResource:
    """The kind as who can read certificates serves it."""
    return CertificateSigningRequestResource(
        group=GROUP,
        version="v1",
        kind="CertificateSigningRequest",
        plural="certificatesigningrequests",
        singular="certificatesigningrequest",
        short_names=("csr",),
        type=CertificateSigningRequest,
        namespaced=False,
        adds_unowned=True,
        reader=reader,
        field_selectors={"spec.signerName": lambda obj: obj.spec.signerName},
        subresources=(
            Subresource(
                "approval",
                _decided,
                lambda new, old: update_errors(new, old, reader, decides=True),
                stamp=_dated,
            ),
            Subresource(
                "status",
                _issued,
                lambda new, old: update_errors(new, old, reader, issues=True),
                stamp=_dated,
            ),
        ),
        columns=(
            NAME,
            AGE,
            Column(
                "SignerName",
                lambda obj, now: obj.spec.signerName or NONE,
                description="Who is to sign.",
            ),
            Column("Requestor", lambda obj, now: obj.spec.username, description="Who asked."),
            Column(
                "RequestedDuration",
                lambda obj, now: _wanted(obj.spec),
                description="How long the certificate is to be valid.",
            ),
            Column("Condition", lambda obj, now: _state(obj), description="What was decided."),
        ),
    )


CERTIFICATE_SIGNING_REQUESTS = declared(UNREAD)
