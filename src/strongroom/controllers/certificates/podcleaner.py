"""Removes old requests of pods: ``pkg/controller/certificates/cleaner`` (``pcrcleaner.go``)."""

from __future__ import annotations

from datetime import datetime, timedelta

from strongroom.api.times import parse_time
from strongroom.controllers.certificates.sweeping import Sweeper
from strongroom.resources.podcertificaterequest import POD_CERTIFICATE_REQUESTS
from strongroom.resources.podcertificaterequest_object import PodCertificateRequest

PERIOD = 300.0
"""Seconds between two looks at all requests."""
KEPT = timedelta(minutes=15)
"""How long a request stays, whatever became of it: nodes take answers at once."""


class PodCleaner(Sweeper[PodCertificateRequest]):
    """Removes what :func:`is_past`."""

    name = "podcertificaterequestcleaner"
    resource = POD_CERTIFICATE_REQUESTS
    period = PERIOD

    def is_past(self, request: PodCertificateRequest, now: datetime) -> bool:
        return is_past(request, now)


def is_past(request: PodCertificateRequest, now: datetime) -> bool:
    """Whether a request is to go."""
    return now >= parse_time(request.metadata.creationTimestamp) + KEPT
