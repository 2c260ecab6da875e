"""Who acknowledged an alert is whoever asks to: no request may name somebody else."""

from __future__ import annotations

from strongroom.access.admission.port import AdmissionRequest
from strongroom.resources.secretalert import SecretAlert


class AlertAcknowledgement:
    """Writes the requester's name where the kind has emptied it for a new acknowledgement."""

    name = "AlertAcknowledgement"

    async def mutate(self, request: AdmissionRequest) -> None:
        alert = request.obj
        if request.attributes.subresource != "status" or not isinstance(alert, SecretAlert):
            return
        given = alert.status.acknowledgement
        if given is not None and not given.by:
            given.by = request.attributes.user.name

    async def validate(self, request: AdmissionRequest) -> None:
        """Refuses nothing."""
