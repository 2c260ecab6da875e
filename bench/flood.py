"""What a flood of small reads by one user does to another, who asks for one thing at a time."""

from __future__ import annotations

import asyncio
import multiprocessing
from pathlib import Path

from bench.cases import Measurements
from bench.load import Endpoint, for_seconds, run_load
from bench.target import Target, named

FLOOD = 150
"""Connections of the flood, each with a request under way at all times."""

FLOODER, OTHER = "node", "scheduler"
"""Kubeconfigs of two components: neither of them is exempt from fairness."""

SERVICES = "/api/v1/services"


async def flood(target: Target, seconds: float) -> Measurements:
    """The other user's delay alone, and beside the flood, which another process makes."""
    pki = target.kubeconfig.parent / "pki"
    alone = await _other(pki, seconds)
    process = multiprocessing.get_context("spawn").Process(
        target=_flood, args=(pki / f"{FLOODER}.kubeconfig", seconds + 2)
    )
    process.start()
    await asyncio.sleep(1.5)  # It imports and connects.
    beside = await _other(pki, seconds)
    await asyncio.to_thread(process.join)
    return {
        "alone, a user's get p50 ms": alone[0],
        f"beside {FLOOD} connections of another, get p50 ms": beside[0],
        f"beside {FLOOD} connections of another, get p99 ms": beside[1],
    }


async def _other(pki: Path, seconds: float) -> tuple[float, float]:
    endpoint = Endpoint.of(named("other", str(pki / f"{OTHER}.kubeconfig")))
    request = endpoint.get(SERVICES)
    outcome = await run_load(endpoint, 1, for_seconds(seconds, lambda: request))
    assert not outcome.failures
    return outcome.percentile(0.5) * 1000, outcome.percentile(0.99) * 1000


def _flood(kubeconfig: Path, seconds: float) -> None:
    endpoint = Endpoint.of(named("flood", str(kubeconfig)))
    request = endpoint.get(SERVICES)
    asyncio.run(_flooding(endpoint, seconds, request))


async def _flooding(endpoint: Endpoint, seconds: float, request: bytes) -> None:
    outcome = await run_load(endpoint, FLOOD, for_seconds(seconds, lambda: request))
    print(f"the flood: {outcome.rate:,.0f} answers a second")
