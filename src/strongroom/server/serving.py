"""The listening side: TLS, the socket, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence

from strongroom.server.protocol import Connection
from strongroom.server.site import Application, Site

HANDSHAKE_TIMEOUT = 10.0
SHUTDOWN_TIMEOUT = 2.0
"""Seconds a peer may take to begin, and to end, TLS politely."""

GRACE = 30.0
"""Seconds that requests under way have to finish when the server stops."""

BACKLOG = 2048
_SWEEP = 1.0


_CIPHERS = ("ECDHE+AESGCM", "ECDHE+CHACHA20")
"""Forward secret and authenticated: all that OpenSSL has of TLS 1.2 that is both."""

_OLDEST = {"VersionTLS12": ssl.TLSVersion.TLSv1_2, "VersionTLS13": ssl.TLSVersion.TLSv1_3}


def tls_context(oldest: str, ciphers: Sequence[str] | None = None) -> ssl.SSLContext:
    """How TLS is spoken, by anybody's certificates.

    A client certificate is optional, but one that is shown must verify. ``oldest`` is Go's name of
    a version, ``ciphers`` are OpenSSL's names of suites of TLS 1.2, None for the default.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _OLDEST[oldest]
    if ciphers is None or ciphers:
        # Level 2 keeps out short keys and SHA-1, in certificates too.
        context.set_ciphers("@SECLEVEL=2:" + ":".join(ciphers or _CIPHERS))
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_OPTIONAL
    # Whatever is in a bundle is believed, as Go does, also an authority that another has signed.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    # Tickets would let a client resume a session whose certificate has been replaced since.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    return context


def listen(bind: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError when the address is taken."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and bind == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((bind, port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


class Listener:
    """Serves an application on a listening socket."""

    def __init__(self, app: Application, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._site = Site(app)
        self._socket = sock
        self._context = context
        self._stopping = asyncio.Event()
        self.serving = asyncio.Event()

    def keep_apart(self, beginnings: tuple[str, ...]) -> None:
        """Tell repeated headers apart whose names (in lower case) begin so."""
        self._site.apart += beginnings

    async def serve(self) -> None:
        """Serve until ``stop``; returns when the last request has been answered."""
        close = await self._accept()
        self.serving.set()
        try:
            while not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _SWEEP)
                self._site.sweep()
        finally:
            close()
            await self._finish()

    async def _accept(self) -> Callable[[], None]:
        """Begin to accept connections; gives what ends that."""
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._site),
            sock=self._socket,
            ssl=self._context,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT,
            backlog=BACKLOG,
        )
        return server.close

    def stop(self) -> None:
        """Accept nothing more, let requests under way finish, then return from serving."""
        self._stopping.set()

    async def _finish(self) -> None:
        self._site.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._site.empty.wait(), GRACE)
        for connection in list(self._site.connections):
            connection.abort()


def base_url(sock: socket.socket, bind: str) -> str:
    """The URL under which clients on this host reach the socket."""
    port = sock.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(bind, bind)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"https://{host}:{port}"
