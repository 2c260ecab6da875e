"""Who did what, when, with which outcome: audit events, one JSON line each, never with a body.

A request is begun after authentication (a failed one too) and completed when its answer has been
sent. The events are ``audit.k8s.io/v1`` at level Metadata: user, verb, object, code; neither what
was sent nor what was answered, nor what is said of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from strongroom.access.user import User
from strongroom.api.clock import Clock
from strongroom.api.errors import Status
from strongroom.api.times import format_micro_time
from strongroom.server.audit.sink import Sink
from strongroom.server.kept import Kept
from strongroom.server.request import Request
from strongroom.server.urls import Target

RESPONSE_STARTED = b"ResponseStarted"
RESPONSE_COMPLETE = b"ResponseComplete"
PANIC = b"Panic"

DECISION = "authorization.k8s.io/decision"
REASON = "authorization.k8s.io/reason"

QUIET_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/metrics", "/version"})
"""Read by machines every few seconds and of no consequence: not audited when they succeed."""

_MAX_NAME = 1024
_MAX_TEXT = 8192
"""Most characters told of a name (a user agent's too, as upstream), and of a URI or a message:
whoever can connect may send a megabyte of each, and the log is kept only up to a size."""
_CUT = "...TRUNCATED"

_encode = msgspec.json.Encoder().encode


class Record:
    """The audit trail of one request. ``complete`` writes it, once."""

    __slots__ = (
        "_audit",
        "_done",
        "_request",
        "_target",
        "annotations",
        "impersonated",
        "user",
    )

    def __init__(
        self, audit: Audit, request: Request, target: Target | None, user: User | None
    ) -> None:
        self._audit = audit
        self._request = request
        self._target = target
        self._done = False
        self.user = user
        self.impersonated: User | None = None
        """As whom the user acts, if not as themselves."""
        self.annotations = request.annotations

    def started(self, code: int) -> None:
        """A long answer has begun."""
        self._audit.emit(self._line(RESPONSE_STARTED, code, None))

    def complete(self, code: int, failure: Status | None = None, *, panic: bool = False) -> None:
        """The answer has been sent, or nobody is left to take it."""
        if self._done or self._quiet(code):
            return
        self._done = True
        self._audit.emit(self._line(PANIC if panic else RESPONSE_COMPLETE, code, failure))

    def _quiet(self, code: int) -> bool:
        return code < 400 and self._target is not None and self._target.path in QUIET_PATHS

    def _line(self, stage: bytes, code: int, failure: Status | None) -> bytes:
        """The event as JSON. Put together by hand: most of it was the same the last time."""
        request, target, audit = self._request, self._target, self._audit
        what, reference = audit.place(request, target)
        return _EVENT % (
            request.audit_id.encode(),
            stage,
            what,
            audit.users.of(self.user) if self.user is not None else b"{}",
            b'"impersonatedUser":%b,' % _user(self.impersonated) if self.impersonated else b"",
            _encode([request.source] if request.source else []),
            _encode(_cut(request.headers.get("user-agent", ""), _MAX_NAME)),
            reference,
            _status(code, failure, told=self._may_tell()),
            _moment(request.received),
            _moment(audit.now()),
            b',"annotations":%b' % _encode(self.annotations) if self.annotations else b"",
        )

    def _may_tell(self) -> bool:
        """Whether the message of a failure may be told.

        That of a write which was allowed to be tried may quote values: what a webhook, a policy or
        the schema of a custom kind has against an object is in their words. The client hears it.
        """
        reads = self._request.method in ("GET", "HEAD")
        return reads or self.annotations.get(DECISION) != "allow"


_EVENT = (
    b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"%b",'
    b'"stage":"%b",%b,"user":%b,%b"sourceIPs":%b,"userAgent":%b%b,"responseStatus":%b,'
    b'"requestReceivedTimestamp":%b,"stageTimestamp":%b%b}\n'
)


class Audit:
    """Makes records and hands their events to a sink; without one, nothing is written."""

    def __init__(self, sink: Sink | None, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._places: Kept[Target, tuple[bytes, bytes]] = Kept(_place)
        self.users: Kept[User, bytes] = Kept(_user)
        """The JSON of users."""

    def begin(self, request: Request, target: Target | None, user: User | None) -> Record:
        """The record of a request, known by now as far as it can be."""
        return Record(self, request, target, user)

    def now(self) -> datetime:
        """The moment of an event."""
        return self._clock.now()

    def place(self, request: Request, target: Target | None) -> tuple[bytes, bytes]:
        """JSON of what was asked for: URI with verb, and the object."""
        uri = _cut(request.uri, _MAX_TEXT)
        if target is None:
            return _what(uri, request.method.lower()), b""
        if not target.lasting:
            return _what(uri, target.verb), _object_ref(target)
        verb, reference = self._places.of(target)
        return b'"requestURI":%b,%b' % (_encode(uri), verb), reference

    def emit(self, line: bytes) -> None:
        """Write an event."""
        if self._sink is not None:
            self._sink.write(line)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + _CUT


def _user(user: User) -> bytes:
    return _encode(user.tree())


def _place(target: Target) -> tuple[bytes, bytes]:
    return b'"verb":' + _encode(target.verb), _object_ref(target)


def _what(uri: str, verb: str) -> bytes:
    return b'"requestURI":%b,"verb":%b' % (_encode(uri), _encode(verb))


def _object_ref(target: Target) -> bytes:
    if not target.is_resource:
        return b""
    reference = {
        "resource": target.resource,
        "namespace": target.namespace,
        "name": target.name,
        "apiGroup": target.group,
        "apiVersion": target.version,
        "subresource": target.subresource,
    }
    given = {name: _cut(value, _MAX_NAME) for name, value in reference.items() if value}
    return b',"objectRef":' + _encode(given)


def _status(code: int, failure: Status | None, *, told: bool) -> bytes:
    if failure is None:
        return b'{"metadata":{},"code":%d}' % code
    status: dict[str, Any] = {"metadata": {}, "code": code}
    status["status"] = failure.status
    if told:
        status["message"] = _cut(failure.message, _MAX_TEXT)
    status["reason"] = failure.reason
    return _encode(status)


def _moment(moment: datetime) -> bytes:
    """MicroTime as JSON; the encoder leaves a fraction of zero out."""
    return _encode(moment) if moment.microsecond else _encode(format_micro_time(moment))
