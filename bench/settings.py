"""How much a run measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """``seconds`` is the length of each load; the rest are numbers of things."""

    seconds: float = 3.0
    counts: tuple[int, ...] = (100, 10_000)
    """Secrets among which flat cost is measured."""
    bindings: tuple[int, ...] = (10, 1_000, 10_000)
    """Among which access is asked about."""
    listed: tuple[int, int] = (500, 3_300)
    """Secrets in the shorter lists."""
    secrets: int = 10_000
    """In the large lists."""
    few_watches: int = 200
    """In the fan-out, each shown more changes than those of the crowds."""
    watches: tuple[int, ...] = (1_000, 10_000)
    changes: int = 10
    """Writes that the watches are shown."""
    workers: int = 1
    """Serving processes of a server that is started here."""
    members: tuple[int, ...] = (1, 3)
    """Of the etcds on which durable creates are measured."""
    rewrapped: int = 10_000
    """Secrets that are stored anew under a new key."""
    stored: int = 100_000
    """Secrets in a store with which a server starts."""
