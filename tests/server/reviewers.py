"""A webhook server that answers reviews: HTTPS on loopback, with authorities of its own.

It takes calls from holders of certificates of its own authority alone. What it answers, and how it
fails, is decided by each test.
"""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.access.authn.certifying import CLIENT, SERVER, Holder, authority, make
from tests.loopback import serving

Review = dict[str, Any]
Answer = web.StreamResponse | Review
Handler = Callable[[Review], Answer | Awaitable[Answer]]

NAME = "reviewer.example"
"""What the server's certificate is for; the address is 127.0.0.1."""


def _validity() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"begins": now - timedelta(hours=1), "ends": now + timedelta(hours=1)}


@dataclass(frozen=True)
class Papers:
    """The authority of the server and of its clients, and one certificate of each sort."""

    ca: Holder
    server: Holder
    client: Holder
    stranger: Holder


@cache
def papers() -> Papers:
    """Made once: keys take time."""
    ca, other = authority("reviewers", **_validity()), authority("others", **_validity())
    return Papers(
        ca,
        make(NAME, ca, hosts=(NAME,), purposes=(SERVER,), **_validity()),
        make("apiserver", ca, purposes=(CLIENT,), **_validity()),
        make("apiserver", other, purposes=(CLIENT,), **_validity()),
    )


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


@dataclass(slots=True)
class Reviewers:
    """The server. ``asked`` are the reviews so far, with their requests."""

    directory: Path
    port: int = 0
    on: dict[str, Handler] = field(default_factory=dict)
    asked: list[tuple[web.Request, Review]] = field(default_factory=list)

    def reviews(self, path: str) -> list[Review]:
        return [review for request, review in self.asked if request.path == path]

    def kubeconfig(
        self, path: str, *, cluster: Review | None = None, user: Review | None = None
    ) -> Path:
        """A kubeconfig for what is answered under a path."""
        holder = papers()
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "webhook",
            "contexts": [{"name": "webhook", "context": {"cluster": "there", "user": "us"}}],
            "clusters": [
                {
                    "name": "there",
                    "cluster": {
                        "server": f"https://127.0.0.1:{self.port}{path}",
                        "tls-server-name": NAME,
                        "certificate-authority-data": _text(holder.ca.pem),
                    }
                    | (cluster or {}),
                }
            ],
            "users": [
                {
                    "name": "us",
                    "user": {
                        "client-certificate-data": _text(holder.client.pem),
                        "client-key-data": _text(holder.client.key_pem),
                    }
                    | (user or {}),
                }
            ],
        }
        file = self.directory / f"{path.strip('/').replace('/', '-') or 'root'}.kubeconfig"
        file.write_text(json.dumps(content))
        return file

    async def serve(self, request: web.Request) -> web.StreamResponse:
        review = json.loads(await request.read())
        self.asked.append((request, review))
        answer = self.on[request.path](review)
        if not isinstance(answer, (web.StreamResponse, dict)):
            answer = await answer
        return web.json_response(answer) if isinstance(answer, dict) else answer

    def dying(self, review: Review) -> Answer:
        """Break the connection in place of an answer."""
        request = self.asked[-1][0]
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


def says(review: Review, **status: Any) -> Review:
    """The review with this answer in it."""
    return review | {"status": status}


def always(**status: Any) -> Handler:
    """Says the same of everything."""
    return lambda review: says(review, **status)


def failing(code: int, times: int = 1000, headers: Mapping[str, str] | None = None) -> Handler:
    """Fails so many times by a status, then allows."""
    left = [times]

    def answer(review: Review) -> Answer:
        left[0] -= 1
        if left[0] < 0:
            return says(review, allowed=True)
        return web.Response(status=code, text="TOP-SECRET", headers=headers)

    return answer


@contextlib.asynccontextmanager
async def review_server(directory: Path) -> AsyncIterator[Reviewers]:
    """Run the server."""
    holder = papers()
    pair = directory / "reviewers.pem"
    pair.write_bytes(holder.server.pem + holder.server.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    context.load_verify_locations(cadata=holder.ca.pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    reviewers = Reviewers(directory)
    app = web.Application()
    app.router.add_post("/{any:.*}", reviewers.serve)
    async with serving(app, context) as reviewers.port:
        yield reviewers
