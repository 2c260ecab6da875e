"""The syntax of schedules: five fields, or a word such as ``@hourly``.

The grammar and its messages are those of the parser that upstream uses (``robfig/cron``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from strongroom.api.gotext import quote

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, slots=True)
class _Field:
    """The numbers that a field may hold, and the names of some."""

    least: int
    most: int
    names: dict[str, int] = field(default_factory=dict)


_FIELDS = (
    _Field(0, 59),
    _Field(0, 23),
    _Field(1, 31),
    _Field(1, 12, {name: i + 1 for i, name in enumerate(_MONTHS)}),
    _Field(0, 6, {name: i for i, name in enumerate(_DAYS)}),
)
_WORDS = frozenset(
    {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
)
_EVERY = "@every "
_DURATION = re.compile(r"[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)")


def check_schedule(text: str) -> None:
    """Raise ValueError, in upstream's words, for what is no schedule."""
    if not text:
        raise ValueError("empty spec string")
    if text.startswith(("TZ=", "CRON_TZ=")):
        zone, _, text = text.partition(" ")
        text = text.strip()
        if not text:
            raise ValueError(f"provided bad location {zone.partition('=')[2]}: missing schedule")
    if text.startswith("@"):
        _check_word(text)
        return
    fields = text.split()
    if len(fields) != len(_FIELDS):
        found = f"found {len(fields)}: [{' '.join(fields)}]"
        raise ValueError(f"expected exactly {len(_FIELDS)} fields, {found}")
    for expression, bounds in zip(fields, _FIELDS, strict=True):
        for part in expression.split(","):
            if part:
                _check_range(part, bounds)


def _check_word(text: str) -> None:
    if text in _WORDS:
        return
    if not text.startswith(_EVERY):
        raise ValueError(f"unrecognized descriptor: {text}")
    duration = text.removeprefix(_EVERY)
    if not _DURATION.fullmatch(duration):
        why = f"time: invalid duration {quote(duration)}"
        raise ValueError(f"failed to parse duration {text}: {why}")


def _check_range(text: str, bounds: _Field) -> None:
    limits, *steps = text.split("/")
    ends = limits.split("-")
    if ends[0] in ("*", "?"):
        start, end = bounds.least, bounds.most
    else:
        start = _number(ends[0], bounds)
        if len(ends) > 2:
            raise ValueError(f"too many hyphens: {text}")
        end = _number(ends[1], bounds) if len(ends) == 2 else start
    if len(steps) > 1:
        raise ValueError(f"too many slashes: {text}")
    step = _integer(steps[0]) if steps else 1
    if steps:
        # A single number with a step means from it to the end.
        end = bounds.most if len(ends) == 1 else end
    if start < bounds.least:
        raise ValueError(f"beginning of range ({start}) below minimum ({bounds.least}): {text}")
    if end > bounds.most:
        raise ValueError(f"end of range ({end}) above maximum ({bounds.most}): {text}")
    if start > end:
        raise ValueError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {text}")


def _number(text: str, bounds: _Field) -> int:
    named = bounds.names.get(text.lower())
    return _integer(text) if named is None else named


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        why = f"strconv.Atoi: parsing {quote(text)}: invalid syntax"
        raise ValueError(f"failed to parse int from {text}: {why}")
    number = int(text)
    if number < 0:
        raise ValueError(f"negative number ({number}) not allowed: {text}")
    return number
