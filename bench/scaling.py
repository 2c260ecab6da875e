"""What more workers bring: the same loads on a server of one process and on one of several.

The load generator needs a core of its own. On a machine with fewer cores than workers and the
generator want, the rate says little, unless each process of the server is given a fixed share of a
core (:mod:`bench.shares`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Coroutine
from typing import Any

from bench.cases import SECRETS, Measurements, fill, make_namespace, secret
from bench.load import Endpoint, Outcome, for_seconds, run_load
from bench.shares import core_share
from bench.target import Target, own, resident_bytes

Run = Callable[[Coroutine[Any, Any, Measurements]], Any]


def scaling(workers: int, seconds: float, share: float, run: Run) -> Measurements:
    """The loads on a server with so many workers, started here; each process has ``share`` of a
    core, or what it gets when that is 0."""
    with own(False, "--workers", str(workers)) as target:
        measured: Measurements = {"start to ready s": target.ready_seconds or 0.0}
        measured["resident MB, empty"] = resident_bytes(target.pid) / 1e6
        with core_share(target.pid, share):
            measured |= run(_loads(target, seconds))
        measured["resident MB, after the creates"] = resident_bytes(target.pid) / 1e6
    return measured


async def _loads(target: Target, seconds: float) -> Measurements:
    endpoint = Endpoint.of(target)
    await make_namespace(target)
    await fill(endpoint, "kept", 500)
    one = endpoint.get(f"{SECRETS}/kept-000000")
    many = endpoint.get(SECRETS)
    numbers = itertools.count()

    def make() -> bytes:
        return endpoint.send("POST", SECRETS, secret(f"made-{next(numbers):06}"))

    result = _told("get", await run_load(endpoint, 32, for_seconds(seconds, lambda: one)))
    result |= _told("list 500", await run_load(endpoint, 8, for_seconds(seconds, lambda: many)))
    result |= _told("create", await run_load(endpoint, 64, for_seconds(seconds, make)))
    return result


def _told(name: str, outcome: Outcome) -> Measurements:
    if outcome.failures:
        raise SystemExit(f"bench: {outcome.failures} requests failed: {name}")
    return {
        f"{name}/s": outcome.rate,
        f"{name} p50 ms": outcome.percentile(0.5) * 1000,
        f"{name} p99 ms": outcome.percentile(0.99) * 1000,
        f"{name} server CPU us": outcome.server_us,
        f"{name} server busy %": outcome.server_cpu / outcome.seconds * 100,
        f"{name} load generator busy %": outcome.own_share,
    }
