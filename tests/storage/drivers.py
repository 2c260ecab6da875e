"""Every way to get a store, by name: what the suite is parametrized with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import Store
from strongroom.storage.sqlite import SQLiteStore
from tests.etcd import shared_etcd
from tests.storage.rebased import RebasedStore
from tests.storage.sharing import SharedStore


async def _memory(_: Path) -> Store:
    return MemoryStore()


def _file(directory: Path) -> Path:
    return directory / "data" / "store.db"


async def _sqlite(directory: Path) -> Store:
    return SQLiteStore.open(_file(directory))


def local_kms(key: bytes = b"k" * 32) -> PrefixTransformer:
    """The transformer that the server uses by default, with a key made for tests."""
    kms = KMSTransformer("local", LocalKey(key))
    return PrefixTransformer([(kms.prefix, kms)])


async def _encrypted_memory(_: Path) -> Store:
    return EncryptedStore(MemoryStore(), local_kms())


async def _encrypted_sqlite(directory: Path) -> Store:
    return EncryptedStore(SQLiteStore.open(_file(directory)), local_kms())


async def _remote_memory(_: Path) -> Store:
    return await SharedStore.over(MemoryStore())


async def _encrypted_remote_sqlite(directory: Path) -> Store:
    shared = await SharedStore.over(SQLiteStore.open(_file(directory)))
    return EncryptedStore(shared, local_kms())


async def _etcd(_: Path) -> RebasedStore:
    store = await EtcdStore.open([shared_etcd().url])
    return RebasedStore(store, store.current_revision)


DRIVERS: dict[str, Callable[[Path], Awaitable[Store]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "encrypted-memory": _encrypted_memory,
    "encrypted-sqlite": _encrypted_sqlite,
    "remote-memory": _remote_memory,
    "encrypted-remote-sqlite": _encrypted_remote_sqlite,
    "etcd": _etcd,
}
