"""Waiting for a state instead of for a time.

What other tasks, processes or machines bring about can only be asked for again and again. The
limits are for machines that are busy: nothing takes that long that works.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from strongroom.api.errors import StatusError

T = TypeVar("T")


def eventually(look: Callable[[], T], *, seconds: float = 60.0, pause: float = 0.05) -> T:
    """What ``look`` gives as soon as it is true; the test fails when it never is."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"still {found!r} after {seconds:g} s"
        time.sleep(pause)


async def until(read: Callable[[], Awaitable[T]], holds: Callable[[T], object] = bool) -> T:
    """What ``read`` answers once it ``holds``."""
    async with asyncio.timeout(60):
        while not holds(found := await read()):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.02)
    return found


async def gone(read: Callable[[], Awaitable[object]]) -> None:
    """Wait until ``read`` answers that there is no such object."""

    async def missing() -> bool:
        try:
            await read()
        except StatusError as error:
            if error.code != 404:
                raise
            return True
        return False

    await until(missing)


async def becomes(look: Callable[[], object]) -> None:
    """Wait until ``look`` is true of what other tasks of this process do."""
    async with asyncio.timeout(60):
        while not look():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)
