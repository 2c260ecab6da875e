"""Which events are asked for, and above all: by which of them a Secret may have been read."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec

from strongroom.api.audit import (
    DECISION,
    GRANTED_BY,
    REQUEST_RECEIVED,
    VALUES,
    AuditEvent,
    decode_event,
)
from strongroom.api.audit import ObjectReference as Reference
from strongroom.api.errors import StatusError
from strongroom.api.selectors import FieldSelector
from strongroom.resources.secret_expiry import parse_span

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Test = Callable[[AuditEvent], bool]

_COLLECTIVE = frozenset({"list", "watch", "deletecollection"})
_NAMED = b'"resource":"secret'
"""Begins the resource of Secrets and of their revisions; most lines are not read further."""
_ALL = tuple(b'"verb":"%b"' % verb.encode() for verb in sorted(_COLLECTIVE))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; what is empty does not matter. Times are compared with an event's end."""

    secret: tuple[str, str] | None = None
    """Namespace and name; without a name, all of the namespace."""
    ids: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    denied: bool = False
    values: bool = False
    source: Network | None = None


class Matcher:
    """Finds what is wanted among lines."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._tests = list(_tests(wanted))
        self._name = wanted.secret[1].encode() if wanted.secret is not None else b""

    def event(self, line: bytes) -> AuditEvent | None:
        """The event of a line, if it is wanted. Lines that are none are not."""
        if self._is_other(line):
            return None
        try:
            event = decode_event(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if event.stage == REQUEST_RECEIVED:
            return None  # What came of it is told by another event.
        return event if all(test(event) for test in self._tests) else None

    def _is_other(self, line: bytes) -> bool:
        """Whether a line obviously is of other things, or of another Secret."""
        if self._wanted.secret is None:
            return False
        if _NAMED not in line:
            return True
        return self._name not in line and not any(verb in line for verb in _ALL)


def _tests(wanted: Wanted) -> list[Test]:
    tests: list[Test] = []
    since, until = wanted.since, wanted.until
    if since is not None:
        first = stamp(since)
        tests.append(lambda e: e.stageTimestamp >= first)
    if until is not None:
        last = stamp(until)
        tests.append(lambda e: e.stageTimestamp <= last)
    if wanted.ids:
        tests.append(lambda e: e.auditID in wanted.ids)
    if wanted.verbs:
        tests.append(lambda e: e.verb in wanted.verbs)
    if wanted.users:
        tests.append(lambda e: not wanted.users.isdisjoint({e.user.username, e.acting.username}))
    if wanted.denied:
        tests.append(denied)
    if wanted.values:
        tests.append(lambda e: e.annotations.get(VALUES, "0") != "0")
    network = wanted.source
    if network is not None:
        tests.append(lambda e: any(_within(address, network) for address in e.sourceIPs))
    secret = wanted.secret
    if secret is not None:
        tests.append(lambda e: concerns(e, *secret))
    return tests


def denied(event: AuditEvent) -> bool:
    """Whether it was refused for who asked, not for what."""
    return event.code in (401, 403) or event.annotations.get(DECISION) == "forbid"


def concerns(event: AuditEvent, namespace: str, name: str) -> bool:
    """Whether a Secret, or an earlier state of it, was or may have been touched.

    A list or watch of a namespace, or of all, is one of each Secret there, unless it names another.
    """
    reference = event.objectRef
    if reference is None:
        return False
    if _given(event, namespace, name):
        return True
    if reference.namespace and reference.namespace != namespace:
        return False
    if (reference.apiGroup, reference.resource) == ("", "secrets"):
        return _names(event, reference, namespace, name)
    if (reference.apiGroup, reference.resource) == ("strongroom.io", "secretrevisions"):
        state, _, _ = reference.name.rpartition(".")
        return _may(event, reference, state if reference.name else "", namespace, name)
    return False


def _given(event: AuditEvent, namespace: str, name: str) -> bool:
    """Whether a node was given values of the Secret by a reference in another namespace."""
    origin, _, _ = event.annotations.get(GRANTED_BY, "").partition(" by ")
    owner, _, secret = origin.partition("/")
    return bool(origin) and owner == namespace and name in ("", secret)


def _names(event: AuditEvent, reference: Reference, namespace: str, name: str) -> bool:
    asked = reference.name
    if not asked and event.verb in _COLLECTIVE:
        asked = selected_name(event.requestURI)
    return _may(event, reference, asked, namespace, name)


def _may(event: AuditEvent, reference: Reference, asked: str, namespace: str, name: str) -> bool:
    """Whether an event with this name, or none, is about the Secret."""
    if not asked:
        return event.verb in _COLLECTIVE or (not name and reference.namespace == namespace)
    return reference.namespace == namespace and name in ("", asked)


def selected_name(uri: str) -> str:
    """The only name that a list or watch asks for, if there is one.

    Read as the server does, by the same parser and of several selectors the first: else a selector
    could name one Secret here and show all of them there.
    """
    query = urlsplit(uri).query
    try:
        given = parse_qs(query, keep_blank_values=True).get("fieldSelector", [""])
        return FieldSelector.parse(given[0]).requires_exact("metadata.name") or ""
    except (StatusError, ValueError):
        return ""


def _within(address: str, network: Network) -> bool:
    try:
        return ipaddress.ip_address(address) in network
    except ValueError:
        return False


def stamp(moment: datetime) -> str:
    """A moment as events have it, to be compared as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_moment(text: str, now: datetime) -> datetime:
    """A time (RFC 3339; without a zone: UTC), or how long ago. Raises ValueError."""
    try:
        ago: timedelta = parse_span(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("expected a span such as 90m or 7d, or 2026-01-31T12:00:00Z") from None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return now - ago
