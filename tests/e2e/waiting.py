"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], *, seconds: float = 30.0, pause: float = 0.05) -> T:
    """What ``look`` gives as soon as it is true; the test fails when it never is."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"still {found!r} after {seconds:g} s"
        time.sleep(pause)
