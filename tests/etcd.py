"""A real etcd for tests: one member on this machine, which can be killed and started again."""

from __future__ import annotations

import atexit
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.parts import require_part


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Etcd:
    """A member of its own cluster, not yet running; what it holds stays in ``directory``."""

    def __init__(self, directory: Path, *flags: str, scheme: str = "http") -> None:
        self.directory, self._flags = directory, flags
        self.url = f"{scheme}://127.0.0.1:{free_port()}"
        self._peer = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to run; clients wait until it serves."""
        program = require_part("etcd")
        command = [str(program), "--data-dir", str(self.directory), "--name", "one"]
        command += ["--listen-client-urls", self.url, "--advertise-client-urls", self.url]
        command += ["--listen-peer-urls", self._peer, "--initial-advertise-peer-urls", self._peer]
        command += ["--initial-cluster", f"one={self._peer}"]
        # One member on one machine elects itself at once.
        command += ["--heartbeat-interval", "20", "--election-timeout", "200"]
        with (self.directory.parent / f"{self.directory.name}.log").open("ab") as log:
            self._process = subprocess.Popen([*command, *self._flags], stdout=log, stderr=log)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@cache
def shared_etcd() -> Etcd:
    """One for all tests of a run, which need not survive the machine."""
    directory = Path(tempfile.mkdtemp(prefix="strongroom-etcd-"))
    etcd = Etcd(directory / "data", "--unsafe-no-fsync")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    atexit.register(etcd.kill)
    etcd.start()
    return etcd
