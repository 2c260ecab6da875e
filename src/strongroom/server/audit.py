"""Who did what, when, with which outcome: audit events, one JSON line each, never with a body.

A request is begun after authentication (a failed one too) and completed when its answer has been
sent. The events are ``audit.k8s.io/v1`` at level Metadata: user, verb, object, code; neither what
was sent nor what was answered.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from strongroom.access.user import User
from strongroom.api.clock import Clock
from strongroom.api.errors import Status
from strongroom.api.times import format_micro_time
from strongroom.server.request import Request
from strongroom.server.urls import Target

RESPONSE_STARTED = "ResponseStarted"
RESPONSE_COMPLETE = "ResponseComplete"
PANIC = "Panic"

DECISION = "authorization.k8s.io/decision"
REASON = "authorization.k8s.io/reason"

QUIET_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/metrics", "/version"})
"""Read by machines every few seconds and of no consequence: not audited when they succeed."""

_encoder = msgspec.json.Encoder()


class Sink(Protocol):
    """Where audit events go."""

    def write(self, line: bytes) -> None:
        """Take one event as a JSON line. Must neither block nor raise."""
        ...


class Record:
    """The audit trail of one request. ``complete`` writes it, once."""

    __slots__ = ("_audit", "_done", "_request", "_target", "annotations", "user")

    def __init__(
        self, audit: Audit, request: Request, target: Target | None, user: User | None
    ) -> None:
        self._audit = audit
        self._request = request
        self._target = target
        self._done = False
        self.user = user
        self.annotations = request.annotations

    def started(self, code: int) -> None:
        """A long answer has begun."""
        self._audit.emit(self._event(RESPONSE_STARTED, code, None))

    def complete(self, code: int, failure: Status | None = None, *, panic: bool = False) -> None:
        """The answer has been sent, or nobody is left to take it."""
        if self._done or self._quiet(code):
            return
        self._done = True
        self._audit.emit(self._event(PANIC if panic else RESPONSE_COMPLETE, code, failure))

    def _quiet(self, code: int) -> bool:
        path = self._target.path if self._target else ""
        return code < 400 and path in QUIET_PATHS

    def _event(self, stage: str, code: int, failure: Status | None) -> dict[str, Any]:
        request = self._request
        event: dict[str, Any] = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": request.audit_id,
            "stage": stage,
            "requestURI": request.uri,
            "verb": self._target.verb if self._target else request.method.lower(),
            "user": _user(self.user),
            "sourceIPs": [request.source] if request.source else [],
            "userAgent": request.headers.get("user-agent", ""),
        }
        if self._target is not None and self._target.is_resource:
            event["objectRef"] = _object_ref(self._target)
        event["responseStatus"] = _status(code, failure)
        event["requestReceivedTimestamp"] = format_micro_time(request.received)
        event["stageTimestamp"] = format_micro_time(self._audit.now())
        if self.annotations:
            event["annotations"] = self.annotations
        return event


class Audit:
    """Makes records and hands their events to a sink; without one, nothing is written."""

    def __init__(self, sink: Sink | None, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock

    def begin(self, request: Request, target: Target | None, user: User | None) -> Record:
        """The record of a request, known by now as far as it can be."""
        return Record(self, request, target, user)

    def now(self) -> datetime:
        """The moment of an event."""
        return self._clock.now()

    def emit(self, event: dict[str, Any]) -> None:
        """Write an event."""
        if self._sink is not None:
            self._sink.write(_encoder.encode(event) + b"\n")


class LogSink:
    """Appends events to a file (0600): one write for all events of a turn of the event loop.

    So the log is at most a turn behind, and the busier the server the larger each write. At
    ``max_bytes`` the file is renamed with the time of the change, and the oldest such files beyond
    ``keep`` are removed. When the disk fails, ``on_error`` is told and events are lost rather than
    answers.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        on_error: Callable[[OSError], None],
        *,
        max_bytes: int = 100 * 1024 * 1024,
        keep: int = 10,
    ) -> None:
        self._path = path
        self._clock = clock
        self._on_error = on_error
        self._max_bytes = max_bytes
        self._keep = keep
        self._pending: list[bytes] = []
        self._file = self._open()
        self._size = os.fstat(self._file).st_size

    def write(self, line: bytes) -> None:
        if not self._pending:
            asyncio.get_running_loop().call_soon(self.flush)
        self._pending.append(line)

    def flush(self) -> None:
        """Write what is pending."""
        if not self._pending:
            return
        content = b"".join(self._pending)
        self._pending.clear()
        try:
            if self._size + len(content) > self._max_bytes and self._size:
                self._rotate()
            self._append(content)
        except OSError as error:
            self._on_error(error)

    def close(self) -> None:
        """Write what is pending and close the file."""
        self.flush()
        os.close(self._file)

    def _append(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            written = os.write(self._file, left)
            self._size += written
            left = left[written:]

    def _rotate(self) -> None:
        stamp = self._clock.now().strftime("%Y-%m-%dT%H-%M-%S.%f")
        self._path.rename(self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}"))
        os.close(self._file)
        self._file = self._open()
        self._size = 0
        old = sorted(self._path.parent.glob(f"{self._path.stem}-*{self._path.suffix}"))
        for path in old[: -self._keep]:
            path.unlink(missing_ok=True)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _user(user: User | None) -> dict[str, Any]:
    if user is None:
        return {}
    told: dict[str, Any] = {"username": user.name}
    if user.uid:
        told["uid"] = user.uid
    if user.groups:
        told["groups"] = user.groups
    if user.extra:
        told["extra"] = user.extra
    return told


def _object_ref(target: Target) -> dict[str, str]:
    reference = {
        "resource": target.resource,
        "namespace": target.namespace,
        "name": target.name,
        "apiGroup": target.group,
        "apiVersion": target.version,
        "subresource": target.subresource,
    }
    return {name: value for name, value in reference.items() if value}


def _status(code: int, failure: Status | None) -> dict[str, Any]:
    status: dict[str, Any] = {"metadata": {}, "code": code}
    if failure is not None:
        status["status"] = failure.status
        status["message"] = failure.message
        status["reason"] = failure.reason
    return status
