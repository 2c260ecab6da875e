"""uvicorn's HTTP/1.1 protocol, with what an API server needs beside it.

Added: the client certificate that TLS verified (in the scope, for authentication), limits on the
size of headers and on the time they may take. uvicorn itself accepts a header of any size and waits
for it without end.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES = 1 << 20
"""Request line and headers together; Go's default, so that what reaches upstream reaches us."""

HEADER_TIMEOUT = 32.0
"""Seconds a connection may take to send its headers; upstream's ReadHeaderTimeout."""

CERTIFICATE = "strongroom.client_certificate"
"""Key of the scope: DER of the verified leaf, or None."""


class HeadersTooLarge(Exception):
    """The request line and headers are over the limit; the parser turns it into a 400."""


class Protocol(HttpToolsProtocol):
    """One connection of the API server."""

    # uvicorn narrows the parameter in the same way: HTTP connections are always full transports.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        ssl_object = transport.get_extra_info("ssl_object")
        self._certificate = ssl_object.getpeercert(binary_form=True) if ssl_object else None
        self._header_bytes = 0
        self._header_timer: asyncio.TimerHandle | None = None
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # ASGI allows own keys
        scope[CERTIFICATE] = self._certificate
        if self._header_timer is None:
            self._await_headers()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._headers_came()
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            raise HeadersTooLarge

    def _await_headers(self) -> None:
        self._header_timer = self.loop.call_later(HEADER_TIMEOUT, self._headers_late)

    def _headers_came(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _headers_late(self) -> None:
        self._header_timer = None
        if not self.transport.is_closing():
            self.transport.close()
