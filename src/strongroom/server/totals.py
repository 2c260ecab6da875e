"""The metrics of several processes as one: what Prometheus would see of a single server.

Counters, histograms and gauges of work are added up. What a process had counted when it was last
asked stays in the sum after its end, so that no counter is ever seen to fall.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from strongroom.server.control import Family

_GROWING = frozenset({"counter", "histogram", "summary"})
_FIRST_COUNTS = ("process_start_time_seconds", "_created")
"""Ends of the names of samples that are moments: the earliest stands for all."""

_LAST = ("_info", "_last_timestamp_seconds")
"""Of these the greatest stands for all."""

_Key = tuple[str, tuple[tuple[str, str], ...]]


def families_of(registry: CollectorRegistry) -> list[Family]:
    """What a registry has counted."""
    return [
        Family(
            metric.name,
            metric.documentation,
            metric.type,
            [(s.name, dict(s.labels), float(s.value)) for s in metric.samples],
        )
        for metric in registry.collect()
    ]


class Totals:
    """Sums of families. ``retire`` keeps what a process that is gone had counted."""

    def __init__(self) -> None:
        self._retired: list[list[Family]] = []

    def retire(self, families: Iterable[Family]) -> None:
        """Keep counting what somebody who is gone had counted; what it held is gone with it."""
        grown = [family for family in families if family.kind in _GROWING]
        self._retired = [_added([*self._retired, grown])]

    def render(self, current: Iterable[list[Family]]) -> bytes:
        """The text that Prometheus reads, of those that are there and those that were."""
        return generate_latest(_Shown(_added([*current, *self._retired])))


def _added(lists: Iterable[list[Family]]) -> list[Family]:
    known: dict[str, tuple[Family, dict[_Key, float]]] = {}
    for families in lists:
        for family in families:
            _, sums = known.setdefault(family.name, (family, {}))
            for name, labels, value in family.samples:
                key = name, tuple(labels.items())
                sums[key] = _combined(name, sums.get(key), value)
    return [
        Family(
            family.name,
            family.documentation,
            family.kind,
            [(name, dict(labels), value) for (name, labels), value in sums.items()],
        )
        for family, sums in known.values()
    ]


def _combined(name: str, so_far: float | None, value: float) -> float:
    if so_far is None:
        return value
    if name.endswith(_FIRST_COUNTS):
        return min(so_far, value)
    # An information, such as python_info, is 1 however often it is told.
    return max(so_far, value) if name.endswith(_LAST) else so_far + value


class _Shown(CollectorRegistry):
    """Families as a registry, which is what the library can write as text."""

    def __init__(self, families: list[Family]) -> None:
        super().__init__()
        self.register(_Families(families))


class _Families(Collector):
    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            metric = Metric(family.name, family.documentation, family.kind)
            for name, labels, value in family.samples:
                metric.add_sample(name, labels, value)
            yield metric
