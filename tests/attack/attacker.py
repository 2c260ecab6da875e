"""A client that tidies nothing up: requests go out as the attacker wrote them."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TREASURE = "kX7-the-treasure-of-team-a-Qz"
"""What nobody here may learn."""

Headers = Sequence[tuple[str, str | bytes]]


@dataclass(frozen=True)
class Answer:
    """An answer as it came; code 0 is a connection that was closed without any."""

    code: int
    head: bytes
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def told(self) -> str:
        """The message of a Status."""
        return str(self.json["message"])


class Attacker:
    """Somebody with a certificate, a token, both or neither."""

    def __init__(self, port: int, context: ssl.SSLContext, token: str = "") -> None:
        self._port = port
        self._context = context
        self._headers: list[tuple[str, str | bytes]] = []
        self._kept: ssl.SSLSocket | None = None
        if token:
            self._headers.append(("Authorization", f"Bearer {token}"))

    def connect(self) -> ssl.SSLSocket:
        """A connection. Raises OSError."""
        plain = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        try:
            return self._context.wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise

    def ask(
        self, method: str, path: str, body: Any = None, headers: Headers = (), **options: Any
    ) -> Answer:
        """One request, on a connection that is kept while the server keeps it."""
        kept, self._kept = self._kept, None
        connection = kept or self.connect()
        sent = [*self._headers, *headers]
        answer = ask(connection, method, path, body, sent, **options)
        if not answer.code and kept is not None:
            # The server had hung up on what was kept, before it saw this.
            connection.close()
            connection = self.connect()
            answer = ask(connection, method, path, body, sent, **options)
        if answer.code and b"connection: close" not in answer.head.lower():
            self._kept = connection
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def raw(self, content: bytes) -> bytes:
        """All that comes back for these bytes until the server hangs up."""
        with self.connect() as connection:
            # The server may hang up before it has read all, and TLS 1.3 may tell it late.
            with contextlib.suppress(OSError):
                connection.sendall(content)
            return read_all(connection)

    def refused_by_tls(self) -> bool:
        """Whether TLS ends before any request is answered."""
        try:
            return self.ask("GET", "/version").code == 0
        except OSError:
            return True
        finally:
            self.close()

    def who(self, headers: Headers = ()) -> dict[str, Any]:
        """Whom the server takes this for; empty when it refuses."""
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        answer = self.ask("POST", path, {}, headers)
        return dict(answer.json["status"]["userInfo"]) if answer.code == 201 else {}


def ask(
    connection: ssl.SSLSocket,
    method: str,
    path: str,
    body: Any = None,
    headers: Headers = (),
    *,
    content_type: str = "application/json",
) -> Answer:
    """One request and its answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1".encode("latin-1"), b"Host: localhost"]
    for name, value in headers:
        text = value if isinstance(value, bytes) else value.encode()
        lines.append(name.encode() + b": " + text)
    if body is not None:
        lines += [b"Content-Type: " + content_type.encode(), b"Content-Length: %d" % len(content)]
    connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + (b"" if body is None else content))
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
        head = "".join(f"{k}: {v}\n" for k, v in response.getheaders()).encode("latin-1")
        return Answer(response.status, head, response.read())
    except http.client.RemoteDisconnected:
        return Answer(0, b"", b"")


def read_all(connection: ssl.SSLSocket) -> bytes:
    """What comes until the server hangs up."""
    found = b""
    with contextlib.suppress(OSError):
        while piece := connection.recv(65536):
            found += piece
    return found


def codes(answers: bytes) -> list[int]:
    """The codes of the answers in what came back."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]
