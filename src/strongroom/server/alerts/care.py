"""Alerts, put together for one process: of those of a server, the one that leads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter as Numbers
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.resources.secretalert import OPEN, SEVERITIES, state
from strongroom.server.alerts.defaults import rules_in_force
from strongroom.server.alerts.engine import Engine
from strongroom.server.alerts.facts import ClusterFacts
from strongroom.server.alerts.memory import Memory
from strongroom.server.alerts.options import AlertOptions
from strongroom.server.alerts.outlets import Outlets
from strongroom.server.alerts.policy_file import AlertPolicySpec, load_policy
from strongroom.server.alerts.sender import Sender
from strongroom.server.alerts.storing import StoredMemory
from strongroom.server.audit.sink import Sink
from strongroom.server.kinds import Kinds
from strongroom.server.maintenance import keep_doing
from strongroom.server.reloading import Reloading
from strongroom.storage.errors import StoreError
from strongroom.storage.port import Store
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server.alerts")

TURN = 0.2
"""Seconds between two looks at what there is to tell."""

SAVE, SWEEP = 30.0, 60.0
"""Seconds after which what was learned is written, and what is kept too long removed."""

_MOST_FAILURES = 20
"""Failures after which an incident is not written until it grows."""

_AT_ONCE = 250
"""Lines after which others get their turn."""
_MOST_WAITING = 20_000
"""Lines that wait; beyond, they are not looked at, and counted."""


class Alerts:
    """Takes the audit events of all processes, once it leads. Raises BadFile when it is made."""

    def __init__(
        self,
        options: AlertOptions,
        store: Store,
        kinds: Kinds,
        clock: Clock,
        registry: CollectorRegistry,
    ) -> None:
        self._on = options.alerts
        self._file = options.alert_policy_file
        self._kinds = kinds
        self._clock = clock
        self._leads = self._loaded = False
        self._lines: list[bytes] = []
        self._memory = Memory()
        self._engine = Engine(clock, self._memory, ClusterFacts(kinds, clock))
        self._stored = StoredMemory(store, self._memory, self._engine.since)
        self._count(registry)
        self._sender = Sender(self._unsent.inc)
        self._outlets = Outlets(kinds, clock, self._raised, self._sender.send)
        self._policy = self._read()

    def write(self, line: bytes) -> None:
        """Take an event of this process, or several, as whole lines. Neither blocks nor raises."""
        if not self._leads:
            return
        if len(self._lines) >= _MOST_WAITING:
            self._dropped.inc()
            return
        self._lines.append(line)
        if self._loaded and len(self._lines) == 1:
            asyncio.get_running_loop().call_soon(self._feed)

    async def lead(self, stack: contextlib.AsyncExitStack) -> None:
        """Tell of what is seen, from now until ``stack`` ends it. Raises StoreError."""
        if not self._on:
            return
        self._leads = True
        if self._file is not None:
            Reloading(self._files, self._reload, what="the rules of alerts").begin(stack)
        await self._stored.load()
        self._engine.resume(self._outlets.alerts())
        self._use(self._policy)
        stack.push_async_callback(self._sender.close)
        stack.push_async_callback(self._end)
        self._loaded = True
        self._feed()
        keep_doing(TURN, self._turn, stack)
        keep_doing(SAVE, self._stored.save, stack)
        keep_doing(SWEEP, self._sweep, stack)

    def _read(self) -> AlertPolicySpec:
        return load_policy(self._file) if self._file is not None else AlertPolicySpec()

    def _files(self) -> list[Path]:
        """The policy, and what it names; tokens are read whenever they are shown."""
        webhook = self._policy.webhook
        named = (webhook.caFile, webhook.kubeconfig) if webhook is not None else ()
        return [file for file in (self._file, *map(Path, filter(None, named))) if file is not None]

    def _reload(self) -> None:
        self._use(self._read())

    def _use(self, policy: AlertPolicySpec) -> None:
        # What can fail comes first, so that a fault leaves everything as it was.
        self._sender.use(policy.webhook)
        self._engine.use(rules_in_force(policy.rules, defaults=policy.defaultRules))
        self._policy = policy

    def _feed(self) -> None:
        """Look at what waits, some at a time."""
        lines, self._lines = self._lines[:_AT_ONCE], self._lines[_AT_ONCE:]
        if self._lines:
            asyncio.get_running_loop().call_soon(self._feed)
        for chunk in lines:
            try:
                self._engine.feed(chunk.splitlines())
            except Exception as error:  # noqa: BLE001 - no event may end the watch over others
                log(logger, logging.ERROR, "an audit event was not judged", error)

    async def _turn(self) -> None:
        for incident in self._engine.take():
            try:
                await self._outlets.tell(incident)
                incident.failures = 0
            except StatusError as error:
                incident.failures += 1
                if incident.failures < _MOST_FAILURES:
                    self._engine.put_back(incident)
                if error.code != 409:
                    log(logger, logging.WARNING, "an alert could not be written", error)
        if self._outlets.too_many(self._policy.keep):
            await self._sweep()

    async def _sweep(self) -> None:
        await self._outlets.sweep(self._policy.keep)

    async def _end(self) -> None:
        """Write what is left to be written: the next start goes on from there."""
        self._leads = False
        try:
            while self._lines:
                self._feed()
            await self._turn()
            await self._stored.save()
        except StoreError as error:
            log(logger, logging.ERROR, "what was learned for alerts is lost", error)

    def _count(self, registry: CollectorRegistry) -> None:
        self._raised = Counter(
            "strongroom_alerts_total",
            "Alerts that were raised, by rule and severity.",
            ("rule", "severity"),
            registry=registry,
        )
        self._dropped = Counter(
            "strongroom_alerts_events_dropped_total",
            "Audit events that were not held against the rules, because too many waited.",
            registry=registry,
        )
        self._unsent = Counter(
            "strongroom_alerts_unsent_total",
            "Alerts that could not be sent to the webhook.",
            registry=registry,
        )
        registry.register(_Open(self))

    def open_by_severity(self) -> dict[str, int]:
        """How many are open; nothing where another process tells."""
        if not self._loaded:
            return {}
        found = Numbers(a.spec.severity for a in self._outlets.alerts() if state(a) == OPEN)
        return {severity: found[severity] for severity in SEVERITIES}


class _Open(Collector):
    """The gauge of open alerts."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    def describe(self) -> Iterator[Metric]:
        yield self._family()

    def collect(self) -> Iterator[Metric]:
        family = self._family()
        for severity, number in self._alerts.open_by_severity().items():
            family.add_metric((severity,), number)
        yield family

    def _family(self) -> GaugeMetricFamily:
        told = "Alerts that nobody has acknowledged, by severity."
        return GaugeMetricFamily("strongroom_alerts_open", told, labels=("severity",))


class Both:
    """An audit sink that hands events on to alerts too."""

    def __init__(self, sink: Sink, alerts: Alerts) -> None:
        self._sink = sink
        self._alerts = alerts

    def write(self, line: bytes) -> None:
        """Take one event."""
        self._sink.write(line)
        self._alerts.write(line)
