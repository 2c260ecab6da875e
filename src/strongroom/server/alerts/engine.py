"""Audit events in, incidents out: within bounds, at a few microseconds an event."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from strongroom.api.audit import PANIC, REQUEST_RECEIVED, RESPONSE_COMPLETE, RESPONSE_STARTED
from strongroom.api.clock import Clock
from strongroom.api.times import format_micro_time
from strongroom.backup import lines as backup
from strongroom.resources.secretalert import SecretAlert
from strongroom.server.alerts.events import Brief, Seen, decode
from strongroom.server.alerts.incidents import Incident, fingerprint
from strongroom.server.alerts.memory import Memory
from strongroom.server.alerts.policy_file import (
    FIRST,
    LEARNING,
    OTHERS_TOKEN,
    REFUSED,
    TOKEN,
    WHOLE,
    Rule,
)
from strongroom.server.alerts.rules import (
    MAKERS,
    READS,
    WATCH,
    WRITES,
    Context,
    Sighting,
    Surroundings,
    Watcher,
)
from strongroom.server.alerts.windows import Windows
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server.alerts")

MOST_INCIDENTS = 1000
"""Incidents that go on at the same time; the ones that were not seen for longest go first."""

QUIET = 10.0
"""Seconds in which reads of a Secret by the same user, from the same address, count once: the
busiest reads are such, and the audit log has them all."""

_RECENT = timedelta(days=7)
"""Incidents before that are over, whatever their cooldown."""

_MOST_QUIET = 10_000
_MOST_WATCHES = 10_000
"""Watches that are remembered to have been counted when they began."""


class Engine:
    """Holds what the audit log tells against the rules. One for each server, in one process."""

    def __init__(self, clock: Clock, memory: Memory, around: Surroundings) -> None:
        self.since: dict[str, float] = {}
        """From when on each rule that has to learn has been learning."""
        self._clock = clock
        self._context = Context(memory, around, self.since)
        self._watchers: list[Watcher] = []
        self._windows: dict[str, Windows[str]] = {}
        self._going_on: OrderedDict[tuple[str, str], Incident] = OrderedDict()
        self._known: dict[str, SecretAlert] = {}
        self._changed: dict[int, Incident] = {}
        self._watches: OrderedDict[str, None] = OrderedDict()
        self._quiet: dict[tuple[str, str, str, tuple[str, ...]], float] = {}
        self._sort()

    def use(self, rules: Sequence[Rule]) -> None:
        """Judge by these rules from now on; those that stay the same go on as they were."""
        same = {watcher.rule.name: watcher.rule for watcher in self._watchers}
        self._watchers = [MAKERS[rule.type](rule, self._context) for rule in rules]
        for rule in rules:
            if same.get(rule.name) != rule:
                self._windows[rule.name] = Windows()
            if rule.type in LEARNING:
                self.since.setdefault(rule.name, self._clock.now().timestamp())
        names = {rule.name for rule in rules}
        self._windows = {n: windows for n, windows in self._windows.items() if n in names}
        self._sort()

    def resume(self, alerts: Iterable[SecretAlert]) -> None:
        """Know incidents that others were told of before, so that they are told of once."""
        oldest = format_micro_time(self._clock.now() - _RECENT)
        for alert in alerts:
            if alert.spec.lastTime < oldest:
                continue
            known = self._known.get(alert.spec.incident)
            if known is None or known.spec.lastTime < alert.spec.lastTime:
                self._known[alert.spec.incident] = alert

    def feed(self, lines: Iterable[bytes]) -> None:
        """Take events, a line each. Never raises; what is no event is left out."""
        now = self._clock.now().timestamp()
        for line in lines:
            try:
                seen = decode(line)
            except msgspec.DecodeError as error:
                log(logger, logging.WARNING, "an audit event cannot be read", error)
                continue
            self._judge(seen, now)

    def take(self) -> list[Incident]:
        """The incidents that have changed since the last time."""
        changed, self._changed = self._changed, {}
        return list(changed.values())

    def put_back(self, incident: Incident) -> None:
        """Have an incident taken again that could not be told of."""
        self._changed.setdefault(id(incident), incident)

    def _sort(self) -> None:
        """Have the watchers at hand for what they are about."""
        kinds = [(watcher.rule.type, watcher) for watcher in self._watchers]
        self._reads = [w for kind, w in kinds if kind in READS]
        self._firsts = [w for kind, w in kinds if kind == FIRST]
        self._refusals = [w for kind, w in kinds if kind == REFUSED]
        self._tokens = [w for kind, w in kinds if kind == TOKEN]
        self._requests = [w for kind, w in kinds if kind == OTHERS_TOKEN]
        self._wholes = [w for kind, w in kinds if kind == WHOLE]

    def _judge(self, seen: Seen, now: float) -> None:
        if not self._counts(seen):
            return
        sent, code = self._sent(seen), seen.responseStatus.code
        if sent:
            if seen.verb in WRITES or code == 201:
                self._look(self._firsts, seen, sent, now)
            else:
                self._read(seen, sent, now)
        elif code in (401, 403):
            self._look(self._refusals, seen, 0, now)
        elif seen.objectRef.subresource == "token":
            self._look(self._requests, seen, 0, now)
        elif seen.requestURI.startswith(backup.PATH):
            self._look(self._wholes, seen, 0, now)
        if seen.annotations.manual or seen.annotations.generated:
            self._look(self._tokens, seen, sent, now)

    def _read(self, seen: Seen, sent: int, now: float) -> None:
        ref = seen.objectRef
        if not ref.name or seen.impersonatedUser is not None:
            self._look(self._reads, seen, sent, now)
            return
        key = seen.user.username, ref.namespace, ref.name, seen.sourceIPs
        if now < self._quiet.get(key, 0.0):
            return
        if len(self._quiet) >= _MOST_QUIET:
            self._quiet.clear()
        self._quiet[key] = now + QUIET
        self._look(self._reads, seen, sent, now)

    def _counts(self, seen: Seen) -> bool:
        """Whether a request is counted by this event: once each, a watch as early as possible."""
        if seen.verb != WATCH:
            return seen.stage in (RESPONSE_COMPLETE, PANIC)
        if seen.stage == RESPONSE_STARTED:
            self._watches[seen.auditID] = None
            if len(self._watches) > _MOST_WATCHES:
                self._watches.popitem(last=False)
            return True
        if seen.stage == REQUEST_RECEIVED:
            return False
        begun = seen.auditID in self._watches
        self._watches.pop(seen.auditID, None)
        return not begun

    def _sent(self, seen: Seen) -> int:
        """Of how many Secrets values were sent."""
        values = seen.annotations.values
        if not values or seen.responseStatus.code >= 300:
            return 0
        if values == WATCH:
            # What there is, or what is to come: at least one.
            ref = seen.objectRef
            return 1 if ref.name else max(self._context.around.count(ref.namespace), 1)
        return int(values) if values.isdigit() else 0

    def _look(self, watchers: list[Watcher], seen: Seen, sent: int, now: float) -> None:
        for watcher in watchers:
            sighting = watcher.look(seen, sent, now)
            if sighting is not None:
                self._count(watcher, sighting, seen, now)

    def _count(self, watcher: Watcher, sighting: Sighting, seen: Seen, now: float) -> None:
        rule, key = watcher.rule, sighting.key
        incident = self._incident(watcher, key, now)
        if incident is not None:
            incident.add(now, seen.brief(sighting.secret), sighting.weight)
            self._changed[id(incident)] = incident
            return
        window = self._windows[rule.name].of(key)
        weight = watcher.weigh(sighting, window)
        if not weight:
            return
        brief = seen.brief(sighting.secret)
        if window.add(now, now - watcher.window, sighting.thing, weight, brief) >= rule.threshold:
            self._windows[rule.name].forget(key)
            self._raise(watcher, key, seen, now, window.evidence())

    def _incident(self, watcher: Watcher, key: str, now: float) -> Incident | None:
        """The incident that goes on for a key, if any does."""
        where = watcher.rule.name, key
        incident = self._going_on.get(where)
        if incident is None:
            return None
        if incident.over(now, watcher.cooldown) or incident.rule != watcher.rule:
            del self._going_on[where]
            return None
        self._going_on.move_to_end(where)
        return incident

    def _raise(
        self, watcher: Watcher, key: str, seen: Seen, now: float, evidence: list[tuple[Brief, int]]
    ) -> None:
        rule = watcher.rule
        incident = self._resumed(watcher, key, seen, now)
        for brief, weight in evidence:
            incident.add(now, brief, weight, net=True)
        self._going_on[rule.name, key] = incident
        if len(self._going_on) > MOST_INCIDENTS:
            self._going_on.popitem(last=False)
        self._changed[id(incident)] = incident

    def _resumed(self, watcher: Watcher, key: str, seen: Seen, now: float) -> Incident:
        """The incident that somebody was told of before a restart, or a new one."""
        rule = watcher.rule
        alert = self._known.pop(fingerprint(rule.name, key), None)
        if alert is not None:
            incident = Incident.told_before(rule, key, alert)
            if not incident.over(now, watcher.cooldown):
                return incident
        return Incident(rule, key, seen.user, now)
