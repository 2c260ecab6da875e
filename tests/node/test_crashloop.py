"""Back-off of containers that keep ending, by a clock that the test moves."""

from __future__ import annotations

from datetime import timedelta

from strongroom.node.crashloop import CrashLoop, go_duration
from strongroom.testing.clock import ManualClock


def test_the_first_restart_is_immediate_and_the_wait_then_doubles_to_five_minutes() -> None:
    clock, loop = ManualClock(), CrashLoop()
    waited = []
    for _ in range(8):
        ended = clock.now()
        remaining = loop.remaining(ended, clock.now())
        waited.append(remaining.total_seconds())
        clock.advance(remaining.total_seconds())
        assert not loop.remaining(ended, clock.now())
        loop.count(ended, clock.now())
    assert waited == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_container_that_lasted_starts_over() -> None:
    clock, loop = ManualClock(), CrashLoop()
    for _ in range(3):
        loop.count(clock.now(), clock.now())
    assert loop.delay == timedelta(seconds=40)
    clock.advance(601)
    assert not loop.remaining(clock.now(), clock.now())
    loop.count(clock.now(), clock.now())
    assert loop.delay == timedelta(seconds=10)


def test_durations_as_go_prints_them() -> None:
    texts = [go_duration(timedelta(seconds=s)) for s in (10, 40, 80, 160, 300)]
    assert texts == ["10s", "40s", "1m20s", "2m40s", "5m0s"]
