"""API servers over members of etcd, one of them maybe in a namespace of its own."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.testing.process import Strongroom
from tests.etcd import Members
from tests.faults.namespaces import Host


class Servers:
    """Two of them, each with its own data directory; the first runs in ``host`` if there is one."""

    def __init__(self, directory: Path, members: Members, host: Host | None = None) -> None:
        files = members.credentials
        self._host = host
        self._given = ["--store", f"etcd:{','.join(members.urls)}"]
        self._given += ["--etcd-cafile", str(files.ca_file), "--etcd-certfile"]
        self._given += [str(files.cert_file), "--etcd-keyfile", str(files.key_file)]
        self._directories = [directory / name for name in ("one", "two")]
        self.running: list[Strongroom] = []
        try:
            self.running.append(self._start(0))
            self._directories[1].mkdir()
            shutil.copy(*(place / "encryption.key" for place in self._directories))
            self.running.append(self._start(1))
        except BaseException:
            self.stop()
            raise

    def _start(self, number: int, port: int = 0) -> Strongroom:
        given, prefix = list(self._given), list[str]()
        if self._host is not None and number == 0:
            given += ["--bind-address", self._host.address]
            prefix += self._host.prefix
        directory = self._directories[number]
        return Strongroom.start(directory, "apiserver", *given, port=port, prefix=prefix)

    def kill_and_start(self, number: int) -> None:
        server = self.running[number]
        server.kill()
        self.running[number] = self._start(number, server.port)

    def stop(self) -> None:
        for server in self.running:
            server.kill()


@contextlib.asynccontextmanager
async def clients_of(servers: Sequence[Strongroom], within: float) -> AsyncIterator[list[Client]]:
    """A client of each, which waits so many seconds for an answer."""
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(Client(load_config(server.kubeconfig), timeout=within))
            for server in servers
        ]
