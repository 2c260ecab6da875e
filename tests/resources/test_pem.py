"""Blocks in PEM: what is one, and what is passed over."""

from __future__ import annotations

import pytest

from strongroom.resources.pem import Block, armored, blocks, first

ONE = armored("CERTIFICATE", b"one")


def test_what_is_written_is_read() -> None:
    content = bytes(range(256))
    assert list(blocks(armored("ODD TYPE", content))) == [Block("ODD TYPE", False, content)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", []),
        (b"words\n" + ONE + b"words", [b"one"]),
        (ONE.replace(b"\n", b"\r\n"), [b"one"]),
        (ONE + armored("CERTIFICATE", b"two"), [b"one", b"two"]),
        (b"-----BEGIN CERTIFICATE-----\n" + ONE, [b"one"]),
        (b"-----BEGIN A-----\nAAAA\n-----END B-----\n" + ONE, [b"one"]),
        (b"-----BEGIN A-----\n!!!!\n-----END A-----\n" + ONE, [b"one"]),
        (b"-----END CERTIFICATE-----\n" + ONE, [b"one"]),
        (ONE[:-10], []),
    ],
)
def test_what_is_broken_is_passed_over(text: bytes, found: list[bytes]) -> None:
    assert [block.content for block in blocks(text)] == found


def test_headers_are_told() -> None:
    text = b"-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END A-----\n"
    assert first(text) == Block("A", True, b"\0\0\0")


def test_a_megabyte_of_beginnings_is_one_walk() -> None:
    """Each beginning would be a walk to the end for who looks for its own end."""
    assert first(b"-----BEGIN CERTIFICATE-----\n" * 40_000) is None
