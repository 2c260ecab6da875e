"""A request on its way through the pipeline, and the reading of its body."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from strongroom.api.errors import StatusError, bad_request, too_large

if TYPE_CHECKING:
    from strongroom.server.audit.record import Record

MAX_BODY = 3 * 1024 * 1024
BODY_TIMEOUT = 60.0
"""Seconds a body may take to come: as long as upstream's whole request may."""

_MAX_MEMBERS = 64
"""Most gzip members of a body: each costs as much as a small body, and an empty one is 20 bytes."""


class ClientGone(Exception):
    """The client closed its connection; there is nobody to answer."""


class Body:
    """A request's body as it comes: the connection feeds, the request reads.

    ``wanted`` is called once, when somebody wants to read. Until then the connection stops taking
    bytes from the client after a few.
    """

    __slots__ = (
        "_chunks",
        "_discarded",
        "_ended",
        "_gone",
        "_waiter",
        "_wanted",
        "reading",
        "size",
    )

    def __init__(self, wanted: Callable[[], None]) -> None:
        self._wanted = wanted
        self._chunks: list[bytes] = []
        self._ended = self._gone = self._discarded = False
        self._waiter: asyncio.Future[None] | None = None
        self.reading = False
        self.size = 0
        """Bytes that came, kept or not."""

    def feed(self, data: bytes) -> None:
        """Take bytes from the connection."""
        self.size += len(data)
        if self._discarded or self.size > MAX_BODY:
            self.discard()
        else:
            self._chunks.append(data)
        if self.size > MAX_BODY:
            self._wake()

    def end(self) -> None:
        """All of it has come."""
        self._ended = True
        self._wake()

    def break_off(self) -> None:
        """The connection was lost: no more will come."""
        self._gone = True
        self._wake()

    def discard(self) -> None:
        """Nobody will read this, or the rest of it."""
        self._discarded = True
        self._chunks.clear()

    async def read(self) -> bytes:
        """All bytes. Raises ClientGone, and StatusError 408 and 413."""
        if not self._ended:
            await self._arrival()
        if self.size > MAX_BODY:
            raise request_too_large()
        if not self._ended:
            raise ClientGone
        chunks, self._chunks = self._chunks, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _arrival(self) -> None:
        """Wait for the end, in whatever form it comes."""
        self.reading = True
        self._wanted()
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                while not (self._ended or self._gone or self.size > MAX_BODY):
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
        except TimeoutError:
            raise StatusError(408, "Timeout", "the request body did not come in time") from None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Request:
    """One HTTP request. The repr shows method and path only.

    ``incoming`` is the body to come, None for a request without one. The connection keeps
    ``complete`` (all of it has come), ``answered``, whether it may go on afterwards, and whether it
    would go on as a ``websocket``; the application sets ``received`` and ``audit_id`` first of all.
    """

    __slots__ = (
        "_body",
        "_raw",
        "annotations",
        "answered",
        "audit_id",
        "certificate",
        "complete",
        "headers",
        "incoming",
        "keep_alive",
        "leave",
        "method",
        "modern",
        "path",
        "query",
        "received",
        "record",
        "rest",
        "source",
        "warnings",
        "websocket",
    )

    received: datetime
    audit_id: str

    def __init__(
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: dict[str, str],
        incoming: Body | None = None,
        certificate: bytes | None = None,
        source: str = "",
    ) -> None:
        self.method = method
        self.path = path
        """As it came, undecoded; so is ``query``."""
        self.query = query
        self.headers = headers
        """By lower-case name; repeated ones joined by a comma."""
        self.incoming = incoming
        self.certificate = certificate
        """DER of the client certificate that TLS verified, and of those shown beside it."""
        self.source = source
        """The client's address."""
        self.keep_alive = self.modern = True
        self.complete = self.answered = self.websocket = False
        self.warnings: list[str] = []
        self.annotations: dict[str, str] = {}
        """Of the request's audit events."""
        self.record: Record | None = None
        """What the audit log is told of the request, once it is known whose it is."""
        self.leave: Callable[[], None] | None = None
        """Called when the client goes while the request waits for its turn."""
        self.rest: Callable[[Callable[[], None]], None] | None = None
        """Called with what reads on when the connection is to be left alone after the answer."""
        self._raw: bytes | None = None
        self._body: bytes | None = None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path.decode('ascii', 'replace')}>"

    @property
    def uri(self) -> str:
        """Path and query as they came."""
        uri = self.path + b"?" + self.query if self.query else self.path
        return uri.decode("ascii", "replace")

    def warn(self, text: str) -> None:
        """Add a ``Warning`` header to the reply, unless the same is there already."""
        if text not in self.warnings:
            self.warnings.append(text)

    def annotate(self, key: str, value: str) -> None:
        """Add an annotation to the request's audit events; the first of a name stays."""
        self.annotations.setdefault(key, value)

    async def body(self) -> bytes:
        """Read the whole body, decompressed; later calls give the same.

        Raises StatusError 413 above the limit (before and after decompression), 408 when it comes
        too slowly, 415 for an unknown compression, and ClientGone.
        """
        if self._body is None:
            await self.receive()
            raw, self._raw = self._raw or b"", None
            self._body = self._decompress(raw)
        return self._body

    async def receive(self) -> None:
        """Wait until the body has come, as it is. Raises as ``body``, but for its compression."""
        if self.incoming is not None and self._raw is None:
            if int_header(self.headers, "content-length") > MAX_BODY:
                raise request_too_large()
            self._raw = await self.incoming.read()

    @property
    def received_bytes(self) -> int:
        """Size of the body as it came, so far."""
        return self.incoming.size if self.incoming is not None else 0

    def _decompress(self, raw: bytes) -> bytes:
        encoding = self.headers.get("content-encoding", "").strip().lower()
        if encoding in ("", "identity"):
            return raw
        if encoding != "gzip":
            raise StatusError(
                415, "UnsupportedMediaType", "only gzip is accepted as content encoding"
            )
        return _gunzip(raw)


def _gunzip(raw: bytes) -> bytes:
    """The plain bytes of a few gzip members. Raises StatusError 400 and 413."""
    parts, size = [], 0
    for _ in range(_MAX_MEMBERS):
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            parts.append(member.decompress(raw, MAX_BODY + 1 - size))
        except zlib.error:
            break
        size += len(parts[-1])
        if size > MAX_BODY:
            raise request_too_large()
        raw = member.unused_data
        if not member.eof:
            break
        if not raw:
            return b"".join(parts)
    raise bad_request("the request body is not valid gzip")


def int_header(headers: dict[str, str], name: str) -> int:
    """A header's number, 0 when it is missing or none."""
    value = headers.get(name, "")
    return int(value) if value.isascii() and value.isdigit() else 0


def request_too_large() -> StatusError:
    """413 in upstream's words."""
    return too_large(f"Request entity too large: limit is {MAX_BODY}")
