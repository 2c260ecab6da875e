"""A real etcd for tests: one member, or three with mutual TLS, which can be killed and paused."""

from __future__ import annotations

import atexit
import json
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from strongroom.files import private_directory, write_private
from strongroom.server.certificates import Wanted, issue, make_ca
from strongroom.storage.etcd_cluster import Credentials
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


@dataclass(frozen=True)
class Place:
    """Where a member runs: its addresses for clients and for peers, and what its command needs."""

    client_host: str = "127.0.0.1"
    peer_host: str = "127.0.0.1"
    prefix: tuple[str, ...] = ()


class Member:
    """One of several; signals reach it and nothing else."""

    def __init__(self, name: str, place: Place, directory: Path) -> None:
        self.name, self._place, self._directory = name, place, directory
        self.url = f"https://{place.client_host}:{free_port()}"
        self.peer_url = f"https://{place.peer_host}:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, cluster: str, *flags: str) -> None:
        """Begin to run, or to run again; does not wait."""
        command = [*self._place.prefix, str(require_part("etcd")), "--name", self.name]
        command += ["--data-dir", str(self._directory / self.name)]
        command += ["--listen-client-urls", self.url, "--advertise-client-urls", self.url]
        command += ["--listen-peer-urls", self.peer_url]
        command += ["--initial-advertise-peer-urls", self.peer_url, "--initial-cluster", cluster]
        with (self._directory / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen([*command, *flags], stdout=log, stderr=log)

    def pause(self) -> None:
        """It is there, and says nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash does, paused or not."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


class Members:
    """A cluster of three with mutual TLS among themselves and with clients, not yet running.

    Everything of it is below ``directory``, the certificates of an authority of its own as well.
    """

    def __init__(self, directory: Path, places: Sequence[Place] = (Place(),) * 3) -> None:
        private_directory(directory)
        self._flags = ["--unsafe-no-fsync", "--client-cert-auth", "--peer-client-cert-auth"]
        hosts = {host for place in places for host in (place.client_host, place.peer_host)}
        self.credentials = self._certify(directory / "pki", tuple(sorted(hosts)))
        self.members = [Member(f"m{n}", place, directory) for n, place in enumerate(places)]
        self._cluster = ",".join(f"{member.name}={member.peer_url}" for member in self.members)

    def _certify(self, pki: Path, hosts: tuple[str, ...]) -> Credentials:
        private_directory(pki)
        now = datetime.now(UTC)
        authority = make_ca(now, "etcd of a test")
        ca = pki / "ca.crt"
        write_private(ca, authority.certificate)
        for name, wanted in (
            ("member", Wanted("member", hosts=hosts, server=True, client=True)),
            ("client", Wanted("strongroom", client=True)),
        ):
            pair = issue(authority, wanted, now)
            write_private(pki / f"{name}.crt", pair.certificate)
            write_private(pki / f"{name}.key", pair.key)
        for kind in ("", "peer-"):
            self._flags += [f"--{kind}trusted-ca-file", str(ca)]
            self._flags += [f"--{kind}cert-file", str(pki / "member.crt")]
            self._flags += [f"--{kind}key-file", str(pki / "member.key")]
        return Credentials(ca, pki / "client.crt", pki / "client.key")

    @property
    def urls(self) -> list[str]:
        return [member.url for member in self.members]

    def start(self, *members: Member) -> None:
        """Start these, or all."""
        for member in members or self.members:
            member.start(self._cluster, *self._flags)

    def kill(self) -> None:
        """The end of all of them."""
        for member in self.members:
            member.kill()

    def leader(self) -> Member:
        """The one that leads, as soon as there is one."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for found in self._statuses():
                status = found["Status"]
                if status.get("leader") and status["leader"] == status["header"]["member_id"]:
                    return next(one for one in self.members if one.url == found["Endpoint"])
            time.sleep(0.1)
        raise TimeoutError("etcd has no leader")

    def _statuses(self) -> list[dict[str, Any]]:
        files = self.credentials
        command = [str(require_part("etcdctl")), "--endpoints", ",".join(self.urls), "-w", "json"]
        command += ["--cacert", str(files.ca_file), "--cert", str(files.cert_file)]
        command += ["--key", str(files.key_file), "--dial-timeout", "1s", "--command-timeout", "2s"]
        told = subprocess.run([*command, "endpoint", "status"], capture_output=True, text=True)
        found: list[dict[str, Any]] = json.loads(told.stdout or "[]")
        return found


@cache
def shared_etcd() -> Etcd:
    """One for all tests of a run, which need not survive the machine."""
    directory = Path(tempfile.mkdtemp(prefix="strongroom-etcd-"))
    etcd = Etcd(directory / "data", "--unsafe-no-fsync")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    atexit.register(etcd.kill)
    etcd.start()
    return etcd
