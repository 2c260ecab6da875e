"""Copies of a Secret that the server made, written below it, through encryption and driver.

So many through the API would take an hour on a busy machine. No server may run meanwhile.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.cases import NAMESPACE, Measurements, fill, make_namespace
from bench.load import Endpoint
from bench.target import Target
from strongroom.server.etcd_options import ETCD
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.port import Store
from strongroom.storage.sqlite import SQLiteStore

NAMESPACES = 100
_AT_ONCE = 256


async def prepare(target: Target, count: int) -> Measurements:
    """The namespace, with the first Secrets in it: ``few-000000`` is what is copied."""
    await make_namespace(target)
    await fill(Endpoint.of(target), "few", count)
    return {}


async def copies(url: str, key: Path, count: int) -> Measurements:
    """Copy one of the few, over many namespaces; how many bytes the values are."""
    driver: Store
    if url.startswith(ETCD):
        driver = await EtcdStore.open(url.removeprefix(ETCD).split(","))
    else:
        driver = SQLiteStore.open(url.removeprefix("sqlite:"))
    made = KMSTransformer("strongroom", KeyRing.load(key))
    store = EncryptedStore(driver, PrefixTransformer([(made.prefix, made)]))
    first = await store.get(f"/registry/secrets/{NAMESPACE}/few-000000")
    assert first is not None
    for start in range(0, count, _AT_ONCE):
        await asyncio.gather(
            *(
                _copy(store, first.value, number)
                for number in range(start, min(count, start + _AT_ONCE))
            )
        )
    await store.close()
    return {"bytes": float(len(first.value) * count)}


async def _copy(store: Store, value: bytes, number: int) -> None:
    namespace, name = f"many-{number % NAMESPACES:03}", f"many-{number:06}"
    value = value.replace(b'"few-000000"', f'"{name}"'.encode())
    value = value.replace(f'"{NAMESPACE}"'.encode(), f'"{namespace}"'.encode())
    await store.create(f"/registry/secrets/{namespace}/{name}", value)
