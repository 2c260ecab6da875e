"""The contract of a place where audit events go, and several of them as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Sink(Protocol):
    """Where audit events go."""

    def write(self, line: bytes) -> None:
        """Take one event as a JSON line. Must neither block nor raise."""
        ...


class Settling(Sink, Protocol):
    """A sink that can tell whether what it took has arrived."""

    async def settle(self) -> bool:
        """Wait until all that was taken has arrived; False when it cannot at present."""
        ...


class SharedSink(Settling, Protocol):
    """A sink that others may listen to."""

    def add(self, sink: Sink) -> None:
        """Hand events to one more from now on."""
        ...


class Fan:
    """Hands each event to several sinks. ``write`` takes any number of whole lines."""

    def __init__(self, sinks: Sequence[Sink], settling: Sequence[Settling] = ()) -> None:
        """``settling`` are those sinks whose failures fail requests, or that requests wait for."""
        self._sinks = list(sinks)
        self._settling = settling
        self.events = 0
        """Events that were taken."""

    def add(self, sink: Sink) -> None:
        """Hand events to one more from now on."""
        self._sinks.append(sink)

    def write(self, line: bytes) -> None:
        if line.count(b"\n") == 1:
            self.events += 1
            for sink in self._sinks:
                sink.write(line)
            return
        for one in line.splitlines(keepends=True):
            self.write(one)

    async def settle(self) -> bool:
        """Wait until all of them have what was taken; False when one cannot take it."""
        return all([await sink.settle() for sink in self._settling])
