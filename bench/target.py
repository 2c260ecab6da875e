"""What is measured: a server started here for the purpose, or one that a kubeconfig names."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from strongroom.client.config import ClientConfig, load_config


@dataclass(frozen=True, slots=True)
class Target:
    """A server under measurement. ``pid`` (0 when unknown) is the root of its processes."""

    name: str
    config: ClientConfig
    kubeconfig: Path
    pid: int = 0
    ready_seconds: float | None = None
    has_node: bool = False


@contextlib.contextmanager
def own(node: bool) -> Iterator[Target]:
    """strongroom on its embedded default, in a scratch directory that goes with it."""
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as scratch:
        argv = [sys.executable, "-m", "strongroom"]
        argv += ["up"] if node else ["apiserver"]
        argv += ["--data-dir", f"{scratch}/data", "--port", "0"]
        argv += ["--encryption-key-file", f"{scratch}/encryption.key"]
        began = time.perf_counter()
        log = Path(scratch, "log")
        with log.open("wb") as stderr:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=stderr, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            seconds = time.perf_counter() - began
            if not line.startswith("ready "):
                raise SystemExit(f"bench: strongroom did not become ready\n{log.read_text()}")
            path = Path(line.split("kubeconfig=", 1)[1])
            yield Target("strongroom", load_config(path), path, process.pid, seconds, node)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def named(name: str, kubeconfig: str, pid: int = 0) -> Target:
    """A server that already runs."""
    path = Path(kubeconfig)
    return Target(name, load_config(path), path, pid)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and all its descendants, shared pages counted by share (PSS)."""
    total = 0
    for each in family(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, of all its threads; 0 for the process 0."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    members = [pid]
    for each in members:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                members += [int(child) for child in task.read_text().split()]
    return members
