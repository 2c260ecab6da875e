"""The ASGI application: runs the pipeline, sends what comes of it, and counts.

Whatever the pipeline raises ends here: StatusErrors become their Status, anything else a 500 that
tells nothing, with type and place in the log.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import aclosing
from typing import Any

import msgspec
import yaml

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError, internal_error
from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF
from strongroom.registry.encode_protobuf import status_message
from strongroom.server.metrics import Metrics
from strongroom.server.negotiation import YAML, accepted_form
from strongroom.server.pipeline import Pipeline, Progress
from strongroom.server.reply import Reply, Send, StreamReply, common_headers, send_reply
from strongroom.server.request import ClientGone, Receive, Request
from strongroom.server.shutdown import Shutdown
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

NO_CLIENT = 499
"""Code in audit and metrics of a request whose client went away; nobody sees it on the wire."""

_encoder = msgspec.json.Encoder()


class App:
    """The server as uvicorn calls it."""

    def __init__(
        self, pipeline: Pipeline, metrics: Metrics, shutdown: Shutdown, clock: Clock
    ) -> None:
        self._pipeline = pipeline
        self._shutdown = shutdown
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        audit_id = scope_audit_id(scope)
        request = Request(scope, receive, self._clock.now(), audit_id)
        began = self._clock.monotonic()
        progress = Progress()
        gauge = self._metrics.inflight(request.method)
        gauge.inc()
        try:
            reply = await self._reply(request, progress)
        except ClientGone:
            self._finish(progress, NO_CLIENT, began)
            return
        finally:
            gauge.dec()
        if isinstance(reply, StreamReply):
            await self._stream(request, reply, progress, send, began)
            return
        await send_reply(request, reply, send)
        if progress.record is not None:
            progress.record.complete(reply.status, reply.failure)
        self._metrics.finished(progress.target, reply.status, self._clock.monotonic() - began)

    async def _reply(self, request: Request, progress: Progress) -> Reply | StreamReply:
        try:
            return await self._pipeline.serve(request, progress)
        except StatusError as error:
            return failure_reply(request, error)
        except (ClientGone, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the last line: no failure may reach the client as it is
            log(logger, logging.ERROR, "request failed", error, auditID=request.audit_id)
            return failure_reply(request, internal_error("the request could not be served"))

    async def _stream(
        self, request: Request, reply: StreamReply, progress: Progress, send: Send, began: float
    ) -> None:
        target, record = progress.target, progress.record
        if record is not None:
            record.started(reply.status)
        gauge = self._metrics.longrunning(target) if target is not None else None
        if gauge is not None:
            gauge.inc()
        try:
            await send_stream(request, reply, send, self._shutdown)
        finally:
            if gauge is not None:
                gauge.dec()
            self._finish(progress, reply.status, began, long=True)

    def _finish(self, progress: Progress, code: int, began: float, *, long: bool = False) -> None:
        if progress.record is not None:
            progress.record.complete(code)
        elapsed = self._clock.monotonic() - began
        self._metrics.finished(progress.target, code, elapsed, long=long)


def scope_audit_id(scope: dict[str, Any]) -> str:
    """The client's ``Audit-ID`` if it is a plain one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"audit-id":
            text = value.decode("latin-1")
            if len(text) <= 64 and text.isascii() and text.replace("-", "").isalnum():
                return str(text)
    # A version 4 UUID, written by hand: the library's takes longer than a lookup of an object.
    text = secrets.token_hex(16)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def failure_reply(request: Request, error: StatusError) -> Reply:
    """The answer of a refused request: its Status, in the form that was asked for, else as JSON."""
    status = error.to_status()
    body, content_type = _encoder.encode(status), "application/json"
    try:
        form = accepted_form(request.headers.get("accept", ""), frozenset())
    except StatusError:
        form = None
    if form is not None and form.media_type == YAML:
        tree = msgspec.json.decode(body)
        body, content_type = yaml.safe_dump(tree).encode(), YAML
    elif form is not None and form.media_type == PROTOBUF:
        body, content_type = status_message(status), PROTOBUF
    headers = []
    if status.details is not None and status.details.retryAfterSeconds:
        headers.append((b"retry-after", b"%d" % status.details.retryAfterSeconds))
    if error.code in (401, 408, 413):
        # The body, if any, is left unread: the connection cannot be used again.
        headers.append((b"connection", b"close"))
    return Reply(body, error.code, content_type, headers, failure=status)


async def send_stream(request: Request, reply: StreamReply, send: Send, shutdown: Shutdown) -> None:
    """Send chunks as they come, until they end, the client goes or the server stops.

    A client that takes nothing any more is hung up on by ``send``.
    """
    headers = common_headers(request, reply.content_type, reply.headers)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    pump = asyncio.create_task(_pump(reply, send))
    gone = asyncio.create_task(request.disconnected())
    shutdown.follow(pump)
    try:
        await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        left = gone.done()
    finally:
        for task in (pump, gone):
            task.cancel()
        await asyncio.gather(pump, gone, return_exceptions=True)
    error = None if pump.cancelled() else pump.exception()
    if error is not None:
        # The headers have gone out: breaking the connection is the only honest sign left.
        log(logger, logging.WARNING, "stream broken", error, auditID=request.audit_id)
        raise error
    if not left:
        await send({"type": "http.response.body", "body": b""})


async def _pump(reply: StreamReply, send: Send) -> None:
    async with aclosing(reply.chunks) as chunks:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
