"""A real API server on loopback for each test that asks, with a client to talk to it."""

import asyncio
import contextlib
import functools
import io
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from strongroom.access.authn.keys import make_key
from strongroom.api.clock import Clock
from strongroom.files import private_directory, write_private
from strongroom.server.assembly import Server, assemble
from strongroom.server.options import Options, parse_options
from strongroom.server.pki import PKI
from strongroom.server.token_keys import default_files


@dataclass(slots=True)
class Answer:
    """A whole HTTP answer."""

    code: int
    body: bytes
    headers: Any

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Running:
    """A server that runs, and how to speak to it as anybody of its PKI."""

    server: Server
    options: Options
    task: asyncio.Task[None]
    sessions: dict[str, aiohttp.ClientSession] = field(default_factory=dict)

    @property
    def pki(self) -> PKI:
        return PKI(self.options.pki_dir)

    def context(self, identity: str) -> ssl.SSLContext:
        """TLS as this identity: a pair's name in the PKI, or "" for none."""
        context = ssl.create_default_context(cafile=str(self.pki.ca_file))
        if identity:
            context.load_cert_chain(*self.pki.files(identity))
        return context

    def session(self, identity: str = "admin") -> aiohttp.ClientSession:
        if identity not in self.sessions:
            connector = aiohttp.TCPConnector(ssl=self.context(identity))
            self.sessions[identity] = aiohttp.ClientSession(
                self.server.url, connector=connector, auto_decompress=False
            )
        return self.sessions[identity]

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        identity: str = "admin",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Make a request; ``body`` is sent as JSON unless it is bytes."""
        sent = {"Accept-Encoding": "identity"} | (headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        session = self.session(identity)
        # As it stands: the client must not tidy up what the server is to refuse.
        url = URL(self.server.url + path, encoded=True)
        content = io.BytesIO(body) if body is not None else None
        async with session.request(method, url, data=content, headers=sent) as response:
            return Answer(response.status, await response.read(), response.headers.copy())

    async def stop(self) -> None:
        """Stop as SIGTERM does, and wait for the end."""
        self.server.stop()
        await asyncio.wait_for(self.task, 20)

    def audit_events(self) -> list[dict[str, Any]]:
        path = Path(self.options.audit.log.path)
        return [json.loads(line) for line in path.read_text().splitlines()]


_made_key = functools.cache(make_key)


def _give_key(options: Options) -> None:
    """Spare a first start the making of an RSA key, which takes as long as all the rest."""
    private, public = default_files(options.pki_dir)
    if not private.exists():
        options.data_dir.mkdir(mode=0o700, exist_ok=True)
        private_directory(options.pki_dir)
        for path, content in zip((private, public), _made_key(), strict=True):
            write_private(path, content)


@contextlib.asynccontextmanager
async def running(
    directory: Path, *arguments: str, clock: Clock | None = None, accounts: bool = False
) -> AsyncIterator[Running]:
    """Run a server with its data and its key below ``directory``.

    Pods do without ServiceAccounts, which nobody makes here, unless ``accounts``.
    """
    key = directory / "keys" / "the.key"
    options = parse_options(
        [
            "--data-dir",
            str(directory / "data"),
            "--port",
            "0",
            "--node-name",
            "n1",
            *([] if "--encryption-key" in arguments else ["--encryption-key-file", str(key)]),
            *([] if accounts else ["--disable-admission-plugins", "ServiceAccount"]),
            *arguments,
        ]
    )
    _give_key(options)
    async with assemble(options, clock) as server:
        run = Running(server, options, asyncio.create_task(server.run()))
        await server.ready()
        try:
            yield run
        finally:
            for session in run.sessions.values():
                await session.close()
            await run.stop()


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Running]:
    """A server with default options."""
    async with running(tmp_path) as run:
        yield run


def secret(name: str, **data: str) -> dict[str, Any]:
    """A Secret with text values."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": data,
    }


SECRETS = "/api/v1/namespaces/default/secrets"
