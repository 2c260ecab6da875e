"""Reading a watch in tests."""

from __future__ import annotations

import asyncio

from strongroom.storage.port import Event, Watch


async def take(watch: Watch, count: int) -> list[Event]:
    """The next `count` events, which must come; the time is only so that a test ends."""
    events: list[Event] = []
    async with asyncio.timeout(20):
        while len(events) < count:
            events += await anext(watch)
    return events
