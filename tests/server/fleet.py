"""A server of several processes for tests, and clients of which each stays at one worker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from strongroom.server.pki import PKI
from tests.server.conftest import Answer


@dataclass(slots=True)
class FleetServer:
    """A running server; ``directory`` is where its data and its key are."""

    directory: Path
    process: subprocess.Popen[str]
    url: str

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def facts(self) -> Any:
        return json.loads((self.data / "run" / "apiserver.json").read_text())

    @property
    def pids(self) -> list[int]:
        """The workers, in the order of their numbers."""
        return [worker["pid"] for worker in self.facts["workers"]]

    def audit_events(self) -> list[dict[str, Any]]:
        lines = (self.data / "audit" / "audit.log").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def stop(self) -> tuple[int, str]:
        """End it as SIGTERM does: exit code and log."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log

    def kill(self) -> None:
        """Kill the keeper; the workers must follow."""
        pids = self.pids
        self.process.kill()
        self.process.communicate(timeout=60)
        for pid in pids:
            wait_for_end(pid)

    async def all_ready(self, count: int = 2) -> None:
        """Wait until there are so many workers that serve."""
        async with asyncio.timeout(60):
            while sum(worker["ready"] for worker in self.facts["workers"]) < count:  # noqa: ASYNC110 - another process's file
                await asyncio.sleep(0.05)


def start(directory: Path, *arguments: str, workers: int = 2) -> FleetServer:
    """Start a server and wait until it is ready."""
    argv = [sys.executable, "-m", "strongroom.server", "--workers", str(workers), "--port", "0"]
    argv += ["--data-dir", str(directory / "data")]
    argv += ["--encryption-key-file", str(directory / "keys" / "the.key"), *arguments]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith("ready "):
        raise AssertionError(process.communicate(timeout=60)[1])
    return FleetServer(directory, process, line.split()[1])


def wait_for_end(pid: int) -> None:
    """Wait until a process has ended that is not our child (and may be a zombie for ever)."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            ended, _, _ = select.select([descriptor], [], [], 60)
        finally:
            os.close(descriptor)
        assert ended


class Connection:
    """One connection to the server, and so to one worker."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self.session = session

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Make a request; ``body`` is sent as JSON."""
        headers = {"Content-Type": "application/json"} | (headers or {})
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        data = None if body is None else json.dumps(body).encode()
        url = URL(self._url + path, encoded=True)
        async with self.session.request(method, url, data=data, headers=headers) as response:
            return Answer(response.status, await response.read(), response.headers.copy())

    async def done(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request that must succeed."""
        answer = await self.ask(method, path, body)
        assert answer.code in (200, 201), answer.body
        return answer.json

    async def events(self, path: str) -> AsyncGenerator[dict[str, Any], None]:
        """The events of a watch, on a connection of its own."""
        async with self.session.get(URL(self._url + path, encoded=True)) as response:
            assert response.status == 200
            try:
                async for line in response.content:
                    yield json.loads(line)
            finally:
                # As in _hang_up; what follows would close it politely.
                if response.connection is not None and response.connection.transport is not None:
                    response.connection.transport.abort()

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of a metric."""
        answer = await self.ask("GET", "/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(answer.body.decode())
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


@contextlib.asynccontextmanager
async def connections(
    server: FleetServer, count: int = 2, *, identity: str = "admin"
) -> AsyncIterator[list[Connection]]:
    """Connections that were opened one after the other, and so lead to one worker after another.

    ``identity`` names a certificate of the PKI, "" for none.
    """
    pki = PKI(server.data / "pki")
    context = ssl.create_default_context(cafile=str(pki.ca_file))
    if identity:
        context.load_cert_chain(*pki.files(identity))
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            connector = aiohttp.TCPConnector(ssl=context, limit=1, keepalive_timeout=600)
            session = aiohttp.ClientSession(
                connector=connector, timeout=aiohttp.ClientTimeout(total=60)
            )
            stack.push_async_callback(_hang_up, session, connector)
            made.append(Connection(server.url, session))
            await made[-1].ask("GET", "/version")
        yield made


async def _hang_up(session: aiohttp.ClientSession, connector: aiohttp.TCPConnector) -> None:
    """Close the connection now: a polite end of TLS would outlive the test's event loop."""
    await connector.close(abort_ssl=True)
    await session.close()
    await asyncio.sleep(0)
