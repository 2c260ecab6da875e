"""A webhook server on loopback with TLS of its own, whose every answer a test decides."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509

from tests.access.authn.certifying import make
from tests.loopback import serving

Review = dict[str, Any]
Handler = Callable[[Review], Awaitable[web.StreamResponse] | web.StreamResponse]


def make_certificate(directory: Path, *names: str) -> tuple[bytes, Path]:
    """A certificate that signs itself: its PEM, and a file with certificate and key."""
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    alternatives = x509.SubjectAlternativeName([address, *map(x509.DNSName, names)])
    hour = dt.timedelta(hours=1)
    holder = make(
        "hooks", ca=True, begins=now - hour, ends=now + hour, more=[(alternatives, False)]
    )
    path = directory / "hooks.pem"
    path.write_bytes(holder.pem + holder.key_pem)
    return holder.pem, path


def answer(review: Review, **response: Any) -> web.Response:
    """An AdmissionReview that answers the review."""
    body = {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "response": {"uid": review["request"]["uid"], "allowed": True, **response},
    }
    return web.json_response(body)


def deny(review: Review, message: str = "no", **status: Any) -> web.Response:
    """A refusal."""
    return answer(review, allowed=False, status={"message": message, **status})


def patch(review: Review, *steps: dict[str, Any]) -> web.Response:
    """Consent, with a JSON patch."""
    encoded = base64.b64encode(json.dumps(steps).encode()).decode()
    return answer(review, patch=encoded, patchType="JSONPatch")


@dataclass(slots=True)
class Hooks:
    """The server: ``on[path]`` answers what is posted there; ``asked`` are the requests so far."""

    port: int
    pem: bytes
    on: dict[str, Handler] = field(default_factory=dict)
    asked: list[tuple[str, Review]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    current: web.Request | None = None

    def config(self, path: str, **changes: Any) -> dict[str, Any]:
        """A clientConfig for a path here."""
        bundle = base64.b64encode(self.pem).decode()
        return {"url": f"https://127.0.0.1:{self.port}{path}", "caBundle": bundle} | changes

    def reviews(self, path: str) -> list[Review]:
        return [review for asked, review in self.asked if asked == path]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        review = json.loads(await request.read())
        self.asked.append((request.path, review))
        self.connections.add(request.transport)
        self.current = request
        made = self.on[request.path](review)
        return made if isinstance(made, web.StreamResponse) else await made


@contextlib.asynccontextmanager
async def hook_server(directory: Path) -> AsyncIterator[Hooks]:
    """Run the server."""
    pem, path = make_certificate(directory, "hook.default.svc")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    hooks = Hooks(0, pem)
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/{any:.*}", hooks.serve)
    async with serving(app, context) as hooks.port:
        yield hooks
