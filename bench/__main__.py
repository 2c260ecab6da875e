"""`make bench`: runs the cases, prints a table with ratios, writes JSON under bench/out/."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from bench.auditing import audit_cost, audited
from bench.cases import Measurements, start_up
from bench.flood import flood
from bench.propagation import propagation
from bench.scaling import scaling
from bench.settings import Settings
from bench.suite import AT_REST, CASES, OWN_ONLY, measure
from bench.target import named, own

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


def run_own(names: list[str], settings: Settings) -> Measurements:
    """strongroom on its embedded default, started here."""
    result: Measurements = {}
    if "start" in names:
        result |= start_up()
    if any(name in CASES for name in names):
        with own(False, "--workers", str(settings.workers)) as target:
            result |= run(measure(target, names, settings))
    if "propagation" in names:
        with own(node=True) as target:
            result |= run(propagation(target))
    if "flood" in names:
        with own(False) as target:
            result |= run(flood(target, settings.seconds))
    if "audit" in names:
        with audited() as targets:
            result |= run(audit_cost(targets, settings.seconds))
    for name, case in AT_REST.items():
        if name in names:
            result |= case(settings, run)
    return result


def run(work: Coroutine[Any, Any, Measurements]) -> Measurements:
    """Run on uvloop, so that the load generator is not the slow part."""
    import uvloop

    return uvloop.run(work)


def show(ours: Measurements, peer: Measurements, source: str) -> None:
    """The table; a ratio above 1 is in our favour whatever the unit."""
    sys.stdout.write(f"\n{'measurement':58} {'strongroom':>12} {'peer':>12} {'better by':>10}\n")
    for name, value in ours.items():
        other = peer.get(name)
        ratio = ""
        if other and value:
            ratio = f"{value / other if '/s' in name else other / value:.2f}x"
        shown = f"{other:12,.1f}" if other else f"{'':12}"
        sys.stdout.write(f"{name:58} {value:12,.1f} {shown} {ratio:>10}\n")
    sys.stdout.write(f"\npeer: {source}\n")


def show_scaling(workers: int, seconds: float, share: float) -> int:
    """Measure with one worker and with more, and print both beside each other."""
    one, more = (scaling(count, seconds, share, run) for count in (1, workers))
    sys.stdout.write(
        f"\n{'measurement':58} {'1 worker':>12} {f'{workers} workers':>12} {'ratio':>8}\n"
    )
    for name, value in one.items():
        ratio = f"{more[name] / value:.2f}" if value else ""
        sys.stdout.write(f"{name:58} {value:12,.1f} {more[name]:12,.1f} {ratio:>8}\n")
    return 0


def chosen(text: str, known: list[str]) -> list[str]:
    """The names of cases in a list with commas. Raises SystemExit for one that is not known."""
    names = text.split(",") if text else known
    for name in names:
        if name not in known:
            raise SystemExit(f"bench: no case {name}; there are {', '.join(known)}")
    return names


def main() -> int:
    """Parse the command line, measure, report."""
    options = _parser().parse_args()
    if options.workers and not options.only:
        return show_scaling(options.workers, options.seconds, options.core_share)
    counts = tuple(int(count) for count in options.counts.split(","))
    bindings = tuple(int(count) for count in options.bindings.split(","))
    watches = tuple(int(count) for count in options.watches.split(","))
    members = tuple(int(count) for count in options.members.split(","))
    settings = Settings(
        seconds=options.seconds,
        counts=counts,
        bindings=bindings,
        secrets=options.secrets,
        watches=watches,
        workers=options.workers or 1,
        members=members,
        rewrapped=options.rewrapped,
        stored=options.stored,
    )
    names = chosen(options.only, [*OWN_ONLY, *CASES])
    if options.kubeconfig:
        target = named("given", options.kubeconfig, options.pid)
        ours = run(measure(target, names, settings))
    else:
        ours = run_own(names, settings)
    peer, source = PEER, "kube-apiserver 1.20.2 + etcd 3.4, measured once on a like machine"
    if options.peer:
        peer = run(measure(named("peer", options.peer), names, settings))
        source = f"{options.peer}, measured in this run"
    show(ours, peer, source)
    _record(options.out, ours, peer)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    add = parser.add_argument
    add("--only", default="", help=f"cases, with commas between: {', '.join([*OWN_ONLY, *CASES])}")
    add("--kubeconfig", help="measure this server instead of one started here")
    add("--pid", type=int, default=0, help="its process, for processor time and memory")
    add("--peer", help="kubeconfig of a second server, measured in the same run")
    add("--out", type=Path, default=Path(__file__).parent / "out", help="where the JSON goes")
    add("--seconds", type=float, default=3.0, help="length of each load")
    add("--counts", default="100,10000", help="numbers of Secrets for flat cost")
    add("--bindings", default="10,1000,10000", help="numbers of bindings for cost of access")
    add("--secrets", type=int, default=10_000, help="number of Secrets in the large lists")
    add("--watches", default="1000,10000", help="numbers of watches in the crowds")
    add("--members", default="1,3", help="numbers of members of the etcds for what is at rest")
    add("--rewrapped", type=int, default=10_000, help="number of Secrets that are stored anew")
    add("--stored", type=int, default=100_000, help="number of Secrets in the store of `filled`")
    add(
        "--workers",
        type=int,
        help="processes of the server that is started here; without --only, measure nothing but "
        "reads and writes with one worker and with so many",
    )
    add(
        "--core-share",
        type=float,
        default=0.0,
        help="with --workers: hold each process of the server to this share of a core (root only)",
    )
    return parser


def _record(out: Path, ours: Measurements, peer: Measurements) -> None:
    out.mkdir(exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    record = {"machine": platform.machine(), "cores": os.cpu_count()}
    (out / f"{stamp}.json").write_text(json.dumps({**record, "ours": ours, "peer": peer}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
