"""Every way to get a store, by name: what the suite is parametrized with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import Store
from strongroom.storage.sqlite import SQLiteStore


def _memory(_: Path) -> Store:
    return MemoryStore()


def _sqlite(directory: Path) -> Store:
    return SQLiteStore.open(directory / "data" / "store.db")


DRIVERS: dict[str, Callable[[Path], Store]] = {
    "memory": _memory,
    "sqlite": _sqlite,
}
