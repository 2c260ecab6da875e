"""What readers of audit events need of ``audit.k8s.io/v1``: who, what, when, with which outcome.

A log is read line by line, and most lines are of no interest: these types hold only what is judged
and shown, and skip the rest unread. Whoever passes an event on passes on its bytes.
"""

from __future__ import annotations

import msgspec

DECISION = "authorization.k8s.io/decision"
REASON = "authorization.k8s.io/reason"
VALUES = "secrets.strongroom.io/values"
"""Of how many Secrets an answer sent values; ``watch``: of as many as change."""
NAME = "secrets.strongroom.io/name"
"""The name of a Secret that was made, which its URL does not tell."""
KEYS = "secrets.strongroom.io/keys"
"""Which keys of a Secret were sent, when not all were."""
GRANTED_BY = "secrets.strongroom.io/granted-by"
"""Of which Secret a node was given values by a reference: ``NS/NAME by GRANT, GRANT``."""
TRUNCATED = "audit.k8s.io/truncated"
LINK = "chain.strongroom.io/link"
"""The place of a line in its log's chain; see ``strongroom.audit_chain``."""
LOST = "chain.strongroom.io/lost"
"""How many events before this one could not be written, because the disk would not have them."""

REQUEST_RECEIVED = "RequestReceived"
RESPONSE_STARTED = "ResponseStarted"
RESPONSE_COMPLETE = "ResponseComplete"
PANIC = "Panic"


class EventUser(msgspec.Struct, frozen=True, gc=False):
    """Who asked. All is empty for somebody unknown."""

    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()


class ObjectReference(msgspec.Struct, frozen=True, gc=False):
    """What was asked for. ``name`` is empty for lists, watches and most creates."""

    resource: str = ""
    namespace: str = ""
    name: str = ""
    apiGroup: str = ""
    apiVersion: str = ""
    subresource: str = ""


class EventStatus(msgspec.Struct, frozen=True, gc=False):
    """The outcome. ``code`` is 0 while there is none."""

    code: int = 0
    reason: str = ""


class AuditEvent(msgspec.Struct, frozen=True):
    """One event. Times are RFC 3339 in UTC with microseconds, and so sort as text."""

    auditID: str = ""
    level: str = ""
    stage: str = ""
    verb: str = ""
    requestURI: str = ""
    user: EventUser = EventUser()
    impersonatedUser: EventUser | None = None
    sourceIPs: tuple[str, ...] = ()
    userAgent: str = ""
    objectRef: ObjectReference | None = None
    responseStatus: EventStatus | None = None
    requestReceivedTimestamp: str = ""
    stageTimestamp: str = ""
    annotations: dict[str, str] = {}

    @property
    def code(self) -> int:
        """The outcome's code; 0 while there is none."""
        return self.responseStatus.code if self.responseStatus is not None else 0

    @property
    def acting(self) -> EventUser:
        """Whose rights were used: the user that was impersonated, if any."""
        return self.impersonatedUser or self.user


decode_event = msgspec.json.Decoder(AuditEvent).decode
"""Reads one line. Raises msgspec.DecodeError (ValidationError for what has another shape)."""
