"""The wire forms of time, and the clocks that it comes from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from strongroom.api.clock import Clock, SystemClock
from strongroom.api.times import format_micro_time, format_time, parse_time

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=1)))


def test_both_forms_are_utc() -> None:
    assert format_time(MOMENT) == "2026-01-02T02:04:05Z"
    assert format_micro_time(MOMENT) == "2026-01-02T02:04:05.000006Z"


def test_both_forms_read_back() -> None:
    assert parse_time(format_micro_time(MOMENT)) == MOMENT
    assert parse_time(format_time(MOMENT)) == MOMENT.replace(microsecond=0)


@pytest.mark.parametrize("text", ["", "now", "2026-01-02T03:04:05"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"zone|isoformat"):
        parse_time(text)


def test_the_system_clock_tells_utc_and_never_goes_back() -> None:
    clock: Clock = SystemClock()
    assert clock.now().tzinfo is UTC
    first = clock.monotonic()
    assert clock.monotonic() >= first
