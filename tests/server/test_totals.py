"""The metrics of several processes as one."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.parser import text_string_to_metric_families

from strongroom.server.control import Family
from strongroom.server.totals import Totals, families_of


class Process:
    """What one process counts."""

    def __init__(self, started: float) -> None:
        self.registry = CollectorRegistry()
        self.done = Counter("done", "Done.", ("kind",), registry=self.registry)
        self.open = Gauge("open", "Open.", registry=self.registry)
        self.took = Histogram("took", "Took.", buckets=(1, 2), registry=self.registry)
        Gauge("process_start_time_seconds", "Start.", registry=self.registry).set(started)
        Gauge("fetch_last_timestamp_seconds", "Last.", registry=self.registry).set(started + 7)
        Info("python", "Python.", registry=self.registry).info({"version": "3"})

    @property
    def families(self) -> list[Family]:
        return families_of(self.registry)


def read(text: bytes) -> dict[str, float]:
    return {
        s.name + "".join(f",{v}" for v in s.labels.values()): s.value
        for family in text_string_to_metric_families(text.decode())
        for s in family.samples
        if not s.name.endswith("_created")
    }


def test_work_is_added_up_and_facts_are_told_once() -> None:
    one, other = Process(200), Process(100)
    one.done.labels("a").inc(3)
    other.done.labels("a").inc(4)
    other.done.labels("b").inc()
    one.open.set(2)
    other.open.set(5)
    one.took.observe(0.5)
    other.took.observe(1.5)
    assert read(Totals().render([one.families, other.families])) == {
        "done_total,a": 7,
        "done_total,b": 1,
        "open": 7,
        "took_bucket,1.0": 1,
        "took_bucket,2.0": 2,
        "took_bucket,+Inf": 2,
        "took_count": 2,
        "took_sum": 2,
        "process_start_time_seconds": 100,
        "python_info,3": 1,
        "fetch_last_timestamp_seconds": 207,
    }


def test_counters_do_not_fall_when_a_process_goes_but_what_it_held_is_gone() -> None:
    totals, gone, there = Totals(), Process(1), Process(2)
    gone.done.labels("a").inc(3)
    gone.open.set(9)
    there.done.labels("a").inc(4)
    before = read(totals.render([gone.families, there.families]))
    totals.retire(gone.families)
    totals.retire(gone.families)  # Another that had counted the same.
    after = read(totals.render([there.families]))
    assert (before["done_total,a"], after["done_total,a"]) == (7, 10)
    assert (before["open"], after["open"]) == (9, 0)
    assert after["process_start_time_seconds"] == 2
