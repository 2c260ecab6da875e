"""Go's form of a length of time (``1h30m``, ``250ms``), as flags, annotations and CEL have it."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)\Z", re.ASCII)
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_LONGEST_TEXT = 256
_MOST = 2**63 - 1
"""Nanoseconds that Go's ``time.Duration`` holds."""


def parse_duration(text: str) -> timedelta:
    """A duration in Go's form (``time.ParseDuration``), to the microsecond.

    Raises ValueError, without the text, for any other form and for what Go cannot hold.
    """
    found = _DURATION.match(text) if len(text) <= _LONGEST_TEXT else None
    if found is None:
        raise ValueError("expected a duration such as 1h30m")
    nanoseconds = 0
    for number, unit in _PART.findall(found.group(2)):
        whole, _, part = number.partition(".")
        scale = _NANOSECONDS[unit]
        nanoseconds += int(whole or 0) * scale + int(part or 0) * scale // 10 ** len(part)
    if nanoseconds > _MOST:
        raise ValueError("the duration is too long")
    return timedelta(microseconds=(-nanoseconds if found.group(1) == "-" else nanoseconds) / 1000)


def duration_text(value: timedelta) -> str:
    """A duration as Go prints it (``time.Duration.String``): ``1m0s``, ``2.5s``, ``300ms``."""
    total = value // timedelta(microseconds=1)
    sign, total = ("-" if total < 0 else ""), abs(total)
    if total < 1_000_000:
        number, unit = (total / 1000, "ms") if total >= 1000 else (total, "µs" if total else "s")
        return f"{sign}{number:g}{unit}"
    minutes, rest = divmod(total, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    whole, part = divmod(rest, 1_000_000)
    seconds = f"{whole}.{part:06}".rstrip("0").rstrip(".")
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}s"
    return f"{sign}{minutes}m{seconds}s" if minutes else f"{sign}{seconds}s"
