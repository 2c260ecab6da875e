"""The benchmarks of what is stored run, small: on one server, and on an etcd without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cases import secret
from bench.copies import copies, prepare
from bench.durable import driver, on_sqlite
from bench.encrypting import OWN, loads, of_values, plugins
from bench.filled import lists, reads
from bench.members import Members, members
from bench.rawstore import puts
from bench.rewrapping import rewrapped
from bench.target import own
from strongroom.server.etcd_options import ETCD
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.sqlite import SQLiteStore

SHORT = 0.01


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[Members]:
    with members(1, tmp_path) as cluster:
        yield cluster


async def put_the_first(path: Path, key: Path) -> None:
    """What is copied, and what a server would have made."""
    made = KMSTransformer("strongroom", KeyRing.create(key))
    store = EncryptedStore(SQLiteStore.open(path), PrefixTransformer([(made.prefix, made)]))
    plain = json.loads(secret("few-000000"))
    value = {"kind": "Secret", "apiVersion": "v1", "data": plain["data"]}
    value["metadata"] = {"name": "few-000000", "namespace": "bench"}
    stored = json.dumps(value, separators=(",", ":")).encode()
    await store.create("/registry/secrets/bench/few-000000", stored)
    await store.close()


async def test_what_is_stored_is_measured_on_one_server(tmp_path: Path) -> None:
    path, key = tmp_path / "store.db", tmp_path / "encryption.key"
    await put_the_first(path, key)
    written = await copies(f"sqlite:{path}", key, 600)
    with own(False, "--store", f"sqlite:{path}", directory=tmp_path) as target:
        await prepare(target, 8)
        read = await reads(target, "few", SHORT)
        listed = await lists(target, "sqlite", 608, SHORT)
        anew = await rewrapped(target, "sqlite", 600, SHORT)
        created = await on_sqlite(target, tmp_path, SHORT)
        by_provider = await loads({OWN: target}, SHORT)

    assert created["create/s, sqlite, 8 writers"] > 0
    assert created["disk alone, records flushed/s in groups of 64"] > 0
    assert by_provider.keys() == {f"create server CPU us, {OWN}", f"get server CPU us, {OWN}"}
    assert written["bytes"] > 600 * 1000
    assert read["get, few/s"] > 0
    assert listed["list all 608 in pages of 500, sqlite/s"] > 0
    assert anew["rewrap of 600 Secrets, values/s, sqlite"] > 0
    assert anew["get p99 ms, rewrapping, sqlite"] > 0


async def test_etcd_is_measured_beside_the_driver(etcd: Members, tmp_path: Path) -> None:
    raw = await puts(etcd.urls[0], 1000, 4, SHORT)
    store = await EtcdStore.open(etcd.store.removeprefix(ETCD).split(","))
    ours = await driver(store, tmp_path, 4, SHORT)
    await store.close()
    assert raw.rate > 0
    assert ours.rate > 0
    assert etcd.resident() > 1e6


def test_every_provider_is_measured(tmp_path: Path) -> None:
    with plugins(tmp_path) as configured:
        found = of_values(tmp_path, configured, SHORT)
    for name in (OWN, "identity", "aescbc", "aesgcm", "secretbox", "kms v1", "kms v2"):
        for what in ("write 1 KB", "read 1 KB", "write 64 KB", "read 64 KB"):
            assert found[f"{name}, us to {what}"] > 0
