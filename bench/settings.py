"""How much a run measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """``seconds`` is the length of each load; the rest are numbers of things."""

    seconds: float = 3.0
    counts: tuple[int, ...] = (100, 10_000)
    """Secrets among which flat cost is measured."""
    secrets: int = 10_000
    """In the large lists."""
    watches: tuple[int, ...] = (1_000, 10_000)
    changes: int = 10
    """Writes that the watches are shown."""
    workers: int = 1
    """Serving processes of a server that is started here."""
