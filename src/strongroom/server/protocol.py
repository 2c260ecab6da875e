"""One HTTP/1.1 connection: bytes become requests, in their order, and answers become bytes.

llhttp (in httptools) parses, in its strict mode: what could be read in two ways is refused. Here is
what an API server needs beside it: the client certificate that TLS verified, limits on headers and
on the time they may take, one answer after another for pipelined requests, backpressure both ways.
The limits on bodies are the request's own (:mod:`strongroom.server.request`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf
from typing import cast

import httptools

from strongroom.access.authn.headers import BETWEEN
from strongroom.server.exchange import Exchange, plain_answer
from strongroom.server.peer import shown_certificates
from strongroom.server.request import Body, Request
from strongroom.server.site import Site
from strongroom.server.websocket import wants_websocket

MAX_HEADER_BYTES = 1 << 20
"""Request line and headers together; Go's default, so that what reaches upstream reaches us."""

MAX_HEADERS = 1000
"""Header lines of a request; each costs more than its bytes."""

HEADER_TIMEOUT = 32.0
"""Seconds a connection may take to send its headers; upstream's ReadHeaderTimeout."""

IDLE_TIMEOUT = 90.0
"""Seconds a kept-alive connection may be idle; upstream's IdleTimeout."""

MAX_UNREAD = 256 * 1024
"""Bytes of a body that may come after its answer; Go's limit, beyond it the connection ends."""

_VERSIONS = frozenset({"1.0", "1.1"})

_READ_SIZE = 64 * 1024
_PAUSE_AT = 64 * 1024

_buffer = memoryview(bytearray(_READ_SIZE))
"""What TLS decrypts into. One for all connections: its content is parsed before the next read."""


class HeadersTooLarge(Exception):
    """The request line and headers are over a limit."""


class BadHead(Exception):
    """A version of HTTP that is not spoken here, or another number of hosts than one."""


class Connection(asyncio.BufferedProtocol):
    """One connection. A buffered protocol: TLS then decrypts in place, at half the cost."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._exchange: Exchange
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[Request] = deque()
        self._certificate: bytes | None = None
        self._source = ""
        self._request: Request | None = None  # whose body is coming
        self._url = b""
        self._headers: dict[str, str] = {}
        self._repeated: dict[str, list[str]] = {}
        self._count = self._loose = 0
        self._refusal = 400
        self._tunnel = False
        self._upgrading: Request | None = None
        self._within_head = self._refused = self._reading_paused = False
        self.deadline = inf

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do all that one does, without the name.
        transport = cast("asyncio.Transport", transport)
        self._transport = transport
        self._site.connections.add(self)
        ssl_object = transport.get_extra_info("ssl_object")
        self._certificate = shown_certificates(ssl_object) if ssl_object else None
        peer = transport.get_extra_info("peername")
        self._source = str(peer[0]) if peer else ""
        self._exchange = Exchange(self, transport, self._loop)
        self.deadline = self._loop.time() + HEADER_TIMEOUT

    def connection_lost(self, exc: Exception | None) -> None:
        self._site.lost(self)
        self.deadline = inf
        self._waiting.clear()
        if self._request is not None and self._request.incoming is not None:
            self._request.incoming.break_off()
        self._exchange.lost(self._task)

    # --- what comes ---

    def get_buffer(self, sizehint: int) -> memoryview:
        return _buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._refused:
            return
        if self._tunnel:
            self._exchange.feed_socket(bytes(_buffer[:nbytes]))
            return
        # Bytes of headers, chunk extensions and trailers are kept by the parser until they end.
        self._loose += nbytes
        try:
            if self._loose > MAX_HEADER_BYTES:
                raise HeadersTooLarge
            self._parser.feed_data(_buffer[:nbytes])
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(bytes(_buffer[upgrade.args[0] : nbytes]))
        except HeadersTooLarge:
            self._refuse(431)
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, HeadersTooLarge):
                self._refuse(431)
            elif isinstance(error.__context__, BadHead):
                self._refuse(400)
            else:
                raise
        except httptools.HttpParserError:
            self._refuse(400)

    def on_message_begin(self) -> None:
        self._within_head = True
        self._url = b""
        self._headers = {}
        self._count = 0
        if self._task is None:
            self.deadline = self._loop.time() + HEADER_TIMEOUT

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count += 1
        if self._count > MAX_HEADERS:
            raise HeadersTooLarge
        if not self._within_head:
            return  # A trailer: it must not change what the request was judged by.
        key = _NAMES.get(name) or name.decode("latin-1").lower()
        text = value.decode("latin-1")
        if key not in self._headers:
            self._headers[key] = text
        else:
            self._repeated.setdefault(key, [self._headers[key]]).append(text)

    def on_headers_complete(self) -> None:
        self._within_head = False
        self._loose = 0
        parser, headers, repeated = self._parser, self._headers, self._repeated
        if repeated:
            # Joined once: adding to a growing text takes seconds for a megabyte of short headers.
            for key, values in repeated.items():
                separator = BETWEEN if key.startswith(self._site.apart) else ", "
                headers[key] = separator.join(values)
            self._repeated = {}
        version = parser.get_http_version()
        one_host = "host" in headers or version == "1.0"
        if version not in _VERSIONS or not one_host or "host" in repeated:
            # llhttp lets these pass (a line without a version as HTTP/0.9), Go's server does not.
            raise BadHead
        path, query = split_url(self._url)
        body = None
        if "content-length" in headers or "transfer-encoding" in headers:
            body = Body(self._body_wanted)
        request = Request(
            parser.get_method().decode("ascii"),
            path,
            query,
            headers,
            body,
            self._certificate,
            self._source,
        )
        request.modern = version == "1.1"
        request.keep_alive = request.modern and parser.should_keep_alive()
        if parser.should_upgrade():
            # Whatever is asked for, the parser ends with this request, and so the connection does.
            request.keep_alive = False
            request.websocket = request.modern and wants_websocket(request.method, headers)
            self._upgrading = request if request.websocket else None
        self._request = request
        if self._task is None:
            self._start(request)
        else:
            # A pipelined request waits for its turn.
            self._waiting.append(request)
            self._pause()

    def on_body(self, body: bytes) -> None:
        self._loose = 0
        request = self._request
        if request is None or request.incoming is None:
            return
        incoming = request.incoming
        incoming.feed(body)
        if request.answered:
            if incoming.size > MAX_UNREAD:
                self._transport.close()
        elif incoming.size > _PAUSE_AT and not incoming.reading:
            self._pause()

    def on_message_complete(self) -> None:
        self._loose = 0
        request, self._request = self._request, None
        if request is not None:
            request.complete = True
            if request.incoming is not None:
                request.incoming.end()

    # --- what goes ---

    def _start(self, request: Request) -> None:
        self.deadline = inf
        exchange = self._exchange
        exchange.request = request
        self._task = self._loop.create_task(self._site.app.serve(request, exchange))

    def answered(self, request: Request) -> None:
        """The answer has been written: close, or go on to the next request."""
        self._task = None
        request.answered = True
        transport = self._transport
        if transport.is_closing():
            return
        if not request.keep_alive or self._site.stopping:
            transport.close()
            return
        if request.incoming is not None and not request.complete:
            request.incoming.discard()
        if request.rest is None or self._refused:
            self._go_on()
        else:
            self._pause()
            request.rest(self._go_on)

    def _go_on(self) -> None:
        """Serve what waits, or wait for more."""
        if self._transport.is_closing() or self._task is not None:
            return
        if self._waiting:
            self._start(self._waiting.popleft())
            return
        if self._refused:
            self._hang_up(plain_answer(self._refusal))
            return
        waits = self._within_head or self._request is not None
        self.deadline = self._loop.time() + (HEADER_TIMEOUT if waits else IDLE_TIMEOUT)
        if self._reading_paused:
            self._resume()

    def abandoned(self) -> None:
        """The request under way did not come whole: hang up, after a word if nobody has yet."""
        self._task = None
        self._waiting.clear()
        self._hang_up(plain_answer(self._refusal))

    def pause_writing(self) -> None:
        self._exchange.pause()
        if self._tunnel:
            # Each ping is answered: who sends them and reads nothing would fill the memory.
            self._pause()

    def resume_writing(self) -> None:
        self._exchange.resume()
        if self._tunnel:
            self._resume()

    def stop(self) -> None:
        """Close now, or after the answer under way."""
        if self._task is None:
            self._transport.close()
        else:
            self._exchange.request.keep_alive = False

    def expire(self) -> None:
        """Hang up: the deadline has passed."""
        self.deadline = inf
        if not self._transport.is_closing():
            self._transport.close()

    def abort(self) -> None:
        """Hang up at once; a request under way is broken off."""
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()

    def _refuse(self, code: int) -> None:
        """Answer what is no request, after the answers before it, and hang up."""
        self._refused, self._refusal = True, code
        self._pause()
        if self._request is not None:
            # The end of a request under way: it has its own answer, and no second one.
            self._request.keep_alive = False
            if self._request.incoming is not None:
                self._request.incoming.break_off()
        if self._task is None:
            self._hang_up(b"" if self._request is not None else plain_answer(code))

    def _hang_up(self, last: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(last)
            self._transport.close()

    def _upgrade(self, rest: bytes) -> None:
        """The parser has stopped: what follows is a WebSocket's, or nobody's."""
        if self._upgrading is None or self._waiting:
            # One that waits behind others is answered as if it had not asked.
            self._refused = True
            if self._upgrading is not None:
                self._upgrading.websocket = False
            return
        self._tunnel = True
        self._exchange.feed_socket(rest)

    def _body_wanted(self) -> None:
        """Somebody waits for the body: let it come, and say so to a client that asked first."""
        request = self._exchange.request
        if self._transport.is_closing():
            return
        expects = request.headers.get("expect", "").lower() == "100-continue"
        if (
            expects
            and request.modern
            and request.incoming is not None
            and not request.incoming.size
        ):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._resume()

    def _pause(self) -> None:
        if not self._reading_paused and not self._transport.is_closing():
            self._reading_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._reading_paused and not self._refused and not self._transport.is_closing():
            self._reading_paused = False
            self._transport.resume_reading()


def split_url(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request's URL, undecoded; whoever parses the path judges it."""
    if not url.startswith(b"/"):
        try:
            parsed = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError:
            return url, b""
        return parsed.path or b"", parsed.query or b""
    if b"#" in url:
        url = url[: url.index(b"#")]
    path, _, query = url.partition(b"?")
    return path, query


_NAMES = {
    form: name
    for name in (
        "accept",
        "accept-encoding",
        "audit-id",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "kubectl-command",
        "kubectl-session",
        "user-agent",
    )
    for form in (name.encode(), name.title().encode())
}
"""Names as clients write them: looked up for less than what lowering them costs."""
