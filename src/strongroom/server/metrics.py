"""Prometheus metrics, under upstream's names where upstream has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from strongroom.resources.resource import Resource
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


class Metrics:
    """The server's metrics; each server has a set of its own, so that tests do not share any.

    ``resources`` are the kinds that are served: requests for others count under empty labels.
    """

    def __init__(self, resources: Iterable[Resource[Any]] = ()) -> None:
        self.serve(resources)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._requests = Counter(
            "apiserver_request_total",
            "Requests by verb, resource and answer code.",
            (*_LABELS, "code"),
            registry=self.registry,
        )
        self._durations = Histogram(
            "apiserver_request_duration_seconds",
            "Seconds from the request to the end of its answer, long-running requests excepted.",
            _LABELS,
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._inflight = Gauge(
            "apiserver_current_inflight_requests",
            "Requests under way, long-running ones excepted.",
            ("request_kind",),
            registry=self.registry,
        )
        self._long = Gauge(
            "apiserver_longrunning_requests",
            "Watches and followed logs that are open.",
            _LONG_LABELS,
            registry=self.registry,
        )
        self.audit_errors = Counter(
            "apiserver_audit_error_total",
            "Audit events that could not be written.",
            ("plugin",),
            registry=self.registry,
        )
        # Looking a child up by its labels costs more than counting: keep those in use.
        self._children: dict[Labels, tuple[dict[int, Any], Any]] = {}
        self._kinds = {kind: self._inflight.labels(kind) for kind in ("mutating", "readOnly")}

    def serve(self, resources: Iterable[Resource[Any]]) -> None:
        """Count requests for these kinds from now on; what was counted stays."""
        self._served = {
            (r.group, r.version, r.plural): frozenset(
                (*(s.name for s in r.subresources), *_CONNECTED.get(r.plural, ()))
            )
            for r in resources
        }

    def inflight(self, method: str) -> Gauge:
        """The gauge that a short request counts in while it is under way."""
        return self._kinds["readOnly" if method in ("GET", "HEAD") else "mutating"]

    def longrunning(self, target: Target) -> Gauge:
        """The gauge that a long request counts in while it is open."""
        verb, _, *rest = self._labels(target)
        return self._long.labels(verb, *rest)

    def finished(
        self, target: Target | None, code: int, seconds: float, *, long: bool = False
    ) -> None:
        """Count a request that has been answered."""
        labels = self._labels(target) if target is not None else _UNREAD
        known = self._children.get(labels)
        if known is None:
            known = self._children[labels] = ({}, self._durations.labels(*labels))
        counters, duration = known
        counter = counters.get(code)
        if counter is None:
            counter = counters[code] = self._requests.labels(*labels, str(code))
        counter.inc()
        if not long:
            duration.observe(seconds)

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)

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


def _scope(target: Target) -> str:
    if target.name:
        return "resource"
    return "namespace" if target.namespace else "cluster"
