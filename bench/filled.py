"""A store full of Secrets with which a server starts: start-up, memory, lists, and flat reads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from bench.cases import SECRETS, Measurements
from bench.copies import NAMESPACES, copies, prepare
from bench.lists import pages, told
from bench.load import Endpoint, for_seconds, run_load
from bench.members import places
from bench.settings import Settings
from bench.target import Target, cpu_seconds, own, resident_bytes

Run = Callable[[Coroutine[Any, Any, Measurements]], Measurements]

FEW = 100
_ALL = "/api/v1/secrets"


def filled(settings: Settings, run: Run) -> Measurements:
    """On SQLite, then on etcd of one member."""
    result: Measurements = {}
    for place in places(settings):
        result |= _on(place.name, place.store, place.directory, settings, run)
        if place.cluster is not None:
            result[f"{place.name}, its own resident MB"] = place.cluster.resident() / 1e6
    return result


def _on(name: str, store: str, directory: Path, settings: Settings, run: Run) -> Measurements:
    """Few Secrets, then many, in the same store."""
    result: Measurements = {}

    @contextlib.contextmanager
    def started(count: int) -> Iterator[Target]:
        with own(False, "--store", store, directory=directory) as target:
            result[f"start to ready s, {name}, {count:,} Secrets"] = target.ready_seconds or 0.0
            result[f"start CPU s, {name}, {count:,} Secrets"] = cpu_seconds(target.pid)
            result[f"resident MB, {name}, {count:,} Secrets"] = resident_bytes(target.pid) / 1e6
            yield target

    with own(False, "--store", store, directory=directory) as target:
        run(prepare(target, FEW))
    with started(FEW) as target:
        result |= run(reads(target, f"{name}, {FEW:,} Secrets", settings.seconds))
    key = directory / "encryption.key"
    result[f"MB of values, {name}"] = run(copies(store, key, settings.stored))["bytes"] / 1e6
    count = FEW + settings.stored
    with started(count) as target:
        result |= run(reads(target, f"{name}, {count:,} Secrets", settings.seconds))
        result |= run(lists(target, name, count, settings.seconds))
        after = resident_bytes(target.pid) / 1e6
        result[f"resident MB, {name}, {count:,} Secrets, after lists"] = after
    return result


async def reads(target: Target, name: str, seconds: float) -> Measurements:
    """GETs of one of the few."""
    endpoint = Endpoint.of(target)
    request = endpoint.get(f"{SECRETS}/few-000000")
    outcome = await run_load(endpoint, 8, for_seconds(seconds, lambda: request))
    return told(f"get, {name}", outcome) | {
        f"get p50 ms, {name}": outcome.percentile(0.5) * 1000,
        f"get p99 ms, {name}": outcome.percentile(0.99) * 1000,
    }


async def lists(target: Target, name: str, count: int, seconds: float) -> Measurements:
    """Lists of everything, of one namespace, and in pages; one client at a time."""
    endpoint = Endpoint.of(target)
    result: Measurements = {}
    one = f"/api/v1/namespaces/many-{NAMESPACES - 1:03}/secrets"
    for what, path in ((f"all {count:,}", _ALL), ("one namespace of them", one)):
        request = endpoint.get(path)
        outcome = await run_load(endpoint, 1, for_seconds(seconds, lambda r=request: r))  # type: ignore[misc]  # the default binds the loop's value
        result |= told(f"list {what}, {name}", outcome)
        result[f"list {what} p50 ms, {name}"] = outcome.percentile(0.5) * 1000
    outcome = await pages(endpoint, seconds, _ALL)
    result |= told(f"list all {count:,} in pages of 500, {name}", outcome)
    result[f"list all {count:,} in pages of 500 p50 ms, {name}"] = outcome.percentile(0.5) * 1000
    return result
