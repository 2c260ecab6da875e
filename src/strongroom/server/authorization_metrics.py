"""Metrics of authorization, under upstream's names."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from strongroom.access.authz.union import Tally
from strongroom.api.clock import Clock

_RELOADS = "apiserver_authorization_config_controller_automatic_reload"
_CONDITION = "apiserver_authorization_match_condition"
_WEBHOOK = "apiserver_authorization_webhook"
_ID = "apiserver_id_hash"


def hash_of(content: bytes) -> str:
    """How metrics name a content, or this server, without telling it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}" if content else ""


class AuthorizationMetrics:
    """What is counted. Nothing of it is shown before ``register``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._id = hash_of(socket.gethostname().encode())
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._config = b""
        named = ("name", "result")
        typed = ("type", "name")
        self._parts: list[Any] = [
            evaluations := Counter(
                f"{_WEBHOOK}_evaluations_total",
                "Calls of authorization webhooks.",
                named,
                registry=None,
            ),
            durations := Histogram(
                f"{_WEBHOOK}_duration_seconds",
                "Seconds that calls of authorization webhooks took.",
                named,
                registry=None,
            ),
            open_ := Counter(
                f"{_WEBHOOK}_evaluations_fail_open_total",
                "Requests that went on because a webhook could not be heard.",
                named,
                registry=None,
            ),
            errors := Counter(
                f"{_CONDITION}_evaluation_errors_total",
                "Match conditions that could not be judged.",
                typed,
                registry=None,
            ),
            exclusions := Counter(
                f"{_CONDITION}_exclusions_total",
                "Webhooks that were not asked because of a match condition.",
                typed,
                registry=None,
            ),
            judging := Histogram(
                f"{_CONDITION}_evaluation_seconds",
                "Seconds that the match conditions of a webhook took.",
                typed,
                buckets=(0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25),
                registry=None,
            ),
            reloads := Counter(
                f"{_RELOADS}s_total",
                "Times that the authorization configuration was read again.",
                ("status", _ID),
                registry=None,
            ),
            reloaded := Gauge(
                f"{_RELOADS}_last_timestamp_seconds",
                "When the authorization configuration was last read again.",
                ("status", _ID),
                registry=None,
            ),
        ]
        self._evaluations, self._durations, self._open = evaluations, durations, open_
        self._errors, self._exclusions, self._judging = errors, exclusions, judging
        self._reloads, self._reloaded = reloads, reloaded

    def register(self, registry: CollectorRegistry) -> None:
        """Show what is counted."""
        for part in self._parts:
            registry.register(part)
        registry.register(_Counted(self))

    def tally(self, type_: str, name: str) -> Tally:
        """Where the decisions of an authorizer count, whatever chain it stands in."""
        return self._tallies.setdefault((type_, name), Tally(type_, name))

    def called(self, name: str, result: str, seconds: float) -> None:
        """A webhook was called once."""
        self._evaluations.labels(name, result).inc()
        self._durations.labels(name, result).observe(seconds)

    def failed_open(self, name: str, late: bool) -> None:
        """A request goes on without the webhook's opinion."""
        self._open.labels(name, "timeout" if late else "error").inc()

    def judged(self, name: str, seconds: float, failed: bool, excluded: bool) -> None:
        """The match conditions of a webhook were evaluated."""
        self._judging.labels("Webhook", name).observe(seconds)
        if failed:
            self._errors.labels("Webhook", name).inc()
        if excluded:
            self._exclusions.labels("Webhook", name).inc()

    def reloaded(self, good: bool) -> None:
        """The configuration was read again."""
        labels = ("success" if good else "failure", self._id)
        self._reloads.labels(*labels).inc()
        self._reloaded.labels(*labels).set(self._clock.now().timestamp())

    def configured(self, content: bytes) -> None:
        """This is the configuration from now on."""
        self._config = content

    def families(self) -> Iterator[Metric]:
        """What is not kept as metrics."""
        decisions = CounterMetricFamily(
            "apiserver_authorization_decisions_total",
            "Decisions of authorizers that ended the chain.",
            labels=("type", "name", "decision"),
        )
        for tally in self._tallies.values():
            for decision, count in (("allowed", tally.allowed), ("denied", tally.denied)):
                if count:
                    decisions.add_metric((tally.type, tally.name, decision), count)
        yield decisions
        if self._config:
            info = InfoMetricFamily(
                "apiserver_authorization_config_controller_last_config",
                "The authorization configuration that is in use, by its hash.",
            )
            info.add_metric((), {_ID: self._id, "hash": hash_of(self._config)})
            yield info


class _Counted(Collector):
    def __init__(self, metrics: AuthorizationMetrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics.families()
