"""AdmissionReview: what an admission webhook is asked and answers (``admission.k8s.io/v1``)."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.errors import Status
from strongroom.api.schema import F, Struct

GROUP = "admission.k8s.io"
KIND = "AdmissionReview"
JSON_PATCH = "JSONPatch"


class AdmissionResponse(Struct):
    """What a webhook decided. Nothing in it may be believed before it is checked."""

    uid: Annotated[str, F(1, "The uid of the question.", required=True)] = ""
    allowed: Annotated[bool, F(2, "Whether the request may proceed.", required=True)] = False
    status: Annotated[Status | None, F(3, "Why it may not.")] = None
    patch: Annotated[bytes, F(4, "Changes to the object.")] = b""
    patchType: Annotated[str | None, F(5, "JSONPatch.")] = None
    auditAnnotations: Annotated[dict[str, str], F(6, "Notes for the audit log.")] = {}
    warnings: Annotated[list[str], F(7, "Texts for the client.", list_type="atomic")] = []


class AdmissionReview(Struct):
    """An answer as it comes; a question is made as a tree and sent."""

    kind: Annotated[str, F(0, "AdmissionReview.")] = ""
    apiVersion: Annotated[str, F(0, "admission.k8s.io/v1 or v1beta1.")] = ""
    response: Annotated[AdmissionResponse | None, F(2, "The answer.")] = None
