"""Random UUIDs, of which every write takes one and every request another.

The library's take ten times as long, most of it for asking the system for 16 bytes.
"""

from __future__ import annotations

import os


class _Pool:
    """Random bytes as hexadecimal digits, bought from the system a page at a time.

    Processes here are started, never forked, so that no two draw from one page.
    """

    def __init__(self) -> None:
        self._text, self._at = "", 0

    def digits(self) -> str:
        """The next 32 digits."""
        at = self._at
        if at == len(self._text):
            self._text, at = os.urandom(4096).hex(), 0
        self._at = at + 32
        return self._text[at : at + 32]


_pool = _Pool()
_VARIANTS = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


def new_uid() -> str:
    """A version 4 UUID (RFC 9562, section 5.4) as text."""
    text = _pool.digits()
    variant = _VARIANTS[text[16]]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"
