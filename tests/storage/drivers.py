"""Every way to get a store, by name: what the suite is parametrized with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import Store


def _memory(_: Path) -> Store:
    return MemoryStore()


DRIVERS: dict[str, Callable[[Path], Store]] = {
    "memory": _memory,
}
