"""Headers of replies: warnings and their limits."""

import pytest

from strongroom.server.reply import WARNINGS_TOTAL, warning_headers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", b'299 - "plain"'),
        ('a "quoted" word', b'299 - "a \\"quoted\\" word"'),
        ("back\\slash", b'299 - "back\\\\slash"'),
        ("two\r\nlines", b'299 - "two  lines"'),
        ("grün", '299 - "grün"'.encode()),
    ],
)
def test_quoting(text: str, value: bytes) -> None:
    assert warning_headers([text]) == [(b"warning", value)]


def test_long_and_many_warnings_are_cut() -> None:
    ((_, value),) = warning_headers(["x" * 1000])
    assert len(value) == 256 + len(b'299 - ""')
    headers = warning_headers([f"{n} " + "x" * 200 for n in range(100)])
    assert 1 < len(headers) < 100
    assert sum(len(value) for _, value in headers) <= WARNINGS_TOTAL
