"""Kubernetes' two wire forms of a point in time: Time (seconds) and MicroTime."""

from __future__ import annotations

from datetime import UTC, datetime


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds: the form of ``metav1.Time``."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:-6] + "Z"


def format_micro_time(moment: datetime) -> str:
    """RFC 3339 in UTC with six fractional digits: the form of ``metav1.MicroTime``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_time(text: str) -> datetime:
    """Read either form; raises ValueError for anything that is not RFC 3339 with a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone")
    return moment.astimezone(UTC)
