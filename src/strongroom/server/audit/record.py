"""Who did what, when, with which outcome: audit events, one JSON line each, never with a value.

A request is begun after authentication (a failed one too) and completed when its answer has been
sent. The events are ``audit.k8s.io/v1``, of every request at level Metadata (user, verb, object,
code) unless a policy says otherwise; bodies are told without values (:mod:`.bodies`).
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from strongroom.access.user import User
from strongroom.api.audit import DECISION
from strongroom.api.clock import Clock
from strongroom.api.errors import Status
from strongroom.server.audit.event import (
    EVENT,
    MAX_NAME,
    MAX_TEXT,
    cut,
    encode,
    failure_tree,
    moment_json,
    names_in,
    object_ref,
    place_json,
    status_json,
    user_json,
    what_json,
)
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

QUIET_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/metrics", "/version"})
"""Read by machines every few seconds and of no consequence: not audited when they succeed."""


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
        body = self._body = _Body(names_in(call))
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
            reference = object_ref(target, body.named)
        if stage is REQUEST_RECEIVED:
            outcome, moment = b"", request.received
        elif body is None and failure is None:
            outcome, moment = b',"responseStatus":{"metadata":{},"code":%d}' % code, audit.now()
        else:
            outcome, moment = self._outcome(code, failure), audit.now()
        return EVENT % (
            self._judgement.name,
            request.audit_id.encode(),
            stage,
            what,
            audit.users.of(self.user) if self.user is not None else b"{}",
            b'"impersonatedUser":%b,' % user_json(self.impersonated) if self.impersonated else b"",
            encode([request.source] if request.source else []),
            encode(cut(request.headers.get("user-agent", ""), MAX_NAME)),
            reference,
            outcome,
            moment_json(request.received),
            moment_json(moment),
            b',"annotations":%b' % encode(self.annotations) if self.annotations else b"",
        )

    def _outcome(self, code: int, failure: Status | None) -> bytes:
        """What came of the request, and the bodies."""
        told = failure is None or self._may_tell()
        sent, answered = (self._body.sent, self._body.answered) if self._body else (b"", b"")
        if failure is not None and self.tells_answers:
            answered = encode(failure_tree(failure, told=told))
        text = b',"responseStatus":%b' % status_json(code, failure, told=told)
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
        self._places: Kept[Target, tuple[bytes, bytes]] = Kept(place_json)
        self.users: Kept[User, bytes] = Kept(user_json)
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
        uri = cut(request.uri, MAX_TEXT)
        if target is None:
            return what_json(uri, request.method.lower()), b""
        if not target.lasting:
            return what_json(uri, target.verb), object_ref(target)
        verb, reference = self._places.of(target)
        return b'"requestURI":%b,%b' % (encode(uri), verb), reference

    def emit(self, line: bytes) -> None:
        """Write an event."""
        if self._sink is not None:
            self._sink.write(line)
