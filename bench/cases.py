"""The cases: each takes a target and gives measurements by name."""

from __future__ import annotations

import base64
import itertools
import json
import os

from bench.load import Endpoint, Outcome, for_seconds, run_load
from bench.target import Target, cpu_seconds, own, resident_bytes
from bench.watching import Watchers
from strongroom.api.meta import ObjectMeta
from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF
from strongroom.api.protobuf import encode_protobuf
from strongroom.resources.secret import Secret as SecretObject

Measurements = dict[str, float]
NAMESPACE = "bench"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
VALUE = base64.b64encode(os.urandom(720)).decode()


def secret(name: str) -> bytes:
    """A Secret of about 1 KB."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": {"bench": "yes"}},
            "data": {"value": VALUE},
        }
    ).encode()


async def fill(endpoint: Endpoint, prefix: str, count: int, writers: int = 32) -> float:
    """Create ``count`` Secrets; the rate per second."""
    numbers = iter(range(count))

    def request() -> bytes | None:
        number = next(numbers, None)
        return (
            None
            if number is None
            else endpoint.send("POST", SECRETS, secret(f"{prefix}-{number:06}"))
        )

    outcome = await run_load(endpoint, writers, request)
    if outcome.failures:
        raise SystemExit(f"bench: {outcome.failures} of {count} creates failed")
    return outcome.rate


async def make_namespace(target: Target) -> None:
    """The namespace in which everything is measured, empty."""
    endpoint = Endpoint.of(target)
    body = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    once = iter([endpoint.send("POST", "/api/v1/namespaces", body.encode())])
    await run_load(endpoint, 1, lambda: next(once, None))
    once = iter([endpoint.send("DELETE", SECRETS, b"{}")])
    await run_load(endpoint, 1, lambda: next(once, None))


async def create(target: Target, seconds: float) -> Measurements:
    """Durable creates per second with 1, 8 and 64 writers."""
    endpoint = Endpoint.of(target)
    await make_namespace(target)
    result: Measurements = {}
    for writers in (1, 8, 64):
        numbers = itertools.count()

        def request(numbers: itertools.count[int] = numbers, writers: int = writers) -> bytes:
            return endpoint.send("POST", SECRETS, secret(f"c{writers}-{next(numbers):06}"))

        outcome = await run_load(endpoint, writers, for_seconds(seconds, request))
        if outcome.failures:
            raise SystemExit(f"bench: {outcome.failures} creates failed")
        result[f"create/s, {writers} writers"] = outcome.rate
        result[f"create server CPU us, {writers} writers"] = outcome.server_us
        if writers == 64:
            result["create p99 ms, 64 writers"] = outcome.percentile(0.99) * 1000
    return result


async def in_protobuf(target: Target, seconds: float) -> Measurements:
    """GETs and creates whose bodies and answers are protobuf, as Go clients send and want them."""
    endpoint = Endpoint.of(target)
    await make_namespace(target)
    numbers = itertools.count()
    made = SecretObject(metadata=ObjectMeta(name=""), data={"value": base64.b64decode(VALUE)})

    def request() -> bytes:
        made.metadata = ObjectMeta(name=f"p-{next(numbers):06}", labels={"bench": "yes"})
        body = encode_protobuf(made, api_version="v1", kind="Secret")
        return endpoint.send("POST", SECRETS, body, PROTOBUF, PROTOBUF)

    created = await run_load(endpoint, 8, for_seconds(seconds, request))
    one = endpoint.get(f"{SECRETS}/p-000000", PROTOBUF)
    got = await run_load(endpoint, 32, for_seconds(seconds, lambda: one))
    if created.failures or got.failures:
        raise SystemExit("bench: requests in protobuf failed")
    return {
        "create in protobuf/s, 8 writers": created.rate,
        "create in protobuf server CPU us, 8 writers": created.server_us,
        "get in protobuf/s, 32 connections": got.rate,
        "get in protobuf server CPU us": got.server_us,
    }


async def get(target: Target, seconds: float) -> Measurements:
    """GETs of one 1 KB Secret per second over 32 connections."""
    endpoint = Endpoint.of(target)
    await make_namespace(target)
    await fill(endpoint, "get", 1, 1)
    request = endpoint.get(f"{SECRETS}/get-000000")
    outcome = await run_load(endpoint, 32, for_seconds(seconds, lambda: request))
    return {
        "get/s, 32 connections": outcome.rate,
        "get p50 ms": outcome.percentile(0.5) * 1000,
        "get p99 ms": outcome.percentile(0.99) * 1000,
        "get server CPU us": outcome.server_us,
        "get load generator busy %": outcome.own_share,
    }


async def list_(
    target: Target, seconds: float, numbers: tuple[int, int] = (500, 3300)
) -> Measurements:
    """LISTs per second: few Secrets, then more, consistent and from the cache."""
    less, more = numbers
    endpoint = Endpoint.of(target)
    await make_namespace(target)
    await fill(endpoint, "list", less)

    async def load(path: str) -> Outcome:
        request = endpoint.get(path)
        return await run_load(endpoint, 4, for_seconds(seconds, lambda: request))

    few = await load(SECRETS)
    await fill(endpoint, "more", more - less)
    consistent = await load(SECRETS)
    cached = await load(SECRETS + "?resourceVersion=0")
    return {
        f"list {less:,}/s": few.rate,
        f"list {less:,} server CPU us": few.server_us,
        f"list {more:,} consistent/s": consistent.rate,
        f"list {more:,} from cache/s": cached.rate,
        f"list {more:,} server CPU us": consistent.server_us,
        f"list {more:,} from cache, server CPU us": cached.server_us,
        f"list {more:,} load generator busy %": consistent.own_share,
    }


async def fan_out(target: Target, watches: int = 200, changes: int = 50) -> Measurements:
    """Delay from the acknowledged write to each of many watches; 0 for one that came before it."""
    await make_namespace(target)
    endpoint = Endpoint.of(target)
    watchers = await Watchers.start(endpoint, endpoint.get(f"{SECRETS}?watch=1"), watches)
    delays: list[float] = []
    cpu = cpu_seconds(target.pid)
    for number in range(changes):
        once = iter([endpoint.send("POST", SECRETS, secret(f"fan-{number}"))])
        outcome = await run_load(endpoint, 1, lambda once=once: next(once, None))  # type: ignore[misc]  # the default binds the loop's value
        if outcome.failures:
            raise SystemExit("bench: a create failed")
        delays += [max(at - outcome.ended, 0.0) for at in await watchers.arrivals()]
    cpu = cpu_seconds(target.pid) - cpu
    watchers.close()
    delays.sort()
    name = f"fan-out to {watches} watches"
    return {
        f"{name} p50 ms": delays[len(delays) // 2] * 1000,
        f"{name} p99 ms": delays[int(len(delays) * 0.99)] * 1000,
        f"{name} server CPU us each": cpu / (watches * changes) * 1e6,
    }


async def memory(target: Target, count: int) -> Measurements:
    """Resident memory empty and with many Secrets, and the rate at which they were made."""
    if not target.pid:
        return {}
    result = {"resident MB, empty": resident_bytes(target.pid) / 1e6}
    await make_namespace(target)
    await fill(Endpoint.of(target), "memory", count)
    result[f"resident MB, {count:,} Secrets"] = resident_bytes(target.pid) / 1e6
    return result


async def flat_cost(target: Target, counts: tuple[int, ...], seconds: float) -> Measurements:
    """GETs and creates per second as the number of Secrets grows."""
    endpoint = Endpoint.of(target)
    await make_namespace(target)
    result: Measurements = {}
    have = 0
    for count in counts:
        await fill(endpoint, f"flat{count}", count - have)
        have = count
        request = endpoint.get(f"{SECRETS}/flat{counts[0]}-000000")
        outcome = await run_load(endpoint, 32, for_seconds(seconds, lambda r=request: r))  # type: ignore[misc]  # the default binds the loop's value
        result[f"get/s with {count:,} Secrets"] = outcome.rate
        result[f"get server CPU us with {count:,} Secrets"] = outcome.server_us
        numbers = itertools.count()

        def make(numbers: itertools.count[int] = numbers, count: int = count) -> bytes:
            return endpoint.send("POST", SECRETS, secret(f"x{count}-{next(numbers):06}"))

        made = await run_load(endpoint, 8, for_seconds(seconds, make))
        result[f"create/s with {count:,} Secrets"] = made.rate
        result[f"create server CPU us with {count:,} Secrets"] = made.server_us
        have += len(made.latencies)
    return result


def start_up(runs: int = 5) -> Measurements:
    """Start to ready of an API server with an empty data directory; the median."""
    times = []
    for _ in range(runs):
        with own(node=False) as target:
            times.append(target.ready_seconds or 0.0)
    return {"start to ready s": sorted(times)[len(times) // 2]}
