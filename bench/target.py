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
def own(node: bool, *arguments: str, directory: Path | None = None) -> Iterator[Target]:
    """strongroom on its embedded default, in a scratch directory that goes with it.

    ``arguments`` are more of the server's options. In a ``directory`` it finds what an earlier one
    left there: the data, and the key in ``encryption.key``.
    """
    with contextlib.ExitStack() as stack:
        scratch = directory or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="strongroom-bench-"))
        )
        argv = [sys.executable, "-m", "strongroom"]
        argv += ["up"] if node else ["apiserver"]
        argv += ["--data-dir", f"{scratch}/data", "--port", "0"]
        argv += ["--encryption-key-file", f"{scratch}/encryption.key", *arguments]
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
            if process.stdout is not None:
                process.stdout.close()


def named(name: str, kubeconfig: str, pid: int = 0) -> Target:
    """A server that already runs."""
    path = Path(kubeconfig)
    return Target(name, load_config(path), path, pid)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its descendants, shared pages by share; 0 for process 0."""
    total = 0
    for each in family(pid) if pid else []:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def peak_bytes(pids: list[int]) -> int:
    """The most memory that processes ever held, since their start or the last reset; their sum."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                total += int(line.split()[1]) * 1024
    return total


def reset_peak(pids: list[int]) -> None:
    """Let the peak begin anew from what is held now."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its descendants have used; 0 for the process 0."""
    ticks = 0
    for each in family(pid) if pid else ():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    members = [pid]
    for each in members:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                members += [int(child) for child in task.read_text().split()]
    return members
