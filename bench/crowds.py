"""Thousands of watches and one writer: delay, processor time, and memory of each watch.

Every connection is first used for one plain request, and what the server holds then is what TLS and
the connection cost; what it holds more once each of them watches is the watches' own.
"""

from __future__ import annotations

import resource
import time

from bench.cases import SECRETS, Measurements, make_namespace, secret
from bench.load import Endpoint, run_load
from bench.settings import Settings
from bench.target import Target, cpu_seconds, resident_bytes
from bench.watching import Watchers

_TOGETHER = 1000
"""Connections that are opened before they begin to watch: idle ones are hung up on."""

_SPARE = 200
"""Descriptors that are used for other things than watches."""


def raise_file_limit(wanted: int) -> None:
    """Let this process have so many connections. Raises SystemExit where the machine does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted += _SPARE
    if soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"bench: {wanted} open files are needed, the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def crowds(target: Target, settings: Settings) -> Measurements:
    """Each number of watches in turn."""
    raise_file_limit(max(settings.watches))
    result: Measurements = {}
    for count in settings.watches:
        result |= await _crowd(target, count, settings.changes)
    return result


async def _crowd(target: Target, count: int, changes: int) -> Measurements:
    await make_namespace(target)
    endpoint = Endpoint.of(target)
    name = f"{count:,} watches"
    result: Measurements = {}
    watchers = Watchers(endpoint)
    request = endpoint.get(f"{SECRETS}?watch=1&allowWatchBookmarks=true")
    connections = watches = 0
    opening = 0.0
    for at in range(0, count, _TOGETHER):
        empty = resident_bytes(target.pid)
        await watchers.connect(min(_TOGETHER, count - at))
        connected, cpu = resident_bytes(target.pid), cpu_seconds(target.pid)
        await watchers.watch(request)
        opening += cpu_seconds(target.pid) - cpu
        connections += connected - empty
        watches += resident_bytes(target.pid) - connected
    if target.pid:
        result[f"{name}: KB of TLS and connection each"] = connections / count / 1e3
        result[f"{name}: KB of its own each"] = watches / count / 1e3
        result[f"{name}: opening, server CPU us"] = opening / count * 1e6
    result |= await _shown(endpoint, watchers, count, changes)
    watchers.close()
    return result


async def _shown(endpoint: Endpoint, watchers: Watchers, count: int, changes: int) -> Measurements:
    """What happens when one writer makes changes, each after all have seen the one before."""
    delays: list[float] = []
    began, own = time.perf_counter(), time.process_time()
    cpu = cpu_seconds(endpoint.pid)
    for number in range(changes):
        once = iter([endpoint.send("POST", SECRETS, secret(f"crowd-{number}"))])
        outcome = await run_load(endpoint, 1, lambda once=once: next(once, None))  # type: ignore[misc]  # the default binds the loop's value
        if outcome.failures:
            raise SystemExit("bench: a create failed")
        delays += [max(at - outcome.ended, 0.0) for at in await watchers.arrivals()]
    spent = cpu_seconds(endpoint.pid) - cpu
    busy = (time.process_time() - own) / (time.perf_counter() - began)
    delays.sort()
    name = f"{count:,} watches"
    return {
        f"{name}: delay p50 ms": delays[len(delays) // 2] * 1000,
        f"{name}: delay p99 ms": delays[int(len(delays) * 0.99)] * 1000,
        f"{name}: server CPU us of an event shown": spent / (changes * count) * 1e6,
        f"{name}: load generator busy %": busy * 100,
    }
