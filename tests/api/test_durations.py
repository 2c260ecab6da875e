"""Tests of strongroom.api.durations."""

from datetime import timedelta

import pytest

from strongroom.api.durations import duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("1h30m", 5400), ("1.5h", 5400), ("-2s", -2), ("+250ms", 0.25), (".5s", 0.5)],
)
def test_go_s_form(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "1d", "h", "1 h", "1h ", "9" * 300, "9999999h"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    ["0s", "1s", "2.5s", "1m0s", "1m1.5s", "2h0m0s", "26h3m4s", "300ms", "1.5ms", "7µs", "-1m1s"],
)
def test_as_go_prints_it(text: str) -> None:
    assert duration_text(parse_duration(text)) == text
