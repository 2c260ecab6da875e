"""What audit at Metadata costs under load: servers with and without it, taking turns.

The machine may be shared: only what was measured in turns can be compared, and of each server's
turns only the least disturbed one.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.cases import SECRETS, Measurements, fill, make_namespace, secret
from bench.load import Endpoint, Outcome, for_seconds, run_load
from bench.target import Target, own

TURNS = 10
_NOTHING = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n"


async def audit_cost(targets: dict[str, Target], seconds: float) -> Measurements:
    """Creates and gets per second on each server, and processor time a request; the best turns."""
    endpoints = {name: Endpoint.of(target) for name, target in targets.items()}
    for name, target in targets.items():
        await make_namespace(target)
        await fill(endpoints[name], "kept", 1, 1)
    numbers = itertools.count()

    def get(endpoint: Endpoint) -> Callable[[], bytes]:
        one = endpoint.get(f"{SECRETS}/kept-000000")
        return lambda: one

    def create(endpoint: Endpoint) -> Callable[[], bytes]:
        return lambda: endpoint.send("POST", SECRETS, secret(f"made-{next(numbers):07}"))

    result: Measurements = {}
    for what, load, connections in (("get", get, 32), ("create", create, 32)):
        turns: dict[str, list[Outcome]] = {name: [] for name in targets}
        for _ in range(TURNS):
            for name, endpoint in endpoints.items():
                request = for_seconds(seconds / TURNS, load(endpoint))
                turns[name].append(await run_load(endpoint, connections, request))
        for name, outcomes in turns.items():
            assert not sum(outcome.failures for outcome in outcomes)
            result[f"{what}/s, {name}"] = max(one.rate for one in outcomes)
            result[f"{what} server CPU us, {name}"] = min(one.server_us for one in outcomes)
    return result


@contextlib.contextmanager
def audited() -> Iterator[dict[str, Target]]:
    """Servers that record nothing, and all at Metadata: also without alerts, and the chain."""
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as scratch:
        policy = Path(scratch, "nothing.yaml")
        policy.write_text(_NOTHING)
        nothing = ("--audit-policy-file", str(policy), "--audit-secrets-always=false")
        with (
            own(False, *nothing) as without,
            own(False, "--alerts=false", "--audit-log-chain=false") as alone,
            own(False, "--alerts=false") as chained,
            own(False) as usual,
        ):
            yield {
                "no audit": without,
                "audit at Metadata": usual,
                "audit at Metadata, no alerts": chained,
                "audit at Metadata, no alerts, no chain": alone,
            }
