"""`make bench`: runs the cases, prints a table with ratios, writes JSON under bench/out/."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

from bench.cases import Measurements, create, fan_out, flat_cost, get, list_, memory, start_up
from bench.propagation import propagation
from bench.target import Target, named, own

# kube-apiserver 1.20.2 + etcd 3.4 (aescbc, RBAC, audit at Metadata) on a machine of this kind with
# 2 cores, measured once. With --peer the peer is measured in this very run instead.
PEER: Measurements = {
    "start to ready s": 3.3,
    "get/s, 32 connections": 8900,
    "get p50 ms": 3.1,
    "get p99 ms": 14.6,
    "list 500/s": 244,
    "list 3,300 from cache/s": 94,
    "list 3,300 consistent/s": 35,
    "create/s, 1 writers": 1030,
    "create/s, 8 writers": 2380,
    "create/s, 64 writers": 3030,
    "create p99 ms, 64 writers": 93,
    "fan-out to 200 watches p50 ms": 8.6,
    "fan-out to 200 watches p99 ms": 15,
    "resident MB, empty": 375,
    "secret to file p99 ms": 75_000,
}


async def measure(target: Target, seconds: float, counts: tuple[int, ...]) -> Measurements:
    """All cases that need only the API."""
    result: Measurements = {}
    result |= await memory(target, counts[-1])
    result |= await create(target, seconds)
    result |= await get(target, seconds)
    result |= await list_(target, seconds)
    result |= await fan_out(target)
    result |= await flat_cost(target, counts, seconds)
    return result


def run_own(seconds: float, counts: tuple[int, ...]) -> Measurements:
    """strongroom on its embedded default, started here."""
    result = start_up()
    with own(node=False) as target:
        result |= run(measure(target, seconds, counts))
    with own(node=True) as target:
        result |= run(propagation(target))
    return result


def run(work: object) -> Measurements:
    """Run on uvloop, so that the load generator is not the slow part."""
    import uvloop

    return uvloop.run(work)  # type: ignore[arg-type]  # every caller passes a coroutine


def show(ours: Measurements, peer: Measurements, source: str) -> None:
    """The table; a ratio above 1 is in our favour whatever the unit."""
    sys.stdout.write(f"\n{'measurement':34} {'strongroom':>12} {'peer':>12} {'better by':>10}\n")
    for name, value in ours.items():
        other = peer.get(name)
        ratio = ""
        if other and value:
            ratio = f"{value / other if '/s' in name else other / value:.2f}x"
        shown = f"{other:12,.1f}" if other else f"{'':12}"
        sys.stdout.write(f"{name:34} {value:12,.1f} {shown} {ratio:>10}\n")
    sys.stdout.write(f"\npeer: {source}\n")


def main() -> int:
    """Parse the command line, measure, report."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--kubeconfig", help="measure this server instead of one started here")
    parser.add_argument("--peer", help="kubeconfig of a second server, measured in the same run")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each load")
    parser.add_argument("--counts", default="100,10000", help="numbers of Secrets for flat cost")
    options = parser.parse_args()
    counts = tuple(int(count) for count in options.counts.split(","))
    if options.kubeconfig:
        target = named("given", options.kubeconfig)
        ours = run(measure(target, options.seconds, counts))
    else:
        ours = run_own(options.seconds, counts)
    peer, source = PEER, "kube-apiserver 1.20.2 + etcd 3.4, measured once on a like machine"
    if options.peer:
        peer = run(measure(named("peer", options.peer), options.seconds, counts))
        source = f"{options.peer}, measured in this run"
    show(ours, peer, source)
    out = Path(__file__).parent / "out"
    out.mkdir(exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    record = {"machine": platform.machine(), "cores": os.cpu_count()}
    (out / f"{stamp}.json").write_text(json.dumps({**record, "ours": ours, "peer": peer}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
