"""Requests byte by byte, for what no well-behaved client would send."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from strongroom.client.config import load_config
from strongroom.client.tls import client_context


@dataclass(frozen=True)
class Answer:
    """An answer as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def warnings(self) -> list[str]:
        """The texts of the Warning headers."""
        return [value for name, value in self.headers if name.lower() == "warning"]

    def whole(self) -> bytes:
        """Everything that came, to search in."""
        return "".join(f"{n}: {v}\n" for n, v in self.headers).encode("latin-1") + self.body


class Wire:
    """Sends requests to one server as its administrator, each on a connection of its own."""

    def __init__(self, kubeconfig: Path) -> None:
        config = load_config(kubeconfig)
        url = urlsplit(config.server)
        self.host, self.port = str(url.hostname), int(url.port or 443)
        self.context: ssl.SSLContext = client_context(config)

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request. Bytes are sent as they are, anything else as JSON."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        connection = http.client.HTTPSConnection(
            self.host, self.port, context=self.context, timeout=30
        )
        try:
            connection.request(method, path, body=content, headers=sent)
            return _read(connection.getresponse())
        finally:
            connection.close()

    def raw(self, *parts: bytes) -> Answer:
        """Bytes as they are, then the answer to them."""
        with self.open() as stream:
            for part in parts:
                stream.write(part)
            return stream.answer()

    def open(self) -> Stream:
        """A connection."""
        plain = socket.create_connection((self.host, self.port), timeout=30)
        return Stream(self.context.wrap_socket(plain, server_hostname=self.host))


class Stream:
    """An open TLS connection to write half requests to."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self.socket = sock

    def write(self, content: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(content)

    def answer(self) -> Answer:
        """The answer that comes next."""
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        return _read(response)

    def cut(self) -> None:
        """Vanish without a word: the connection is reset instead of closed."""
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()


def _read(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, response.getheaders(), response.read())
