"""The end of the server: readiness fails first, long answers end, short ones finish."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any


class Shutdown:
    """Knows whether the end has begun, and the streams that it has to end."""

    def __init__(self) -> None:
        self.begun = False
        self._streams: set[asyncio.Task[Any]] = set()

    def begin(self) -> None:
        """End the streams that are open; from now on new ones end at once."""
        self.begun = True
        for stream in list(self._streams):
            stream.cancel()

    @contextlib.contextmanager
    def following(self, stream: asyncio.Task[Any] | None) -> Iterator[None]:
        """Let this stream (None: it runs in no task) end with the server, by cancelling it."""
        if stream is None:
            yield
            return
        self._streams.add(stream)
        if self.begun:
            stream.cancel()
        try:
            yield
        finally:
            self._streams.discard(stream)

    async def check(self) -> None:
        """The readiness check: fails once the end has begun."""
        if self.begun:
            raise RuntimeError("the server is stopping")
