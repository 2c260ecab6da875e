"""A server's API as these tests speak it: JSON over TLS, as the administrator."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from strongroom.client.config import ClientConfig
from strongroom.client.tls import client_context

Tree = dict[str, Any]

MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}
YAML = {"Content-Type": "application/yaml"}


@dataclass(slots=True)
class Answer:
    """A whole answer."""

    code: int
    body: bytes
    warnings: list[str]

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def causes(self) -> list[tuple[str, str, str]]:
        """Reason, field and message of each cause of a refusal."""
        found = self.json["details"].get("causes", [])
        return [(each["reason"], each.get("field", ""), each["message"]) for each in found]

    def ok(self) -> Any:
        """The object that came; any refusal fails the test with the words of it."""
        assert self.code < 300, self.body
        return self.json

    def refused(self) -> tuple[int, str, str]:
        """Code, reason and message of the Status that came."""
        status = self.json
        assert (status["kind"], status["status"]) == ("Status", "Failure")
        assert status["code"] == self.code
        return self.code, status["reason"], status["message"]


@dataclass(slots=True)
class Api:
    """One server, spoken to in this test's own connections."""

    session: aiohttp.ClientSession
    server: str

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request. Text and bytes are sent as they are, anything else as JSON."""
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body)
        text = body.encode() if isinstance(body, str) else body
        content = io.BytesIO(text) if text is not None else None
        sent = {"Content-Type": "application/json", "User-Agent": "tests/1"} | (headers or {})
        url = URL(self.server + path, encoded=True)
        async with self.session.request(method, url, data=content, headers=sent) as answer:
            said = answer.headers.getall("Warning", [])
            return Answer(answer.status, await answer.read(), said)

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Any:
        """The object at a path."""
        return (await self.ask("GET", path, headers=headers)).ok()

    async def create(self, path: str, obj: Tree) -> Any:
        """The object that was made of this one."""
        return (await self.ask("POST", path, obj)).ok()

    async def put(self, path: str, obj: Tree) -> Any:
        """The object that is there afterwards."""
        return (await self.ask("PUT", path, obj)).ok()

    async def patch(self, path: str, patch: Any, form: dict[str, str] | None = None) -> Any:
        """The patched object; a merge patch unless another form is named."""
        return (await self.ask("PATCH", path, patch, form or MERGE)).ok()

    async def delete(self, path: str, options: Tree | None = None) -> Any:
        """What the server answers to a deletion."""
        return (await self.ask("DELETE", path, options)).ok()

    @asynccontextmanager
    async def watch(self, path: str, query: str = "") -> AsyncIterator[Watch]:
        """A watch of a collection."""
        url = URL(f"{self.server}{path}?watch=1&{query}", encoded=True)
        async with self.session.get(url, timeout=aiohttp.ClientTimeout()) as answer:
            assert answer.status == 200, await answer.read()
            try:
                yield Watch(answer)
            finally:
                # A watch has no end of its own to read: without this the transport lingers.
                if answer.connection is not None and answer.connection.transport is not None:
                    answer.connection.transport.abort()


class Watch:
    """Events as they come."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self) -> tuple[str, Any]:
        """Type and object of the next event, within a minute as upstream waits for it."""
        line = await asyncio.wait_for(self._answer.content.readuntil(b"\n"), 60)
        event = json.loads(line)
        return event["type"], event["object"]

    async def expect(self, kind: str, **data: str) -> Any:
        """The next event's object, which must be of this type and hold this data."""
        found, obj = await self.next()
        assert (found, {k: obj.get("data", {}).get(k) for k in data}) == (kind, data), obj
        return obj


@asynccontextmanager
async def connected(config: ClientConfig) -> AsyncIterator[Api]:
    """The API of a server, as the user of this configuration."""
    connector = aiohttp.TCPConnector(ssl=client_context(config), limit=0)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=2**20) as session:
        yield Api(session, config.server)


async def served(api: Api, path: str) -> None:
    """Wait until there is something at this path: definitions take a moment to be served."""
    async with asyncio.timeout(60):
        while (await api.ask("GET", path)).code != 200:  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(0.02)


async def gone(api: Api, path: str) -> None:
    """Nothing is at this path."""
    assert (await api.ask("GET", path)).code == 404
