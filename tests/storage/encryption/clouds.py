"""Stand-ins for key services of clouds, which the makers' own clients ask: processes that emulate
AWS and Google, and HTTP servers of our own for what those emulators do not show (versions of keys,
and everything of Azure)."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.etcd import free_port
from tests.parts import require_part

Answer = tuple[int, dict[str, Any], dict[str, str]]
"""The code, the JSON body, and headers of an answer."""


@contextlib.contextmanager
def ministack(directory: Path) -> Iterator[str]:
    """AWS, at an address."""
    port = free_port()
    environment = {
        **os.environ,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(directory),
    }
    with _running([str(require_part("ministack"))], directory / "ministack.log", environment):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def drongo(directory: Path) -> Iterator[str]:
    """Google Cloud, at an address."""
    port = free_port()
    argv = [str(require_part("drongo")), "server", "--host", "127.0.0.1", "--port", str(port)]
    with _running(argv, directory / "drongo.log", dict(os.environ)):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _running(argv: list[str], log: Path, environment: dict[str, str]) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(argv, stdout=file, stderr=file, env=environment)
    try:
        yield
    finally:
        process.kill()
        process.wait(timeout=60)


class Site:
    """An HTTP server in a thread, which ``answer`` (method, path, body, headers) answers for."""

    def __init__(self, answer: Callable[[str, str, Any, Any], Answer], context: Any = None) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                code, body, headers = answer(self.command, self.path, content, self.headers)
                sent = json.dumps(body).encode()
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = handle_any

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - of the base
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """Hang up."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
