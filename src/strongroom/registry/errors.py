"""The one place where storage errors become API errors.

    storage                          API
    KeyExists                        409 AlreadyExists
    Compacted                        410 Expired
    FutureRevision, TooLargeRevision 504 Timeout, cause ResourceVersionTooLarge
    Undecryptable, Undecodable       500 InternalError, naming the key and nothing of the value
    StoreUnavailable                 500 ServerTimeout with retry after 2 s

Wording: ``k8s.io/apiserver/pkg/storage/errors``, ``.../storage/etcd3/errors.go``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from strongroom.api.errors import (
    GroupResource,
    StatusCause,
    StatusDetails,
    StatusError,
    already_exists,
    conflict,
    expired,
    internal_error,
)
from strongroom.registry.view import Undecodable
from strongroom.storage.errors import (
    Compacted,
    FutureRevision,
    KeyExists,
    StoreError,
    StoreUnavailable,
    SubscriberTooSlow,
    TooLargeRevision,
    Undecryptable,
    UndecryptableList,
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


@contextmanager
def translated(resource: GroupResource, verb: str, name: str = "") -> Iterator[None]:
    """Turn storage errors into StatusErrors for one operation on one resource."""
    try:
        yield
    except KeyExists as error:
        raise already_exists(resource, name) from error
    except Compacted as error:
        raise _expired(verb, error) from error
    except (FutureRevision, TooLargeRevision) as error:
        raise too_large_revision(error.requested, error.current) from error
    except (Undecryptable, UndecryptableList) as error:
        # Their texts hold keys and reasons, never values.
        raise internal_error(str(error)) from error
    except Undecodable as error:
        what = f"the stored value of {resource} {name!r} cannot be decoded: {error}"
        raise internal_error(what) from error
    except StoreUnavailable as error:
        raise _server_timeout(resource, verb) from error
    except SubscriberTooSlow:
        # Not the client's business: its watch simply ends, and it comes back.
        raise
    except StoreError as error:
        raise internal_error(str(error)) from error


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
