"""Gives every process of a server a fixed share of a core, with the kernel's CPU controller.

On a machine with fewer cores than processes, what more processes would bring cannot be seen in
rates: they wait for each other, and for the load generator. With a share each, a process is as
slow as if it had a slow core of its own, whatever else runs. Needs root and a writable CPU
controller of control groups, of either version.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from bench.target import family

PERIOD_US = 20_000
"""Short, so that a process that has used up its share waits 20 ms at most."""

_FIRST, _SECOND = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")


@contextlib.contextmanager
def core_share(pid: int, share: float) -> Iterator[None]:
    """Hold a process and each of its descendants to ``share`` of a core; 0 leaves them alone."""
    if not share:
        yield
        return
    groups = []
    try:
        for each in family(pid):
            groups.append(_make(each, round(share * PERIOD_US)))
            (groups[-1] / "cgroup.procs").write_text(str(each))
        yield
    finally:
        for group in groups:
            (group.parent / "cgroup.procs").write_text(group.name.rpartition("-")[2])
            group.rmdir()


def _make(pid: int, quota_us: int) -> Path:
    root = _FIRST if _FIRST.is_dir() else _SECOND
    group = root / f"strongroom-bench-{os.getpid()}-{pid}"
    try:
        group.mkdir()
        if root == _FIRST:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota_us))
        else:
            (group / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
    except OSError as error:
        raise SystemExit(
            f"bench: no CPU controller to give shares with ({error.strerror}): needs root"
        ) from error
    return group
