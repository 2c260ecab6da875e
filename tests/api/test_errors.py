"""Status errors: code, reason, message and details as upstream's."""

from __future__ import annotations

import pytest

from strongroom.api import codec, errors
from strongroom.api.errors import GroupKind, GroupResource, StatusError
from strongroom.api.validation import Path, required

SECRETS = GroupResource("", "secrets")
LEASES = GroupResource("coordination.k8s.io", "leases")


@pytest.mark.parametrize(
    ("error", "code", "reason", "message"),
    [
        (errors.not_found(SECRETS, "n"), 404, "NotFound", 'secrets "n" not found'),
        (
            errors.not_found(LEASES, "n"),
            404,
            "NotFound",
            'leases.coordination.k8s.io "n" not found',
        ),
        (errors.already_exists(SECRETS, "n"), 409, "AlreadyExists", 'secrets "n" already exists'),
        (
            errors.already_exists(SECRETS, "n", generated=True),
            409,
            "AlreadyExists",
            (
                'secrets "n" already exists, '
                "the server was not able to generate a unique name for the object"
            ),
        ),
        (
            errors.conflict(SECRETS, "n"),
            409,
            "Conflict",
            (
                'Operation cannot be fulfilled on secrets "n": the object has been modified; '
                "please apply your changes to the latest version and try again"
            ),
        ),
        (errors.forbidden(SECRETS, "n", "no"), 403, "Forbidden", 'secrets "n" is forbidden: no'),
        (errors.forbidden(SECRETS, "", "no"), 403, "Forbidden", "secrets is forbidden: no"),
        (errors.forbidden(GroupResource("", ""), "", "no"), 403, "Forbidden", "forbidden: no"),
        (errors.unauthorized(), 401, "Unauthorized", "Unauthorized"),
        (errors.bad_request("why"), 400, "BadRequest", "why"),
        (
            errors.not_acceptable(["a/b", "c/d"]),
            406,
            "NotAcceptable",
            "only the following media types are accepted: a/b, c/d",
        ),
        (
            errors.unsupported_media_type(["a/b"]),
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: a/b",
        ),
        (errors.expired("old"), 410, "Expired", "old"),
        (errors.too_large("big"), 413, "RequestEntityTooLarge", "big"),
        (errors.internal_error("x"), 500, "InternalError", "Internal error occurred: x"),
        (errors.too_many_requests("busy"), 429, "TooManyRequests", "busy"),
    ],
)
def test_messages(error: StatusError, code: int, reason: str, message: str) -> None:
    assert (error.code, error.reason, str(error)) == (code, reason, message)
    status = error.to_status()
    assert (status.code, status.reason, status.message) == (code, reason, message)
    assert (status.kind, status.apiVersion, status.status) == ("Status", "v1", "Failure")


def test_invalid_on_the_wire() -> None:
    error = errors.invalid(GroupKind("", "Secret"), "n", [required(Path("data").key("a"), "why")])
    assert codec.encode(error.to_status()) == (
        b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        b'"message":"Secret \\"n\\" is invalid: data[a]: Required value: why",'
        b'"reason":"Invalid","details":{"name":"n","kind":"Secret","causes":['
        b'{"reason":"FieldValueRequired","message":"Required value: why","field":"data[a]"}]},'
        b'"code":422}'
    )


def test_several_findings_are_listed_once_each() -> None:
    findings = [required(Path("a")), required(Path("b")), required(Path("a"))]
    error = errors.invalid(GroupKind("g", "K"), "n", findings)
    assert str(error) == 'K.g "n" is invalid: [a: Required value, b: Required value]'
    assert error.details is not None
    assert len(error.details.causes) == 3


def test_a_continue_token_travels_in_the_metadata() -> None:
    status = errors.expired("old", continue_token="token").to_status()
    assert codec.encode(status.metadata) == b'{"continue":"token"}'
