"""Every storage error becomes an API error, and none brings a value with it."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.errors import GroupResource, StatusError
from strongroom.registry.errors import translated
from strongroom.registry.view import Undecodable
from strongroom.storage import errors
from strongroom.storage.port import KeyValue, Page

SECRETS = GroupResource("", "secrets")
VALUE = KeyValue("/registry/secrets/prod/a", b"canary", 2, 3)
UNREADABLE = errors.Undecryptable(VALUE.key, "no key k1", create_revision=2, mod_revision=3)
UNAVAILABLE = (
    500,
    "ServerTimeout",
    "The get operation against secrets could not be completed at this time, please try again.",
)

CASES: dict[type[Exception], tuple[Exception, tuple[int, str, str]]] = {
    errors.KeyExists: (
        errors.KeyExists(VALUE.key),
        (409, "AlreadyExists", 'secrets "a" already exists'),
    ),
    errors.RevisionConflict: (
        errors.RevisionConflict(VALUE.key, VALUE),
        (
            500,
            "InternalError",
            (
                "Internal error occurred: key '/registry/secrets/prod/a' is at revision 3, not at "
                "the expected revision"
            ),
        ),
    ),
    errors.Compacted: (
        errors.Compacted(2, 5),
        (410, "Expired", "The resourceVersion for the provided list is too old."),
    ),
    errors.FutureRevision: (
        errors.FutureRevision(9, 5),
        (504, "Timeout", "Timeout: Too large resource version: 9, current: 5"),
    ),
    errors.TooLargeRevision: (
        errors.TooLargeRevision(9, 5),
        (504, "Timeout", "Timeout: Too large resource version: 9, current: 5"),
    ),
    errors.TooLarge: (
        errors.TooLarge("/registry/secrets/prod/a", "etcd takes no more"),
        (413, "RequestEntityTooLarge", "etcd takes no more"),
    ),
    errors.Undecryptable: (
        UNREADABLE,
        (
            500,
            "InternalError",
            (
                "Internal error occurred: the value of key '/registry/secrets/prod/a' cannot be "
                "decrypted: no key k1"
            ),
        ),
    ),
    errors.UndecryptableList: (
        errors.UndecryptableList([UNREADABLE], Page([VALUE], 3, False, 0)),
        (
            500,
            "InternalError",
            (
                "Internal error occurred: values of 1 keys cannot be decrypted: "
                "'/registry/secrets/prod/a'"
            ),
        ),
    ),
    errors.StoreUnavailable: (errors.StoreUnavailable("disk"), UNAVAILABLE),
    errors.StoreClosed: (errors.StoreClosed("closed"), UNAVAILABLE),
    errors.StoreLocked: (errors.StoreLocked("locked"), UNAVAILABLE),
    errors.NoSpace: (
        errors.NoSpace("the disk is full"),
        (500, "InternalError", "Internal error occurred: the disk is full"),
    ),
    errors.UnknownFormat: (errors.UnknownFormat("format"), UNAVAILABLE),
    Undecodable: (
        Undecodable("not a stored Secret"),
        (
            500,
            "InternalError",
            (
                "Internal error occurred: a stored value of secrets 'a' cannot be decoded: "
                "not a stored Secret"
            ),
        ),
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_what_a_client_is_told(kind: type[Exception]) -> None:
    error, told = CASES[kind]
    with pytest.raises(StatusError) as caught, translated(SECRETS, "get", "a"):
        raise error
    status = caught.value.to_status()
    assert (status.code, status.reason, status.message) == told
    assert caught.value.__cause__ is error
    assert "canary" not in repr(status) + status.message


def test_no_storage_error_is_forgotten() -> None:
    def below(kind: type[Any]) -> set[type[Any]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    known = {kind for kind in below(errors.StoreError) if kind.__module__ == errors.__name__}
    # A slow watcher's stream ends without an error; the base class is never raised.
    assert known - set(CASES) == {errors.StoreError, errors.SubscriberTooSlow}


def test_an_expired_watch_is_told_both_revisions() -> None:
    with pytest.raises(StatusError) as caught, translated(SECRETS, "watch"):
        raise errors.Compacted(2, 5)
    assert caught.value.message == "too old resource version: 2 (5)"


def test_errors_of_other_kinds_pass() -> None:
    with pytest.raises(errors.SubscriberTooSlow), translated(SECRETS, "watch"):
        raise errors.SubscriberTooSlow(1, 2)
    with pytest.raises(KeyError), translated(SECRETS, "get"):
        raise KeyError("x")
