"""Values on the command line of the server, as Go's flags read them."""

from __future__ import annotations

import argparse

from strongroom.api.durations import parse_duration


def duration(text: str) -> float:
    """Go's form of a duration above zero (``1h30m``), in seconds. Raises ArgumentTypeError."""
    try:
        seconds = parse_duration(text).total_seconds()
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise argparse.ArgumentTypeError("expected a duration such as 5m or 1h30m")
    return seconds


def duration_or_none(text: str) -> float:
    """As ``duration``, or 0. Raises ArgumentTypeError."""
    return 0.0 if text in ("0", "0s") else duration(text)


def truth(text: str) -> bool:
    """One of Go's forms of a boolean. Raises ArgumentTypeError."""
    if text in ("true", "True", "TRUE", "t", "T", "1"):
        return True
    if text in ("false", "False", "FALSE", "f", "F", "0"):
        return False
    raise argparse.ArgumentTypeError("expected true or false")
