"""Numbers of the query string, read as Go's ParseInt reads them."""

import pytest

from strongroom.api.errors import StatusError
from strongroom.server.call import integer


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("+5", 5),
        ("-7", -7),
        ("0" * 40 + "12", 12),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("", None),
    ],
)
def test_numbers(text: str, number: int | None) -> None:
    assert integer({"limit": [text]}, "limit") == number


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("9223372036854775808", "value out of range"),
        ("373528204946343264256", "value out of range"),
        ("-" + "9" * 5000, "value out of range"),
        ("+", "invalid syntax"),
        ("1a", "invalid syntax"),
        ("٣", "invalid syntax"),
    ],
)
def test_what_is_no_number_is_told_of(text: str, reason: str) -> None:
    with pytest.raises(StatusError) as refused:
        integer({"limit": [text]}, "limit")
    assert refused.value.message.endswith(reason)
    assert len(refused.value.message) < 150
