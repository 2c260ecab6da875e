"""Points in time and durations: reading them, and their parts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from strongroom.api.cel.errors import CelError
from strongroom.api.cel.overloads import Overload, builtin
from strongroom.api.durations import parse_duration

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII
)
_OFFSET = re.compile(r"([+-]?)(\d\d?):(\d\d)\Z", re.ASCII)


def parse_timestamp(text: str) -> datetime:
    """A time in RFC 3339, to the microsecond. Raises CelError, without the text."""
    found = _TIME.match(text)
    if found is None:
        raise CelError("type conversion error from 'string' to 'google.protobuf.Timestamp'")
    whole, part, zone = found.groups()
    micros = f".{part[:6]:0<6}" if part else ""
    zone = "+00:00" if zone in "Zz" else zone
    try:
        return datetime.fromisoformat(f"{whole}{micros}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise CelError("timestamp out of range") from None


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError:
        raise CelError(
            "type conversion error from 'string' to 'google.protobuf.Duration'"
        ) from None


def _from_seconds(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise CelError("timestamp out of range") from None


def _zone(name: str) -> tzinfo:
    """A zone by its name in the IANA database, or an offset as ``+02:00``."""
    found = _OFFSET.match(name)
    if found is not None:
        sign, hours, minutes = found.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        try:
            return timezone(-offset if sign == "-" else offset)
        except ValueError:
            raise CelError("unknown time zone") from None
    try:
        return ZoneInfo(name) if name not in ("", "UTC") else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CelError("unknown time zone") from None


_PARTS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfWeek": lambda moment: moment.isoweekday() % 7,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
    "getMilliseconds": lambda moment: moment.microsecond // 1000,
}

_SPANS = {
    "getHours": timedelta(hours=1),
    "getMinutes": timedelta(minutes=1),
    "getSeconds": timedelta(seconds=1),
    "getMilliseconds": timedelta(milliseconds=1),
}


def _part_in_zone(part: Callable[[datetime], int]) -> Callable[[datetime, str], int]:
    return lambda moment, zone: part(moment.astimezone(_zone(zone)))


def _whole(unit: timedelta) -> Callable[[timedelta], int]:
    return lambda span: -(-span // unit) if span < timedelta() else span // unit


def _getters() -> tuple[Overload, ...]:
    made = []
    for name, part in _PARTS.items():
        made.append(builtin(name, "timestamp -> int", part))
        made.append(builtin(name, "timestamp string -> int", _part_in_zone(part)))
    for name, unit in _SPANS.items():
        made.append(builtin(name, "duration -> int", _whole(unit)))
    return tuple(made)


FUNCTIONS = (
    builtin("timestamp", "string -> timestamp", parse_timestamp),
    builtin("timestamp", "int -> timestamp", _from_seconds),
    builtin("timestamp", "timestamp -> timestamp", lambda moment: moment),
    builtin("duration", "string -> duration", _duration),
    builtin("duration", "int -> duration", lambda nanos: timedelta(microseconds=nanos / 1000)),
    builtin("duration", "duration -> duration", lambda span: span),
    *_getters(),
)
