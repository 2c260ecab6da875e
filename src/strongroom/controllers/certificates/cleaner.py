"""Removes requests that nobody needs any more. Source: ``pkg/controller/certificates/cleaner``."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509

from strongroom.api.times import parse_time
from strongroom.controllers.certificates.sweeping import Sweeper
from strongroom.resources import pem
from strongroom.resources.certificatesigningrequest import CERTIFICATE_SIGNING_REQUESTS
from strongroom.resources.certificatesigningrequest_object import (
    APPROVED,
    DENIED,
    FAILED,
    CertificateSigningRequest,
)

PERIOD = 3600.0
"""Seconds between two looks at all requests."""
DECIDED = timedelta(hours=1)
"""How long a request stays once it is issued, denied or has failed."""
PENDING = timedelta(hours=24)
"""How long a request stays that nobody decides on."""


class Cleaner(Sweeper[CertificateSigningRequest]):
    """Removes what :func:`is_past`."""

    name = "csrcleaner"
    resource = CERTIFICATE_SIGNING_REQUESTS
    period = PERIOD

    def is_past(self, request: CertificateSigningRequest, now: datetime) -> bool:
        return is_past(request, now)


def is_past(request: CertificateSigningRequest, now: datetime) -> bool:
    """Whether a request is to go."""
    issued, conditions = bool(request.status.certificate), request.status.conditions
    for condition in conditions:
        kept = condition.type not in (DENIED, FAILED) and not (
            condition.type == APPROVED and issued
        )
        if not kept and _older(condition.lastUpdateTime, DECIDED, now):
            return True
    if not conditions and _older(request.metadata.creationTimestamp, PENDING, now):
        return True
    approved = any(condition.type == APPROVED for condition in conditions)
    return approved and issued and _expired(request.status.certificate, now)


def _older(moment: str, age: timedelta, now: datetime) -> bool:
    return bool(moment) and now - parse_time(moment) > age


def _expired(certificate: bytes, now: datetime) -> bool:
    block = pem.first(certificate)
    if block is None:
        return False
    try:
        return x509.load_der_x509_certificate(block.content).not_valid_after_utc < now
    except ValueError:
        return False
