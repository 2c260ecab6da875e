"""Objects live and die with their namespace; some namespaces never die.

Source: ``k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle``.
"""

from __future__ import annotations

from typing import Protocol

from strongroom.access.admission.port import AdmissionRequest
from strongroom.api.errors import (
    GroupResource,
    StatusCause,
    StatusDetails,
    StatusError,
    forbidden,
    not_found,
)

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})

_NAMESPACES = GroupResource("", "namespaces")


class NamespaceReader(Protocol):
    """What this judge asks of the rest of the server."""

    async def phase(self, namespace: str) -> str | None:
        """``Active`` or ``Terminating``; None when there is no such namespace."""
        ...


class NamespaceLifecycle:
    """Refuses creation in a missing or dying namespace, and the end of an immortal one."""

    name = "NamespaceLifecycle"

    def __init__(self, namespaces: NamespaceReader) -> None:
        self._namespaces = namespaces

    async def mutate(self, request: AdmissionRequest) -> None:
        wanted = request.attributes
        if wanted.resource == "namespaces" and not wanted.group:
            if request.operation == "DELETE":
                _judge_deletion(request)
            return
        if request.operation == "CREATE" and wanted.namespace:
            await self._judge_creation(request)

    async def validate(self, request: AdmissionRequest) -> None:
        """Nothing more: the namespace may die between the two anyway; the controller sees to it."""

    async def _judge_creation(self, request: AdmissionRequest) -> None:
        wanted = request.attributes
        phase = await self._namespaces.phase(wanted.namespace)
        if phase is None:
            raise not_found(_NAMESPACES, wanted.namespace)
        if phase == "Terminating":
            name = request.obj.metadata.name if request.obj is not None else ""
            raise _terminating(GroupResource(wanted.group, wanted.resource), name, wanted.namespace)


def _judge_deletion(request: AdmissionRequest) -> None:
    # A collection's deletion has no name in its URL: what counts is the object itself.
    name = request.old.metadata.name if request.old is not None else request.attributes.name
    if name in IMMORTAL:
        raise forbidden(_NAMESPACES, name, "this namespace may not be deleted")


def _terminating(resource: GroupResource, name: str, namespace: str) -> StatusError:
    error = forbidden(
        resource,
        name,
        f"unable to create new content in namespace {namespace} because it is being terminated",
    )
    cause = StatusCause(
        reason="NamespaceTerminating",
        message=f"namespace {namespace} is being terminated",
        field="metadata.namespace",
    )
    error.details = StatusDetails(
        name=name, group=resource.group, kind=resource.resource, causes=[cause]
    )
    return error
