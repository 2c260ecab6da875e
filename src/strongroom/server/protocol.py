"""uvicorn's HTTP/1.1 protocol, with what an API server needs beside it.

Added: the client certificate that TLS verified (in the scope, for authentication), limits on the
size of headers and on the time they may take. uvicorn itself accepts a header of any size and waits
for it without end.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

from httptools import parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from strongroom.server.exchange import Exchange

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
        self._within_headers = True
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Headers nearly always come in one piece: only those that do not are worth a timer.
        if self._within_headers and self._header_timer is None:
            self._await_headers()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        self._within_headers = True
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # ASGI allows own keys
        scope[CERTIFICATE] = self._certificate

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """As uvicorn's own, with our kind of exchange and without what is never configured."""
        self._headers_came()
        version = self.parser.get_http_version()
        url = parse_url(self.url)
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(url.path.decode("ascii"))
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        # There is no exchange before the first request.
        free = getattr(self.cycle, "response_complete", True)
        self.cycle = Exchange(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if free:
            self._start_asgi_task(self.cycle, self.app)
        else:
            # A pipelined request waits for its turn.
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            raise HeadersTooLarge

    def _await_headers(self) -> None:
        self._header_timer = self.loop.call_later(HEADER_TIMEOUT, self._headers_late)

    def _headers_came(self) -> None:
        self._within_headers = False
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _headers_late(self) -> None:
        self._header_timer = None
        if not self.transport.is_closing():
            self.transport.close()
