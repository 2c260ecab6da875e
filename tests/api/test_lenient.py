"""Go's base64 and times, against references."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api.lenient import UnreadableError, canonical_time, decode_base64
from strongroom.api.times import format_micro_time, format_time, parse_time

ALPHABET = "ABCabc019+/=\r\n-_ é"


@given(st.binary(max_size=40), st.lists(st.integers(0, 60), max_size=4))
def test_base64_with_line_ends_anywhere(data: bytes, breaks: list[int]) -> None:
    text = base64.b64encode(data).decode()
    for at in breaks:
        text = text[:at] + "\r\n" + text[at:]
    assert decode_base64(text) == data


def reference_offset(text: str) -> int | None:
    """The offset of Go's error by quanta of four, written for clarity and not for speed."""
    raw = text.encode()
    at = 0
    while True:
        digits = 0
        while digits < 4:
            while at < len(raw) and raw[at] in b"\r\n":
                at += 1
            if at == len(raw):
                return None if digits == 0 else at - digits
            character = raw[at : at + 1]
            if character.isalnum() or character in (b"+", b"/"):
                digits += 1
                at += 1
                continue
            if character != b"=" or digits < 2:
                return at
            return reference_padding(raw, at + 1, digits)


def reference_padding(raw: bytes, at: int, digits: int) -> int | None:
    def skip(start: int) -> int:
        while start < len(raw) and raw[start] in b"\r\n":
            start += 1
        return start

    if digits == 2:
        at = skip(at)
        if at == len(raw):
            return len(raw)
        if raw[at : at + 1] != b"=":
            return at - 1
        at += 1
    at = skip(at)
    return None if at == len(raw) else at


@given(st.text(ALPHABET, max_size=14))
def test_base64_errors_stand_where_gos_do(text: str) -> None:
    expected = reference_offset(text)
    if expected is None:
        assert isinstance(decode_base64(text), bytes)
    else:
        with pytest.raises(UnreadableError, match=f"at input byte {expected}$"):
            decode_base64(text)


zones = st.builds(
    timezone,
    st.timedeltas(timedelta(hours=-12), timedelta(hours=12)).map(
        lambda d: timedelta(minutes=d.total_seconds() // 60)
    ),
)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=zones)  # noqa: DTZ001 - the bounds take their zones from the strategy


@given(moments)
def test_times_in_any_zone_become_utc(moment: datetime) -> None:
    text = moment.isoformat()
    assert canonical_time(text, micro=False) == format_time(moment)
    assert canonical_time(text, micro=True) == format_micro_time(moment)
    assert parse_time(format_micro_time(moment)) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-02-29T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "2026-01-01T00:00:00Z\n",
        "2026-01-01t00:00:00z",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert canonical_time(text, micro=False) is None
