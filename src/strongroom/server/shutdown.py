"""The end of the server: readiness fails first, long answers end, short ones finish."""

from __future__ import annotations

import asyncio
from typing import Any


class Shutdown:
    """Knows whether the end has begun, and the streams that it has to end."""

    def __init__(self) -> None:
        self.begun = False
        self._streams: set[asyncio.Task[Any]] = set()

    def begin(self) -> None:
        """End the streams that are open; from now on new ones end at once."""
        self.begun = True
        for stream in self._streams:
            stream.cancel()

    def follow(self, stream: asyncio.Task[Any]) -> None:
        """Let this stream end with the server."""
        self._streams.add(stream)
        stream.add_done_callback(self._streams.discard)
        if self.begun:
            stream.cancel()

    async def check(self) -> None:
        """The readiness check: fails once the end has begun."""
        if self.begun:
            raise RuntimeError("the server is stopping")
