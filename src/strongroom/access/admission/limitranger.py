"""LimitRanges: defaults for containers, and bounds for pods, containers and claims.

Source: ``plugin/pkg/admission/limitranger``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from strongroom.access.admission.port import AdmissionRequest
from strongroom.api.errors import forbidden
from strongroom.resources.limit_checks import claim_findings, pod_findings, set_limits
from strongroom.resources.limitrange import LimitRange


class LimitRanges(Protocol):
    """What this judge asks of the rest of the server."""

    def limit_ranges(self, namespace: str) -> Sequence[LimitRange]:
        """The LimitRanges of a namespace; costs next to nothing where there is none."""
        ...


class LimitRanger:
    """Fills in what containers lack, then refuses what is out of bounds.

    Pods are looked at when they are made: afterwards their resources cannot change.
    """

    name = "LimitRanger"

    def __init__(self, limits: LimitRanges) -> None:
        self._limits = limits

    async def mutate(self, request: AdmissionRequest) -> None:
        if not _is_new_pod(request):
            return
        pod: Any = request.obj
        for limits in self._limits.limit_ranges(request.namespace):
            if set_limits(pod, limits):
                request.rewritten = True

    async def validate(self, request: AdmissionRequest) -> None:
        obj: Any = request.obj
        old: Any = request.old
        if _is_new_pod(request):
            for limits in self._limits.limit_ranges(request.namespace):
                _refuse(request, pod_findings(obj, limits))
        elif _is_claim(request) and not (old and old.metadata.deletionTimestamp):
            before = old.spec.resources.requests if old is not None else None
            for limits in self._limits.limit_ranges(request.namespace):
                _refuse(request, claim_findings(obj.spec.resources.requests, before, limits))


def _is_new_pod(request: AdmissionRequest) -> bool:
    resource = request.resource
    return (
        resource.plural == "pods"
        and not resource.group
        and request.operation == "CREATE"
        and not request.attributes.subresource
    )


def _is_claim(request: AdmissionRequest) -> bool:
    resource = request.resource
    return (
        resource.plural == "persistentvolumeclaims"
        and not resource.group
        and request.operation in ("CREATE", "UPDATE")
        and not request.attributes.subresource
    )


def _refuse(request: AdmissionRequest, findings: Sequence[str]) -> None:
    if findings:
        why = findings[0] if len(findings) == 1 else f"[{', '.join(findings)}]"
        raise forbidden(request.resource.group_resource, request.name, why)
