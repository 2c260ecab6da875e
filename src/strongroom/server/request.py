"""A request on its way through the pipeline, and the reading of its body."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from strongroom.api.errors import StatusError, bad_request, too_large
from strongroom.server.protocol import CERTIFICATE

MAX_BODY = 3 * 1024 * 1024
BODY_TIMEOUT = 60.0
"""Seconds a body may take to come: as long as upstream's whole request may."""

_MAX_MEMBERS = 64
"""Most gzip members of a body: each costs as much as a small body, and an empty one is 20 bytes."""

Receive = Callable[[], Awaitable[Any]]


class ClientGone(Exception):
    """The client closed its connection; there is nobody to answer."""


class Request:
    """One HTTP request. The repr shows method and path only."""

    __slots__ = (
        "_body",
        "_headers",
        "_receive",
        "annotations",
        "audit_id",
        "received",
        "scope",
        "warnings",
    )

    def __init__(
        self, scope: dict[str, Any], receive: Receive, received: datetime, audit_id: str
    ) -> None:
        self.scope = scope
        self.received = received
        self.audit_id = audit_id
        self.warnings: list[str] = []
        self.annotations: dict[str, str] = {}
        self._receive = receive
        self._headers: dict[str, str] | None = None
        self._body: bytes | None = None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.scope['path']}>"

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def uri(self) -> str:
        """Path and query as they came."""
        query = self.scope["query_string"]
        path: bytes = self.scope["raw_path"]
        return (path + b"?" + query if query else path).decode("ascii", "replace")

    @property
    def headers(self) -> dict[str, str]:
        """Headers by lower-case name; repeated ones joined by a comma."""
        if self._headers is None:
            found: dict[str, list[str]] = {}
            for name, value in self.scope["headers"]:
                found.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
            # Joined once: adding to a growing text takes seconds for a megabyte of short headers.
            self._headers = {name: ", ".join(values) for name, values in found.items()}
        return self._headers

    @property
    def certificate(self) -> bytes | None:
        """DER of the verified client certificate."""
        der: bytes | None = self.scope.get(CERTIFICATE)
        return der

    @property
    def source(self) -> str:
        """The client's address."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    def warn(self, text: str) -> None:
        """Add a ``Warning`` header to the reply, unless the same is there already."""
        if text not in self.warnings:
            self.warnings.append(text)

    def annotate(self, key: str, value: str) -> None:
        """Add an annotation to the request's audit events; the first of a name stays."""
        self.annotations.setdefault(key, value)

    async def body(self) -> bytes:
        """Read the whole body, decompressed; later calls give the same.

        Raises StatusError 413 above the limit (before and after decompression), 408-like 400 when
        it comes too slowly, and ClientGone.
        """
        if self._body is None:
            self._body = await self._receive_body()
        return self._body

    async def _receive_body(self) -> bytes:
        if int_header(self.headers, "content-length") > MAX_BODY:
            raise request_too_large()
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                raw = await self._read()
        except TimeoutError:
            raise StatusError(408, "Timeout", "the request body did not come in time") from None
        return self._decompress(raw)

    async def _read(self) -> bytes:
        chunks, size = [], 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > MAX_BODY:
                raise request_too_large()
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _decompress(self, raw: bytes) -> bytes:
        encoding = self.headers.get("content-encoding", "").strip().lower()
        if encoding in ("", "identity"):
            return raw
        if encoding != "gzip":
            raise StatusError(
                415, "UnsupportedMediaType", "only gzip is accepted as content encoding"
            )
        return _gunzip(raw)

    async def disconnected(self) -> None:
        """Return when the client has gone; anything it still sends is thrown away."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


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
