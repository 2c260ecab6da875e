"""Who did what, when, with which outcome: audit events, one JSON line each, never with a value.

A request is begun after authentication (a failed one too) and completed when its answer has been
sent. The events are ``audit.k8s.io/v1``, of every request at level Metadata (user, verb, object,
code) unless a policy says otherwise; bodies are told without values (:mod:`.bodies`).
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from strongroom.access.user import User
from strongroom.api.clock import Clock
from strongroom.api.codec import to_tree
from strongroom.api.errors import Status
from strongroom.api.meta import Object
from strongroom.api.times import format_micro_time
from strongroom.server.audit.policy import (
    DEFAULT,
    PANIC,
    REQUEST_RECEIVED,
    RESPONSE_COMPLETE,
    RESPONSE_STARTED,
    Judgement,
    Judging,
    Level,
)
from strongroom.server.audit.sink import Sink
from strongroom.server.kept import Kept
from strongroom.server.request import Request
from strongroom.server.urls import Target
from strongroom.telemetry import log

if TYPE_CHECKING:
    from strongroom.server.audit.bodies import Bodies
    from strongroom.server.call import Call
    from strongroom.server.verbs.verb import Outcome

logger = logging.getLogger("strongroom.server")

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


class _Body:
    """What bodies add to the events of a request: names that its URL does not tell, and JSON."""

    __slots__ = ("answered", "named", "sent")

    def __init__(self, named: dict[str, str]) -> None:
        self.named = named
        self.sent = b""
        self.answered = b""


class Record:
    """The audit trail of one request. ``complete`` writes its end, once."""

    __slots__ = (
        "_audit",
        "_body",
        "_done",
        "_judgement",
        "_request",
        "_target",
        "annotations",
        "impersonated",
        "user",
    )

    def __init__(
        self,
        audit: Audit,
        request: Request,
        target: Target | None,
        user: User | None,
        judgement: Judgement = DEFAULT,
    ) -> None:
        self._audit = audit
        self._request = request
        self._target = target
        self._judgement = judgement
        self._done = False
        self._body: _Body | None = None
        self.user = user
        self.impersonated: User | None = None
        """As whom the user acts, if not as themselves."""
        self.annotations = request.annotations

    @property
    def tells_answers(self) -> bool:
        """Whether ``answered`` is to be called."""
        return self._judgement.level is Level.REQUEST_RESPONSE

    async def sent(self, call: Call) -> None:
        """The request's body has been decoded."""
        judgement, bodies = self._judgement, self._audit.bodies
        if judgement.level is Level.NONE:
            return
        body = self._body = _Body(_named(call))
        if judgement.level < Level.REQUEST or bodies is None:
            return
        try:
            body.sent = await bodies.sent(call, managed_fields=judgement.managed_fields)
        except Exception as error:  # noqa: BLE001 - no request fails by what is told of it
            self._note_failure(error)

    async def answered(self, call: Call, outcome: Outcome) -> None:
        """The request has been served; this is what will be answered."""
        judgement, bodies = self._judgement, self._audit.bodies
        if bodies is None:
            return
        body = self._body = self._body or _Body({})
        try:
            told = judgement.managed_fields
            body.answered = await bodies.answered(call, outcome, managed_fields=told)
        except Exception as error:  # noqa: BLE001 - no request fails by what is told of it
            self._note_failure(error)

    def received(self) -> None:
        """The request is known as far as it is before anything is done for it."""
        if REQUEST_RECEIVED in self._judgement.stages:
            self._audit.emit(self._line(REQUEST_RECEIVED, 0, None))

    def started(self, code: int) -> None:
        """A long answer has begun."""
        if RESPONSE_STARTED in self._judgement.stages:
            self._audit.emit(self._line(RESPONSE_STARTED, code, None))

    def complete(self, code: int, failure: Status | None = None, *, panic: bool = False) -> None:
        """The answer has been sent, or nobody is left to take it."""
        stage = PANIC if panic else RESPONSE_COMPLETE
        if self._done or self._quiet(code) or stage not in self._judgement.stages:
            return
        self._done = True
        self._audit.emit(self._line(stage, code, failure))

    def _quiet(self, code: int) -> bool:
        """Whether this is of no interest, where no policy says what is."""
        quiet = code < 400 and self._target is not None and self._target.path in QUIET_PATHS
        return quiet and self._judgement is DEFAULT

    def _line(self, stage: bytes, code: int, failure: Status | None) -> bytes:
        """The event as JSON. Put together by hand: most of it was the same the last time."""
        request, target, audit = self._request, self._target, self._audit
        what, reference = audit.place(request, target)
        body = self._body
        if body is not None and body.named and target is not None:
            reference = _object_ref(target, body.named)
        if stage is REQUEST_RECEIVED:
            outcome, moment = b"", request.received
        elif body is None and failure is None:
            outcome, moment = b',"responseStatus":{"metadata":{},"code":%d}' % code, audit.now()
        else:
            outcome, moment = self._outcome(code, failure), audit.now()
        return _EVENT % (
            self._judgement.name,
            request.audit_id.encode(),
            stage,
            what,
            audit.users.of(self.user) if self.user is not None else b"{}",
            b'"impersonatedUser":%b,' % _user(self.impersonated) if self.impersonated else b"",
            _encode([request.source] if request.source else []),
            _encode(_cut(request.headers.get("user-agent", ""), _MAX_NAME)),
            reference,
            outcome,
            _moment(request.received),
            _moment(moment),
            b',"annotations":%b' % _encode(self.annotations) if self.annotations else b"",
        )

    def _outcome(self, code: int, failure: Status | None) -> bytes:
        """What came of the request, and the bodies."""
        told = failure is None or self._may_tell()
        sent, answered = (self._body.sent, self._body.answered) if self._body else (b"", b"")
        if failure is not None and self.tells_answers:
            answered = _encode(_failure(failure, told=told))
        text = b',"responseStatus":%b' % _status(code, failure, told=told)
        if sent:
            text += b',"requestObject":%b' % sent
        return text + b',"responseObject":%b' % answered if answered else text

    def _note_failure(self, error: Exception) -> None:
        log(logger, logging.ERROR, "audit: no body", error, auditID=self._request.audit_id)

    def _may_tell(self) -> bool:
        """Whether the message of a failure may be told.

        That of a write which was allowed to be tried may quote values: what a webhook, a policy or
        the schema of a custom kind has against an object is in their words. The client hears it.
        """
        reads = self._request.method in ("GET", "HEAD")
        return reads or self.annotations.get(DECISION) != "allow"


_EVENT = (
    b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"%b","auditID":"%b",'
    b'"stage":"%b",%b,"user":%b,%b"sourceIPs":%b,"userAgent":%b%b%b,'
    b'"requestReceivedTimestamp":%b,"stageTimestamp":%b%b}\n'
)


class Audit:
    """Makes records and hands their events to a sink; without one, nothing is written.

    ``judging`` says what is recorded (without it: everything, at Metadata), and ``bodies`` makes
    those that are.
    """

    def __init__(
        self,
        sink: Sink | None,
        clock: Clock,
        judging: Judging | None = None,
        bodies: Bodies | None = None,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._judging = judging
        self.bodies = bodies
        self._places: Kept[Target, tuple[bytes, bytes]] = Kept(_place)
        self.users: Kept[User, bytes] = Kept(_user)
        """The JSON of users."""

    def begin(self, request: Request, target: Target | None, user: User | None) -> Record:
        """The record of a request, known by now as far as it can be."""
        if self._judging is None:
            record = Record(self, request, target, user)
        else:
            record = Record(self, request, target, user, self._judge(request, target, user))
            record.received()
        request.record = record
        return record

    def _judge(self, request: Request, target: Target | None, user: User | None) -> Judgement:
        if self._judging is None:
            return DEFAULT
        if target is None:
            return self._judging.of_unread(request.method, request.path.decode("ascii", "replace"))
        return self._judging.of(target, user)

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


def _named(call: Call) -> dict[str, str]:
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


def _object_ref(target: Target, named: dict[str, str] | None = None) -> bytes:
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


def _failure(status: Status, *, told: bool) -> dict[str, Any]:
    """The Status of a failure, without its words if they may quote values."""
    tree = to_tree(status)
    if not told:
        tree.pop("message", None)
        for cause in tree.get("details", {}).get("causes", ()):
            cause.pop("message", None)
    return tree


def _moment(moment: datetime) -> bytes:
    """MicroTime as JSON; the encoder leaves a fraction of zero out."""
    return _encode(moment) if moment.microsecond else _encode(format_micro_time(moment))
