"""Reads the errors that servers answer: Status objects, of which any field may be null."""

from __future__ import annotations

import msgspec

from strongroom.api.errors import StatusCause, StatusDetails, StatusError
from strongroom.client.errors import Unreachable


class _Cause(msgspec.Struct):
    reason: str | None = None
    message: str | None = None
    field: str | None = None


class _Details(msgspec.Struct):
    name: str | None = None
    group: str | None = None
    kind: str | None = None
    uid: str | None = None
    causes: list[_Cause] | None = None
    retryAfterSeconds: int | None = None


class _ListMeta(msgspec.Struct):
    continue_: str | None = msgspec.field(default=None, name="continue")


class _Status(msgspec.Struct):
    """A Status as servers send it, where any field may be null."""

    kind: str | None = None
    metadata: _ListMeta | None = None
    message: str | None = None
    reason: str | None = None
    details: _Details | None = None
    code: int | None = None


def status_error(body: bytes, code: int = 0) -> StatusError | None:
    """The error that a Status body describes; None when it is no Status."""
    try:
        status = msgspec.json.decode(body, type=_Status)
    except msgspec.DecodeError:
        return None
    if status.kind != "Status":
        return None
    return StatusError(
        status.code or code or 500,
        status.reason or "",
        status.message or "",
        details=_details(status.details) if status.details else None,
        continue_token=(status.metadata.continue_ if status.metadata else None) or "",
    )


def _details(details: _Details) -> StatusDetails:
    return StatusDetails(
        name=details.name or "",
        group=details.group or "",
        kind=details.kind or "",
        uid=details.uid or "",
        causes=[
            StatusCause(reason=c.reason or "", message=c.message or "", field=c.field or "")
            for c in details.causes or []
        ],
        retryAfterSeconds=details.retryAfterSeconds or 0,
    )


_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Gone",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


def error_of(code: int, body: bytes) -> StatusError:
    """The error of an answer of 400 and above; a body that is no Status is not quoted."""
    error = status_error(body, code)
    if error is not None:
        return error
    reason = _REASONS.get(code, "Unknown")
    return StatusError(code, reason, f"the server answered {code} {reason}")


def error_in_watch(body: bytes) -> StatusError | Unreachable:
    """The error that ends a watch, out of an event that is neither a change nor a bookmark."""
    return status_error(body) or Unreachable("the watch sent an unknown kind of event")
