"""Metrics of priority and fairness, under upstream's names."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from strongroom.server.fairness import Fairness

_LABELS = ("flow_schema", "priority_level")


class FlowMetrics(Collector):
    """Makes metrics of what the levels count."""

    def __init__(self, fairness: Fairness) -> None:
        self._fairness = fairness

    def collect(self) -> Iterator[Metric]:
        levels = [level for level in self._fairness.levels if not level.spec.exempt]
        dispatched = CounterMetricFamily(
            "apiserver_flowcontrol_dispatched_requests_total",
            "Requests that were begun.",
            labels=_LABELS,
        )
        rejected = CounterMetricFamily(
            "apiserver_flowcontrol_rejected_requests_total",
            "Requests that were turned away.",
            labels=(*_LABELS, "reason"),
        )
        executing = GaugeMetricFamily(
            "apiserver_flowcontrol_current_executing_requests",
            "Requests under way, open watches excepted.",
            labels=_LABELS,
        )
        waiting = GaugeMetricFamily(
            "apiserver_flowcontrol_current_inqueue_requests",
            "Requests that wait for their turn.",
            labels=_LABELS,
        )
        seats = GaugeMetricFamily(
            "apiserver_flowcontrol_nominal_limit_seats",
            "Requests of a level that may be under way at once.",
            labels=("priority_level",),
        )
        for level in levels:
            labels = (level.spec.schema, level.spec.name)
            dispatched.add_metric(labels, level.dispatched)
            executing.add_metric(labels, level.executing)
            waiting.add_metric(labels, level.waiting)
            seats.add_metric((level.spec.name,), level.seats)
            for reason, count in level.rejected.items():
                rejected.add_metric((*labels, reason), count)
        yield from (dispatched, rejected, executing, waiting, seats)
