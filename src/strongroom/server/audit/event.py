"""The JSON of audit events, piece by piece: each is made of as little as possible, and no value."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from strongroom.access.user import User
from strongroom.api.codec import to_tree
from strongroom.api.errors import Status
from strongroom.api.meta import Object
from strongroom.api.times import format_micro_time
from strongroom.server.urls import Target

if TYPE_CHECKING:
    from strongroom.server.call import Call

MAX_NAME = 1024
MAX_TEXT = 8192
"""Most characters told of a name (a user agent's too, as upstream), and of a URI or a message:
whoever can connect may send a megabyte of each, and the log is kept only up to a size."""
CUT = "...TRUNCATED"
"""Ends a text that was longer."""

encode = msgspec.json.Encoder().encode

EVENT = (
    b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"%b","auditID":"%b",'
    b'"stage":"%b",%b,"user":%b,%b"sourceIPs":%b,"userAgent":%b%b%b,'
    b'"requestReceivedTimestamp":%b,"stageTimestamp":%b%b}\n'
)
"""A whole event. If it has annotations, they stand last: others add theirs there."""


def cut(text: str, most: int) -> str:
    """A text of bounded length."""
    return text if len(text) <= most else text[:most] + CUT


def user_json(user: User) -> bytes:
    """A user."""
    return encode(user.tree())


def place_json(target: Target) -> tuple[bytes, bytes]:
    """Verb and object of a URL, which are the same each time that it comes."""
    return b'"verb":' + encode(target.verb), object_ref(target)


def what_json(uri: str, verb: str) -> bytes:
    """URI and verb."""
    return b'"requestURI":%b,"verb":%b' % (encode(uri), encode(verb))


def names_in(call: Call) -> dict[str, str]:
    """What an object says of itself that its URL does not."""
    if not isinstance(call.body, Object):
        return {}
    meta, target = call.body.metadata, call.target
    told = {"uid": meta.uid, "resourceVersion": meta.resourceVersion}
    if not target.name:
        told["name"] = meta.name
    if not target.namespace:
        told["namespace"] = meta.namespace
    return {name: value for name, value in told.items() if value}


def object_ref(target: Target, named: dict[str, str] | None = None) -> bytes:
    """The object that a URL is for, with what else is known of it; nothing for other paths."""
    if not target.is_resource:
        return b""
    reference = {
        "resource": target.resource,
        "namespace": target.namespace,
        "name": target.name,
        "apiGroup": target.group,
        "apiVersion": target.version,
        "subresource": target.subresource,
        **(named or {}),
    }
    given = {name: cut(value, MAX_NAME) for name, value in reference.items() if value}
    return b',"objectRef":' + encode(given)


def status_json(code: int, failure: Status | None, *, told: bool) -> bytes:
    """How a request ended; the message of a failure only if it may be ``told``."""
    if failure is None:
        return b'{"metadata":{},"code":%d}' % code
    status: dict[str, Any] = {"metadata": {}, "code": code}
    status["status"] = failure.status
    if told:
        status["message"] = cut(failure.message, MAX_TEXT)
    status["reason"] = failure.reason
    return encode(status)


def failure_tree(status: Status, *, told: bool) -> dict[str, Any]:
    """The Status of a failure, without its words if they may quote values."""
    tree = to_tree(status)
    if not told:
        tree.pop("message", None)
        for cause in tree.get("details", {}).get("causes", ()):
            cause.pop("message", None)
    return tree


def moment_json(moment: datetime) -> bytes:
    """MicroTime as JSON; the encoder leaves a fraction of zero out."""
    return encode(moment) if moment.microsecond else encode(format_micro_time(moment))
