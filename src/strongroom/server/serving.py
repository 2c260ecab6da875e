"""The listening side: TLS, uvicorn's server without its own signals, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from strongroom.server.protocol import Protocol

IDLE_TIMEOUT = 90
"""Seconds a kept-alive connection may be idle; upstream's IdleTimeout."""

HANDSHAKE_TIMEOUT = 10.0
SHUTDOWN_TIMEOUT = 2.0
"""Seconds a peer may take to begin, and to end, TLS politely."""

GRACE = 30
"""Seconds that requests under way have to finish when the server stops."""


def tls_context(certificate: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer; a client certificate is optional, but one that is shown must verify."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_OPTIONAL
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
        sock.listen(2048)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


class Listener(uvicorn.Server):
    """uvicorn's server on one TLS socket. ``stop()`` ends it; ``run_until_stopped()`` serves."""

    def __init__(self, app: Any, sock: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=IDLE_TIMEOUT,
                timeout_graceful_shutdown=GRACE,
                backlog=2048,
            )
        )
        self._socket = sock
        self._context = context
        self.serving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the composition root's: it has to tell the watches before the listener."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen with limits on TLS's own time, which uvicorn leaves at half a minute."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Protocol(self.config, self.server_state, {}),
            sock=self._socket,
            ssl=self._context,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT,
            backlog=self.config.backlog,
        )
        self.servers = [server]
        self.started = True
        self.serving.set()

    def stop(self) -> None:
        """Accept nothing more, let requests under way finish, then return from serving."""
        self.should_exit = True


def base_url(sock: socket.socket, bind: str) -> str:
    """The URL under which clients on this host reach the socket."""
    port = sock.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(bind, bind)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"https://{host}:{port}"
