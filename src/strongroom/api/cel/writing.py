"""How CEL writes numbers, times and durations as text: as Go does."""

from __future__ import annotations

import math
from datetime import datetime, timedelta


def write_double(value: float) -> str:
    """A double in Go's shortest form: ``1``, ``1.5``, ``1e+06``, ``NaN``, ``+Inf``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, part = mantissa.removeprefix("-").partition(".")
    digits = (whole + part).lstrip("0")
    leading = len(whole) if whole.strip("0") else -(len(part) - len(part.lstrip("0")))
    point = leading + int(exponent or 0)
    digits = digits.rstrip("0") or "0"
    return sign + _place(digits, point)


def _place(digits: str, point: int) -> str:
    """Digits with the decimal point before digit ``point``, or with an exponent as Go's ``%g``."""
    exponent = point - 1
    if exponent < -4 or exponent >= 6:
        rest = "." + digits[1:] if len(digits) > 1 else ""
        return f"{digits[0]}{rest}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if point <= 0:
        return "0." + "0" * -point + digits
    if len(digits) <= point:
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


def write_timestamp(value: datetime) -> str:
    """A time as RFC 3339 in UTC, with as many digits of the second as it has."""
    text = value.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    part = f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
    return f"{text}{part}Z"


def write_duration(value: timedelta) -> str:
    """A duration in seconds: ``3600s``, ``1.5s``."""
    micros = value // timedelta(microseconds=1)
    sign = "-" if micros < 0 else ""
    seconds, rest = divmod(abs(micros), 1_000_000)
    part = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{sign}{seconds}{part}s"
