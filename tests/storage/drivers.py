"""Every way to get a store, by name: what the suite is parametrized with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import Store
from strongroom.storage.sqlite import SQLiteStore


def _memory(_: Path) -> Store:
    return MemoryStore()


def _sqlite(directory: Path) -> Store:
    return SQLiteStore.open(directory / "data" / "store.db")


def local_kms(key: bytes = b"k" * 32) -> PrefixTransformer:
    """The transformer that the server uses by default, with a key made for tests."""
    kms = KMSTransformer("local", LocalKey(key))
    return PrefixTransformer([(kms.prefix, kms)])


def _encrypted_memory(_: Path) -> Store:
    return EncryptedStore(MemoryStore(), local_kms())


def _encrypted_sqlite(directory: Path) -> Store:
    return EncryptedStore(_sqlite(directory), local_kms())


DRIVERS: dict[str, Callable[[Path], Store]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "encrypted-memory": _encrypted_memory,
    "encrypted-sqlite": _encrypted_sqlite,
}
