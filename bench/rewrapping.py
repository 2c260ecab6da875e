"""Storing every Secret anew under a new key: how long, and what others notice of it meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from bench.cases import NAMESPACE, SECRETS, Measurements, secret
from bench.copies import NAMESPACES, copies, prepare
from bench.load import Endpoint
from bench.members import places
from bench.session import Session
from bench.settings import Settings
from bench.target import Target, cpu_seconds, own

Run = Callable[[Coroutine[Any, Any, Measurements]], Measurements]

_OPERATIONS = "/apis/strongroom.io/v1alpha1/encryptionoperations"
_LOOK = 0.02
_WITHIN = 1800.0


def rewrap(settings: Settings, run: Run) -> Measurements:
    """On SQLite, then on etcd of one member."""
    result: Measurements = {}
    for place in places(settings):
        result |= _on(place.name, place.store, place.directory, settings, run)
    return result


def _on(name: str, store: str, directory: Path, settings: Settings, run: Run) -> Measurements:
    with own(False, "--store", store, directory=directory) as target:
        run(prepare(target, 1))
    run(copies(store, directory / "encryption.key", settings.rewrapped))
    with own(False, "--store", store, directory=directory) as target:
        return run(rewrapped(target, name, settings.rewrapped, settings.seconds))


async def rewrapped(target: Target, name: str, count: int, seconds: float) -> Measurements:
    """Rotate and rewrap; there are ``count`` copies among what is stored."""
    endpoint = Endpoint.of(target)
    asking, readers = await Session.open(endpoint), Others(endpoint)
    idle = await readers.during(asyncio.sleep(seconds))
    await _operate(endpoint, asking, "Rotate")
    began, cpu = time.perf_counter(), cpu_seconds(target.pid)
    meanwhile = await readers.during(_all_anew(endpoint, asking, count))
    took = time.perf_counter() - began
    used = cpu_seconds(target.pid) - cpu
    await _told_as_done(endpoint, asking)
    asking.close()
    result = {
        f"rewrap of {count:,} Secrets s, {name}": took,
        f"rewrap of {count:,} Secrets, values/s, {name}": count / took,
        f"rewrap of {count:,} Secrets, server CPU s with the others, {name}": used,
        f"rewrap of {count:,} Secrets, until told as done s, {name}": time.perf_counter() - began,
    }
    for when, latencies in (("idle", idle), ("rewrapping", meanwhile)):
        for what, found in latencies.items():
            ordered = sorted(found)
            for at in (0.5, 0.99):
                value = ordered[min(len(ordered) - 1, int(len(ordered) * at))] * 1000
                result[f"{what} p{round(at * 100)} ms, {when}, {name}"] = value
    return result


class Others:
    """One client that reads and one that creates, each one request after the other."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint, self._numbers = endpoint, itertools.count()

    async def during(self, work: Coroutine[Any, Any, None]) -> dict[str, list[float]]:
        """Their latencies in seconds while the work is done."""
        endpoint, done = self._endpoint, asyncio.Event()
        found: dict[str, list[float]] = {"get": [], "create": []}

        async def client(what: str, request: Callable[[], bytes]) -> None:
            session = await Session.open(endpoint)
            while not done.is_set() or not found[what]:
                at = time.perf_counter()
                status, _ = await session.ask(request())
                assert status in (200, 201), status
                found[what].append(time.perf_counter() - at)
            session.close()

        def create() -> bytes:
            return endpoint.send("POST", SECRETS, secret(f"r-{next(self._numbers):07}"))

        clients = [
            asyncio.create_task(client("get", lambda: endpoint.get(_last(1)))),
            asyncio.create_task(client("create", create)),
        ]
        try:
            await work
        finally:
            done.set()
            await asyncio.gather(*clients)
        return found


def _last(count: int) -> str:
    """The Secret that comes last in the order of keys."""
    namespaces = min(count, NAMESPACES)
    number = (count - 1) // NAMESPACES * NAMESPACES + namespaces - 1
    while number >= count:
        number -= NAMESPACES
    return f"/api/v1/namespaces/many-{namespaces - 1:03}/secrets/many-{number:06}"


async def _all_anew(endpoint: Endpoint, asking: Session, count: int) -> None:
    """Have everything stored anew, until the last Secret is."""
    last = endpoint.get(_last(count))
    _, before = await asking.ask(last)
    version = json.loads(before)["metadata"]["resourceVersion"]
    await _operate(endpoint, asking, "Rewrap")
    end = time.perf_counter() + _WITHIN
    while time.perf_counter() < end:
        _, now = await asking.ask(last)
        if json.loads(now)["metadata"]["resourceVersion"] != version:
            return
        await asyncio.sleep(_LOOK)
    raise SystemExit(f"bench: {count} Secrets of {NAMESPACE} were not stored anew")


async def _told_as_done(endpoint: Endpoint, asking: Session) -> None:
    while True:
        status = await _operate(endpoint, asking, "Status")
        if status["rewrap"]["phase"] == "Done":
            return
        await asyncio.sleep(0.2)


async def _operate(endpoint: Endpoint, asking: Session, action: str) -> dict[str, Any]:
    body = {
        "apiVersion": "strongroom.io/v1alpha1",
        "kind": "EncryptionOperation",
        "spec": {"action": action},
    }
    status, answer = await asking.ask(endpoint.send("POST", _OPERATIONS, json.dumps(body).encode()))
    if status != 201:
        raise SystemExit(f"bench: {action} was answered with {status}: {answer[:300]!r}")
    found: dict[str, Any] = json.loads(answer)["status"]
    return found
