"""Prometheus metrics, under upstream's names where upstream has them.

What is counted for every request is counted in plain numbers, which cost a tenth of what the
library's counters cost; they become metrics when somebody asks. Only one thread counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from strongroom.resources.resource import Resource
from strongroom.server.kept import Kept
from strongroom.server.urls import Target

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_LABELS = ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component")
_LONG_LABELS = ("verb", "group", "version", "resource", "subresource", "scope", "component")
_BUCKETS = (
    0.005,
    0.025,
    0.05,
    0.1,
    0.2,
    0.4,
    0.6,
    0.8,
    1.0,
    1.25,
    1.5,
    2,
    3,
    4,
    5,
    6,
    8,
    10,
    15,
    20,
    30,
    45,
    60,
)
_BOUNDS = (*map(str, map(float, _BUCKETS)), "+Inf")
_VERBS = {"create": "POST", "update": "PUT"}
_KNOWN = frozenset(
    {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
)
_CONNECTED = {"pods": ("log", "binding")}
"""Subresources that are no part of their object, and so not of its declaration."""

_METHODS = frozenset({"get", "head", "post", "put", "patch", "delete", "options"})

Labels = tuple[str, ...]

_UNREAD: Labels = (*("",) * 7, "apiserver")
"""Labels of a request whose URL could not be read."""


class Tally:
    """What is counted of requests with the same labels."""

    __slots__ = ("codes", "counts", "labels", "open", "seconds")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.codes: dict[int, int] = {}
        self.counts = [0] * (len(_BUCKETS) + 1)
        self.seconds = 0.0
        self.open = 0
        """Long-running requests under way."""

    def finished(self, code: int, seconds: float) -> None:
        """Count a short request that has been answered."""
        codes = self.codes
        codes[code] = codes.get(code, 0) + 1
        self.counts[0 if seconds <= 0.005 else bisect_left(_BUCKETS, seconds)] += 1
        self.seconds += seconds

    def ended(self, code: int) -> None:
        """Count a long request that is over; its time tells nothing."""
        self.codes[code] = self.codes.get(code, 0) + 1


class Metrics:
    """The server's metrics; each server has a set of its own, so that tests do not share any.

    ``resources`` are the kinds that are served: requests for others count under empty labels.
    """

    def __init__(self, resources: Iterable[Resource[Any]] = ()) -> None:
        self._tallies: dict[Labels, Tally] = {}
        self._by_target: Kept[Target, Tally] = Kept(self._find)
        self.serve(resources)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.audit_errors = Counter(
            "apiserver_audit_error_total",
            "Audit events that could not be written.",
            ("plugin",),
            registry=self.registry,
        )
        self.audit_rejected = Counter(
            "apiserver_audit_requests_rejected_total",
            "Requests that were refused because their audit event could not be written.",
            registry=self.registry,
        )
        self.mutating = self.reading = 0
        """Short requests under way."""
        self.registry.register(_Requests(self))

    def serve(self, resources: Iterable[Resource[Any]]) -> None:
        """Count requests for these kinds from now on; what was counted stays."""
        self._served = {
            (r.group, r.version, r.plural): frozenset(
                (*(s.name for s in r.subresources), *_CONNECTED.get(r.plural, ()))
            )
            for r in resources
        }
        self._by_target.clear()

    def tally(self, target: Target | None) -> Tally:
        """Where the requests of a target count."""
        if target is None:
            return self._tally(_UNREAD)
        return self._by_target.of(target) if target.lasting else self._find(target)

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)

    def tallies(self) -> list[Tally]:
        """Everything that was counted."""
        return list(self._tallies.values())

    def _find(self, target: Target) -> Tally:
        return self._tally(self._labels(target))

    def _tally(self, labels: Labels) -> Tally:
        tally = self._tallies.get(labels)
        if tally is None:
            tally = self._tallies[labels] = Tally(labels)
        return tally

    def _labels(self, target: Target) -> Labels:
        """Labels of a request. Only known words become labels.

        Requests are counted whoever sends them: with words of their own choice, clients without
        credentials could fill the memory.
        """
        if not target.is_resource:
            verb = target.verb.upper() if target.verb in _METHODS else "OTHER"
            return (verb, "", "", "", "", "", "", "apiserver")
        verb = _VERBS.get(target.verb, target.verb.upper()) if target.verb in _KNOWN else "OTHER"
        kind = (target.group, target.version, target.resource)
        subresources = self._served.get(kind)
        if subresources is None:
            return (verb, "", "", "", "", "", "", "apiserver")
        dry_run = "All" if target.first("dryRun") == "All" else ""
        part = target.subresource if target.subresource in subresources else ""
        return (verb, dry_run, *kind, part, _scope(target), "apiserver")


class _Requests(Collector):
    """Makes metrics of the tallies."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        tallies = self._metrics.tallies()
        requests = CounterMetricFamily(
            "apiserver_request_total",
            "Requests by verb, resource and answer code.",
            labels=(*_LABELS, "code"),
        )
        durations = HistogramMetricFamily(
            "apiserver_request_duration_seconds",
            "Seconds from the request to the end of its answer, long-running requests excepted.",
            labels=_LABELS,
        )
        long = GaugeMetricFamily(
            "apiserver_longrunning_requests",
            "Watches and followed logs that are open.",
            labels=_LONG_LABELS,
        )
        for tally in tallies:
            for code, count in tally.codes.items():
                requests.add_metric((*tally.labels, str(code)), count)
            if any(tally.counts):
                durations.add_metric(tally.labels, _cumulative(tally.counts), tally.seconds)
            if tally.open:
                verb, _, *rest = tally.labels
                long.add_metric((verb, *rest), tally.open)
        yield requests
        yield durations
        yield long
        inflight = GaugeMetricFamily(
            "apiserver_current_inflight_requests",
            "Requests under way, long-running ones excepted.",
            labels=("request_kind",),
        )
        inflight.add_metric(("mutating",), self._metrics.mutating)
        inflight.add_metric(("readOnly",), self._metrics.reading)
        yield inflight


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for bound, count in zip(_BOUNDS, counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets


def _scope(target: Target) -> str:
    if target.name:
        return "resource"
    return "namespace" if target.namespace else "cluster"
