"""Durable creates per second on every store, beside what disk and etcd do on their own.

For each number of writers the levels are measured one right after the other, so that whatever else
the machine does meets all of them: the disk or etcd alone, the driver with encryption and no
server, the server.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from bench.cases import SECRETS, Measurements, make_namespace, secret
from bench.load import Endpoint, Outcome, for_seconds, run_load
from bench.members import Members, members
from bench.rawstore import flushes, puts, together
from bench.settings import Settings
from bench.target import Target, own
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.port import Store
from strongroom.storage.sqlite import SQLiteStore

WRITERS = (1, 8, 64)
Run = Callable[[Coroutine[Any, Any, Measurements]], Measurements]
_SIZE = 1400
"""Bytes of a Secret of 1 KB as it is stored: with its metadata, its owners and the envelope."""


def durable(settings: Settings, run: Run) -> Measurements:
    """SQLite, one member of etcd, three members."""
    result: Measurements = {}
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as scratch:
        with own(False, "--workers", str(settings.workers)) as target:
            result |= run(on_sqlite(target, Path(scratch), settings.seconds))
        for count in settings.members:
            directory = Path(scratch, f"etcd{count}")
            directory.mkdir()
            with (
                members(count, directory) as cluster,
                own(False, "--workers", str(settings.workers), "--store", cluster.store) as target,
            ):
                result |= run(on_etcd(target, cluster, directory, settings.seconds))
    return result


async def on_sqlite(target: Target, directory: Path, seconds: float) -> Measurements:
    """A server on SQLite; ``directory`` is where disk and driver are tried."""
    await make_namespace(target)
    store = SQLiteStore.open(directory / "driver" / "store.db")
    result: Measurements = {}
    for writers in WRITERS:
        raw = flushes(directory, _SIZE, writers, seconds)
        alone = await driver(store, directory, writers, seconds)
        server = await _server(target, writers, seconds)
        result |= _told(f"sqlite, {writers} writers", server, alone)
        result[f"disk alone, records flushed/s in groups of {writers}"] = raw
        result |= _shares("sqlite", writers, server, alone, raw)
    await store.close()
    return result


async def on_etcd(
    target: Target, cluster: Members, directory: Path, seconds: float
) -> Measurements:
    """A server on etcd; the driver's key is in ``directory``."""
    await make_namespace(target)
    name = f"etcd of {len(cluster.urls)}"
    result: Measurements = {}
    for writers in WRITERS:
        cpu = cluster.cpu()
        raw = await puts(cluster.urls[0], _SIZE, writers, seconds)
        raw_cpu, cpu = cluster.cpu() - cpu, cluster.cpu()
        server = await _server(target, writers, seconds)
        server_cpu = cluster.cpu() - cpu
        # Last: what is written here is seen by the server's watch too.
        store = await EtcdStore.open(cluster.urls)
        alone = await driver(store, directory, writers, seconds)
        await store.close()
        result |= _told(f"{name}, {writers} writers", server, alone)
        result[f"{name} alone, puts/s, {writers} writers"] = raw.rate
        result[f"{name} alone, writer busy %, {writers} writers"] = raw.own_share
        for what, used, done in (("alone", raw_cpu, raw), ("server", server_cpu, server)):
            each = used / max(len(done.latencies), 1) * 1e6
            result[f"{name}, its own CPU us a write, {what}, {writers} writers"] = each
        result |= _shares(name, writers, server, alone, raw.rate)
    return result


async def driver(store: Store, directory: Path, writers: int, seconds: float) -> Outcome:
    """Creates without a server: encryption with a key of our own, and the store."""
    ring = KeyRing.create(directory / f"driver-{writers}-{os.urandom(4).hex()}.key")
    encrypted = EncryptedStore(store, _transformer(ring))
    value, numbers, run = os.urandom(_SIZE - 150), itertools.count(), os.urandom(4).hex()

    async def once() -> None:
        await encrypted.create(f"/driver/{run}/{next(numbers):08}", value)

    return await together(once, writers, seconds)


def _transformer(ring: KeyRing) -> PrefixTransformer:
    made = KMSTransformer("strongroom", ring)
    return PrefixTransformer([(made.prefix, made)])


async def _server(target: Target, writers: int, seconds: float) -> Outcome:
    endpoint, numbers = Endpoint.of(target), itertools.count()

    def request() -> bytes:
        return endpoint.send("POST", SECRETS, secret(f"d{writers}-{next(numbers):06}"))

    outcome = await run_load(endpoint, writers, for_seconds(seconds, request))
    if outcome.failures:
        raise SystemExit(f"bench: {outcome.failures} creates failed")
    return outcome


def _told(name: str, server: Outcome, alone: Outcome) -> Measurements:
    return {
        f"create/s, {name}": server.rate,
        f"create p50 ms, {name}": server.percentile(0.5) * 1000,
        f"create p99 ms, {name}": server.percentile(0.99) * 1000,
        f"create server CPU us, {name}": server.server_us,
        f"driver without server, creates/s, {name}": alone.rate,
    }


def _shares(name: str, writers: int, server: Outcome, alone: Outcome, raw: float) -> Measurements:
    return {
        f"server of raw %, {name}, {writers} writers": server.rate / raw * 100,
        f"driver of raw %, {name}, {writers} writers": alone.rate / raw * 100,
    }
