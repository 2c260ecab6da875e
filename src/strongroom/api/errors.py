"""Errors of the API: each is a Kubernetes ``Status`` that a client can act on.

    StatusError                     any failure with a Status body
    FieldError                      one finding of validation (no exception; many make an Invalid)

Messages never carry stored values: the constructors take names, keys and paths only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from strongroom.api.meta import ListMeta
from strongroom.api.schema import F, Struct


class StatusCause(Struct):
    """One reason among several, with the field that it is about."""

    reason: Annotated[str, F(1, "Machine-readable kind of the cause.")] = ""
    message: Annotated[str, F(2, "What is wrong, for people.")] = ""
    field: Annotated[str, F(3, "Path of the field in its JSON form.")] = ""


class StatusDetails(Struct):
    """What the failure is about."""

    name: Annotated[str, F(1, "Name of the object concerned.")] = ""
    group: Annotated[str, F(2, "API group concerned.")] = ""
    kind: Annotated[str, F(3, "Resource or kind concerned.")] = ""
    uid: Annotated[str, F(6, "UID of the object concerned.")] = ""
    causes: Annotated[list[StatusCause], F(4, "Each finding.", list_type="atomic")] = []
    retryAfterSeconds: Annotated[
        int, F(5, "Seconds to wait before trying again.", format="int32")
    ] = 0


class Status(Struct):
    """The outcome of a request that returns no object."""

    kind: Annotated[str, F(0, "Status.")] = ""
    apiVersion: Annotated[str, F(0, "v1.")] = ""
    metadata: Annotated[ListMeta, F(1, "Standard list metadata.")] = msgspec.field(
        default_factory=ListMeta
    )
    status: Annotated[str, F(2, "Success or Failure.")] = ""
    message: Annotated[str, F(3, "What happened, for people.")] = ""
    reason: Annotated[str, F(4, "Machine-readable reason of a failure.")] = ""
    details: Annotated[StatusDetails | None, F(5, "What the failure is about.")] = None
    code: Annotated[int, F(6, "The HTTP status code.", format="int32")] = 0


class StatusError(Exception):
    """A failure that reaches the client as a Status. ``str()`` is the Status message."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: StatusDetails | None = None,
        continue_token: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.continue_token = continue_token

    def to_status(self) -> Status:
        """The Status object of this failure, as the wire carries it."""
        return Status(
            kind="Status",
            apiVersion="v1",
            metadata=ListMeta(continue_=self.continue_token),
            status="Failure",
            message=self.message,
            reason=self.reason,
            details=self.details,
            code=self.code,
        )


@dataclass(frozen=True, slots=True)
class GroupResource:
    """A resource by group and plural: prints as ``secrets``, ``leases.coordination.k8s.io``."""

    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


@dataclass(frozen=True, slots=True)
class GroupKind:
    """A kind by group and name: prints as ``Secret``, ``Lease.coordination.k8s.io``."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True, slots=True)
class FieldError:
    """One finding of validation: reason, field path and the text that follows the path.

    Build it with the functions of :mod:`strongroom.api.validation`, which know the wording.
    """

    reason: str
    field: str
    body: str

    def __str__(self) -> str:
        return f"{self.field}: {self.body}"


def not_found(resource: GroupResource, name: str) -> StatusError:
    """404: no object of this name."""
    return StatusError(
        404,
        "NotFound",
        f'{resource} "{name}" not found',
        details=StatusDetails(name=name, group=resource.group, kind=resource.resource),
    )


def already_exists(resource: GroupResource, name: str, *, generated: bool = False) -> StatusError:
    """409: a create met an object of the same name."""
    suffix = ", the server was not able to generate a unique name for the object"
    return StatusError(
        409,
        "AlreadyExists",
        f'{resource} "{name}" already exists' + (suffix if generated else ""),
        details=StatusDetails(name=name, group=resource.group, kind=resource.resource),
    )


MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def conflict(resource: GroupResource, name: str, why: str = MODIFIED) -> StatusError:
    """409: the stored object is not the one that the request was made against."""
    return StatusError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {resource} "{name}": {why}',
        details=StatusDetails(name=name, group=resource.group, kind=resource.resource),
    )


def invalid(kind: GroupKind, name: str, errors: Sequence[FieldError]) -> StatusError:
    """422: validation failed; each finding becomes a cause."""
    texts = list(dict.fromkeys(str(e) for e in errors))
    summary = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    causes = [StatusCause(reason=e.reason, message=e.body, field=e.field) for e in errors]
    return StatusError(
        422,
        "Invalid",
        f'{kind} "{name}" is invalid: {summary}',
        details=StatusDetails(name=name, group=kind.group, kind=kind.kind, causes=causes),
    )


def forbidden(resource: GroupResource, name: str, why: str) -> StatusError:
    """403: the request is understood and refused."""
    subject = f'{resource} "{name}"' if name else str(resource)
    if not resource.resource:
        subject = ""
    return StatusError(
        403,
        "Forbidden",
        f"{subject} is forbidden: {why}" if subject else f"forbidden: {why}",
        details=StatusDetails(name=name, group=resource.group, kind=resource.resource),
    )


def unauthorized(message: str = "Unauthorized") -> StatusError:
    """401: no credentials, or none that hold."""
    return StatusError(401, "Unauthorized", message)


def bad_request(message: str) -> StatusError:
    """400: the request cannot be understood."""
    return StatusError(400, "BadRequest", message)


def not_acceptable(allowed: Iterable[str]) -> StatusError:
    """406: none of the representations that the client accepts can be made."""
    return StatusError(
        406,
        "NotAcceptable",
        "only the following media types are accepted: " + ", ".join(allowed),
    )


def unsupported_media_type(allowed: Iterable[str]) -> StatusError:
    """415: the body is in a form that this request does not take."""
    return StatusError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(allowed),
    )


def expired(message: str, *, continue_token: str = "") -> StatusError:
    """410: the revision asked for is no longer kept; list again."""
    return StatusError(410, "Expired", message, continue_token=continue_token)


def too_large(message: str) -> StatusError:
    """413: the body or object is over its limit."""
    return StatusError(413, "RequestEntityTooLarge", message)


def internal_error(what: str) -> StatusError:
    """500: our fault or the store's; ``what`` never holds a value."""
    return StatusError(
        500,
        "InternalError",
        f"Internal error occurred: {what}",
        details=StatusDetails(causes=[StatusCause(message=what)]),
    )


def too_many_requests(message: str, *, retry_after: int = 1) -> StatusError:
    """429: try again after ``retry_after`` seconds."""
    return StatusError(
        429, "TooManyRequests", message, details=StatusDetails(retryAfterSeconds=retry_after)
    )
