"""Audit events as their readers see them."""

import msgspec
import pytest

from strongroom.api.audit import AuditEvent, EventUser, decode_event


def test_an_event_is_read_without_what_nobody_needs() -> None:
    event = decode_event(
        b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"x",'
        b'"stage":"ResponseComplete","requestURI":"/api/v1/secrets","verb":"list",'
        b'"user":{"username":"jane","groups":["a"],"extra":{"k":["v"]}},'
        b'"impersonatedUser":{"username":"joe"},"objectRef":{"resource":"secrets"},'
        b'"responseStatus":{"metadata":{},"code":403,"status":"Failure"},'
        b'"requestObject":{"any":[1]},"annotations":{"a":"b"}}\n'
    )
    assert (event.user.username, event.acting.username, event.code) == ("jane", "joe", 403)
    assert event.objectRef is not None
    assert (event.objectRef.resource, event.objectRef.name) == ("secrets", "")
    assert event.annotations == {"a": "b"}


def test_what_is_missing_is_empty() -> None:
    event = decode_event(b"{}")
    assert event == AuditEvent()
    assert (event.acting, event.code, event.objectRef) == (EventUser(), 0, None)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"verb":1}', b'{"user":"jane"}', b"\xff"])
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_event(line)
