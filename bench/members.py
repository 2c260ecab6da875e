"""Members of an etcd cluster on this machine, with their data beside the server's."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from bench.settings import Settings
from bench.target import cpu_seconds, resident_bytes

_START_WITHIN = 30.0


class Members:
    """A cluster that runs. Its disks are one disk here, so three members share its flushes."""

    def __init__(self, urls: list[str], processes: list[subprocess.Popen[bytes]]) -> None:
        self.urls, self._processes = urls, processes

    @property
    def store(self) -> str:
        """What ``--store`` takes."""
        return "etcd:" + ",".join(self.urls)

    def cpu(self) -> float:
        """Processor time of all members, in seconds."""
        return sum(cpu_seconds(process.pid) for process in self._processes)

    def resident(self) -> int:
        """Resident memory of all members, in bytes."""
        return sum(resident_bytes(process.pid) for process in self._processes)


@dataclass(frozen=True, slots=True)
class Place:
    """An empty store, a directory for what belongs to it, and the etcd that it is in, if any."""

    name: str
    store: str
    directory: Path
    cluster: Members | None = None


def places(settings: Settings) -> Iterator[Place]:
    """SQLite, then etcd of as many members as the settings name first; each in its turn."""
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as scratch:
        yield Place("sqlite", f"sqlite:{scratch}/store.db", Path(scratch))
    for count in settings.members[:1]:
        with (
            tempfile.TemporaryDirectory(prefix="strongroom-bench-") as scratch,
            members(count, Path(scratch)) as cluster,
        ):
            yield Place(f"etcd of {count}", cluster.store, Path(scratch), cluster)


@contextlib.contextmanager
def members(count: int, directory: Path) -> Iterator[Members]:
    """Start ``count`` members with etcd's own settings, which flush every write to disk."""
    ports = _free_ports(2 * count)
    urls = [f"http://127.0.0.1:{port}" for port in ports[:count]]
    peers = [f"http://127.0.0.1:{port}" for port in ports[count:]]
    cluster = ",".join(f"m{number}={peer}" for number, peer in enumerate(peers))
    with contextlib.ExitStack() as stack:
        processes = []
        for number, (url, peer) in enumerate(zip(urls, peers, strict=True)):
            home = directory / f"m{number}"
            command = [_program(), "--name", f"m{number}", "--data-dir", str(home)]
            command += ["--listen-client-urls", url, "--advertise-client-urls", url]
            command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
            command += ["--initial-cluster", cluster, "--quota-backend-bytes", str(8 << 30)]
            log = stack.enter_context(Path(f"{home}.log").open("wb"))
            process = subprocess.Popen(command, stdout=log, stderr=log)
            stack.callback(_stop, process)
            processes.append(process)
        _wait_for_leader(urls)
        yield Members(urls, processes)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for_leader(urls: list[str]) -> None:
    end = time.monotonic() + _START_WITHIN
    for url in urls:
        while True:
            if _healthy(url):
                break
            if time.monotonic() > end:
                raise SystemExit("bench: etcd did not start")
            time.sleep(0.05)


def _healthy(url: str) -> bool:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/health")
        return b'"true"' in connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()


def _program() -> str:
    beside = Path(sys.executable).with_name("etcd")
    found = str(beside) if beside.exists() else shutil.which("etcd")
    if found is None:
        raise SystemExit("bench: no etcd here; requirements/parts.txt has one")
    return found


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
