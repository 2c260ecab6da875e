"""The one place where storage errors become API errors.

    storage                          API
    KeyExists                        409 AlreadyExists
    Compacted                        410 Expired
    FutureRevision, TooLargeRevision 504 Timeout, cause ResourceVersionTooLarge
    TooLarge                         413 RequestEntityTooLarge
    Undecryptable, Undecodable       500 InternalError, naming the key and nothing of the value
    NoSpace                          500 InternalError, saying what is full: trying again is no use
    other StoreUnavailable           500 ServerTimeout with retry after 2 s

Wording: ``k8s.io/apiserver/pkg/storage/errors``, ``.../storage/etcd3/errors.go``.
"""

from __future__ import annotations

from strongroom.api.errors import (
    GroupResource,
    StatusCause,
    StatusDetails,
    StatusError,
    already_exists,
    conflict,
    expired,
    internal_error,
    too_large,
)
from strongroom.registry.view import Undecodable
from strongroom.storage.errors import (
    Compacted,
    FutureRevision,
    KeyExists,
    NoSpace,
    StoreError,
    StoreUnavailable,
    SubscriberTooSlow,
    TooLarge,
    TooLargeRevision,
)

LIST_EXPIRED = "The resourceVersion for the provided list is too old."
CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter, or use the continue token in this response "
    "to retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


def too_large_revision(requested: int, current: int) -> StatusError:
    """504: the server has not seen this revision yet; the client may try again in a second."""
    cause = StatusCause(reason="ResourceVersionTooLarge", message="Too large resource version")
    return StatusError(
        504,
        "Timeout",
        f"Timeout: Too large resource version: {requested}, current: {current}",
        details=StatusDetails(causes=[cause], retryAfterSeconds=1),
    )


def generated_name_taken(resource: GroupResource, name: str) -> StatusError:
    """409: the server found no free name, which chance may mend a second later."""
    error = already_exists(resource, name, generated=True)
    if error.details is not None:
        error.details.retryAfterSeconds = 1
    return error


def precondition_failed(
    resource: GroupResource, name: str, key: str, field: str, wanted: str, found: str
) -> StatusError:
    """409: the UID (or ResourceVersion) that an update names is not that of the stored object."""
    return conflict(
        resource,
        name,
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, "
        f"AdditionalErrorMsg: Precondition failed: {field} in precondition: {wanted}, "
        f"{field} in object meta: {found}",
    )


class translated:  # noqa: N801 - reads as what it does to the block
    """Turn storage errors into StatusErrors for one operation on one resource.

    A class, because every read passes through it and a generator would cost as much as the read.
    """

    __slots__ = ("_name", "_resource", "_verb")

    def __init__(self, resource: GroupResource, verb: str, name: str = "") -> None:
        self._resource = resource
        self._verb = verb
        self._name = name

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, SubscriberTooSlow):
            return  # The client is not told why its watch ends: it simply comes back.
        if isinstance(error, (StoreError, Undecodable)):
            raise status_of(error, self._resource, self._verb, self._name) from error


def status_of(
    error: StoreError | Undecodable, resource: GroupResource, verb: str, name: str
) -> StatusError:
    """What a client is told of a storage error."""
    match error:
        case KeyExists():
            return already_exists(resource, name)
        case Compacted():
            return _expired(verb, error)
        case FutureRevision() | TooLargeRevision():
            return too_large_revision(error.requested, error.current)
        case TooLarge():
            return too_large(error.limit)
        case NoSpace():
            return internal_error(str(error))
        case StoreUnavailable():
            return _server_timeout(resource, verb)
        case Undecodable():
            what = f"{resource} {name!r}" if name else str(resource)
            return internal_error(f"a stored value of {what} cannot be decoded: {error}")
    # The texts of storage errors hold keys and reasons, never values.
    return internal_error(str(error))


def _expired(verb: str, error: Compacted) -> StatusError:
    if verb == "watch":
        return expired(f"too old resource version: {error.requested} ({error.compacted})")
    return expired(LIST_EXPIRED)


def _server_timeout(resource: GroupResource, verb: str) -> StatusError:
    return StatusError(
        500,
        "ServerTimeout",
        f"The {verb} operation against {resource} could not be completed at this time, "
        "please try again.",
        details=StatusDetails(
            name=verb, group=resource.group, kind=resource.resource, retryAfterSeconds=2
        ),
    )
