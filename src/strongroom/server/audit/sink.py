"""The contract of a place where audit events go."""

from __future__ import annotations

from typing import Protocol


class Sink(Protocol):
    """Where audit events go."""

    def write(self, line: bytes) -> None:
        """Take one event as a JSON line. Must neither block nor raise."""
        ...
