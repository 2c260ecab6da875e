"""The syntax of schedules."""

from __future__ import annotations

import pytest

from strongroom.resources.cron_schedule import check_schedule


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *", "*/5 0-6/2 1,15 JAN-mar ?", "0 3 * * mon-fri", "@hourly", "@every 1h30m",
        "5/10 * * * 0,6", "TZ=UTC 0 * * * *", "CRON_TZ=Europe/Berlin @daily",
    ],
)  # fmt: skip
def test_schedules(text: str) -> None:
    check_schedule(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("@sometimes", "unrecognized descriptor: @sometimes"),
        (
            "@every day",
            'failed to parse duration @every day: time: invalid duration "day"',
        ),
    ],
)
def test_what_is_no_schedule(text: str, why: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is compared below
        check_schedule(text)
    assert str(refused.value) == why
