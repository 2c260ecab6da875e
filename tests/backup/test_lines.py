"""The lines of a backup: whole or refused."""

from __future__ import annotations

import pytest

from strongroom.backup.lines import (
    BadBackup,
    Check,
    End,
    Failed,
    Head,
    Line,
    Record,
    Unreadable,
    encode,
    records,
    section,
)

HEAD = Head(1, 10, "2026-11-22T12:00:00Z", "0.1.0")
ONE = Record("/registry/secrets/a/one", b"value of one", 2, 3)
TWO = Record("/registry/secrets/a/two", b"value of two", 4, 4)
END = End(2)


def read(*lines: Line, cut: int = 0) -> tuple[list[Record], Check]:
    content, check = b"".join(map(encode, lines)), Check()
    content = content[: len(content) - cut]
    pieces = [content[at : at + 7] for at in range(0, len(content), 7)]
    return list(records(pieces, check)), check


def test_a_whole_backup_is_read() -> None:
    unreadable = Unreadable("/registry/secrets/a/three", "its key is missing")
    found, check = read(HEAD, ONE, unreadable, TWO, END)
    assert found == [ONE, TWO]
    assert check.finish() == HEAD
    assert (check.records, check.kinds, check.unreadable) == (2, {"secrets": 2}, [unreadable])


def test_a_value_is_in_no_repr() -> None:
    assert "value" not in repr(ONE)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((), "end is missing"),
        ((HEAD,), "end is missing"),
        ((HEAD, ONE, TWO), "end is missing"),
        ((ONE, TWO, END), "does not begin with its head"),
        ((HEAD, HEAD, END), "does not begin with its head"),
        ((HEAD, ONE, END), "1 of the backup's 2 records"),
        ((HEAD, TWO, ONE, END), "order of their keys"),
        ((HEAD, ONE, ONE, END), "order of their keys"),
        ((HEAD, ONE, TWO, END, ONE), "behind its end"),
        ((HEAD, ONE, Failed("disk on fire"), END), "disk on fire"),
        ((Head(2, 10, "", ""), End(0)), "format 2"),
        ((HEAD, Record("/a", b"", 3, 11), End(1)), "of no revision"),
        ((HEAD, Record("/a", b"", 3, 2), End(1)), "of no revision"),
    ],
)
def test_anything_else_is_refused(lines: tuple[Line, ...], why: str) -> None:
    with pytest.raises(BadBackup, match=why):
        read(*lines)


def test_half_a_line_is_refused() -> None:
    with pytest.raises(BadBackup):
        read(HEAD, ONE, TWO, END, cut=1)


def test_a_line_that_is_not_understood_is_not_shown() -> None:
    with pytest.raises(BadBackup) as refused:
        list(records([b'{"kind":"Record","key":"/a","value":"c2VjcmV0"}\n'], Check()))
    assert "c2VjcmV0" not in str(refused.value)


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("/registry/secrets/a/one", "secrets"),
        ("/registry/strongroom.io/shares/x", "strongroom.io"),
        ("/strongroom/alerts/x", "strongroom"),
    ],
)
def test_kinds_are_told_by_keys(key: str, found: str) -> None:
    assert section(key) == found
