"""The application: runs the pipeline, sends what comes of it, and counts.

Whatever the pipeline raises ends here: StatusErrors become their Status, anything else a 500 that
tells nothing, with type and place in the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import msgspec

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError, internal_error
from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF
from strongroom.registry.encode_protobuf import status_message
from strongroom.registry.uids import new_uid
from strongroom.server.audit.record import QUIET_PATHS
from strongroom.server.exchange import Exchange
from strongroom.server.metrics import Metrics
from strongroom.server.negotiation import YAML, accepted_form, yaml_of
from strongroom.server.pipeline import Pipeline, Progress
from strongroom.server.reply import (
    Reply,
    StreamReply,
    head_of,
    internal_server_error,
    send_reply,
)
from strongroom.server.request import ClientGone, Request
from strongroom.server.shutdown import Shutdown
from strongroom.server.websocket import handshake
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

_UNGUARDED = frozenset(path.encode() for path in QUIET_PATHS)
"""Answered even when no audit event can be written: nobody is helped by a restart."""

NO_CLIENT = 499
"""Code in audit and metrics of a request whose client went away; nobody sees it on the wire."""

_encoder = msgspec.json.Encoder()


class App:
    """The server, as its connections call it."""

    def __init__(
        self,
        pipeline: Pipeline,
        metrics: Metrics,
        shutdown: Shutdown,
        clock: Clock,
        settle: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """``settle`` waits until audit events have arrived; answers then wait for it."""
        self._settle = settle
        self._pipeline = pipeline
        self._shutdown = shutdown
        self._metrics = metrics
        self._clock = clock

    async def serve(self, request: Request, exchange: Exchange) -> None:
        """Serve one request: answer it, or break its connection."""
        request.received = self._clock.now()
        request.audit_id = audit_id(request.headers.get("audit-id"))
        progress = Progress()
        try:
            await self._serve(request, exchange, progress)
        except ClientGone:
            self._finish(progress, NO_CLIENT)
            exchange.abandon()
        except BaseException as error:
            # An answer that has begun cannot be taken back: only breaking it off is honest. What
            # was done for it is on record all the same.
            exchange.abort()
            if progress.record is not None:
                progress.record.complete(500, panic=True)
            if not isinstance(error, Exception):
                raise
            log(logger, logging.ERROR, "answer broken off", error, auditID=request.audit_id)

    async def _serve(self, request: Request, exchange: Exchange, progress: Progress) -> None:
        began = self._clock.monotonic()
        metrics, reading = self._metrics, request.method in ("GET", "HEAD")
        if reading:
            metrics.reading += 1
        else:
            metrics.mutating += 1
        try:
            if self._settle is None or request.path in _UNGUARDED:
                reply = await self._reply(request, progress)
            else:
                reply = await self._recorded_reply(request, progress, self._settle)
        finally:
            if reading:
                metrics.reading -= 1
            else:
                metrics.mutating -= 1
        if isinstance(reply, StreamReply):
            await self._stream(request, reply, progress, exchange)
            return
        await send_reply(request, reply, exchange)
        if progress.record is not None:
            progress.record.complete(reply.status, reply.failure, panic=reply.unexpected)
        elapsed = self._clock.monotonic() - began
        metrics.tally(progress.target).finished(reply.status, elapsed)

    async def _recorded_reply(
        self, request: Request, progress: Progress, settle: Callable[[], Awaitable[bool]]
    ) -> Reply | StreamReply:
        """The answer, once its event is where it is to be; nothing is done while none arrive."""
        if await settle():
            reply = await self._reply(request, progress)
            if progress.record is not None:
                if isinstance(reply, StreamReply):
                    progress.record.started(reply.status)
                else:
                    progress.record.complete(reply.status, reply.failure, panic=reply.unexpected)
            if await settle():
                return reply
            if isinstance(reply, StreamReply):
                await reply.chunks.aclose()
                if reply.ended is not None:
                    reply.ended()
        self._metrics.audit_rejected.inc()
        return internal_server_error(request, "failed to store audit event")

    async def _reply(self, request: Request, progress: Progress) -> Reply | StreamReply:
        try:
            reply = await self._pipeline.serve(request, progress)
            if request.websocket and isinstance(reply, StreamReply):
                accept_websocket(request, reply)
            return reply
        except StatusError as error:
            return failure_reply(request, error)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - the last line: no failure may reach the client as it is
            log(logger, logging.ERROR, "request failed", error, auditID=request.audit_id)
            reply = failure_reply(request, internal_error("the request could not be served"))
            reply.unexpected = True
            return reply

    async def _stream(
        self, request: Request, reply: StreamReply, progress: Progress, exchange: Exchange
    ) -> None:
        if progress.record is not None and self._settle is None:
            progress.record.started(reply.status)
        tally = self._metrics.tally(progress.target)
        tally.open += 1
        try:
            await send_stream(request, reply, exchange, self._shutdown)
        finally:
            tally.open -= 1
            if reply.ended is not None:
                reply.ended()
            self._finish(progress, reply.status)

    def _finish(self, progress: Progress, code: int) -> None:
        """Note the end of a request whose time tells nothing."""
        if progress.record is not None:
            progress.record.complete(code)
        self._metrics.tally(progress.target).ended(code)


def audit_id(given: str | None) -> str:
    """The client's ``Audit-ID`` if it is a plain one, else a new one."""
    if given and len(given) <= 64 and given.isascii() and given.replace("-", "").isalnum():
        return given
    return new_uid()


def failure_reply(request: Request, error: StatusError) -> Reply:
    """The answer of a refused request: its Status, in the form that was asked for, else as JSON."""
    status = error.to_status()
    body, content_type = _encoder.encode(status), "application/json"
    try:
        form = accepted_form(request.headers.get("accept", ""), frozenset())
    except StatusError:
        form = None
    if form is not None and form.media_type == YAML:
        body, content_type = yaml_of(body), YAML
    elif form is not None and form.media_type == PROTOBUF:
        body, content_type = status_message(status), PROTOBUF
    headers = []
    if status.details is not None and status.details.retryAfterSeconds:
        headers.append((b"retry-after", b"%d" % status.details.retryAfterSeconds))
    if error.code in (401, 408, 413):
        # The body, if any, is left unread: the connection cannot be used again.
        request.keep_alive = False
    return Reply(body, error.code, content_type, headers, failure=status)


def accept_websocket(request: Request, reply: StreamReply) -> None:
    """Make the stream a WebSocket's. Raises StatusError 400."""
    try:
        reply.headers += handshake(request.headers)
    except StatusError:
        if reply.ended is not None:
            reply.ended()
        raise
    reply.status = 101


async def send_stream(
    request: Request, reply: StreamReply, exchange: Exchange, shutdown: Shutdown
) -> None:
    """Send chunks as they come, until they end, the client goes or the server stops.

    A client that takes nothing any more is hung up on by ``exchange.send``.
    """
    try:
        head = head_of(request, reply.status, reply.content_type, reply.headers)
        if request.websocket:
            exchange.begin_socket(head, reply.content_type)
        else:
            await exchange.begin_stream(head)
        with shutdown.following(asyncio.current_task()):
            async with aclosing(reply.chunks) as chunks:
                async for chunk in chunks:
                    await exchange.send(chunk)
    except ClientGone:
        return
    except asyncio.CancelledError:
        # The client has gone or the server is stopping: for a stream, both are its end.
        if not (exchange.gone or shutdown.begun):
            raise
    except Exception as error:
        log(logger, logging.WARNING, "stream broken", error, auditID=request.audit_id)
        raise
    exchange.end_stream()
