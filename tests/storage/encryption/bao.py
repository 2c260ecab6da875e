"""A real OpenBao, with TLS, for the tests of keys that it holds."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.parts import require_part
from tests.waiting import eventually

POLICY = """
path "transit/encrypt/strongroom" { capabilities = ["update"] }
path "transit/decrypt/strongroom" { capabilities = ["update"] }
"""
"""All that the server needs. It cannot even read what the key is."""


class Bao:
    """The process, and what an administrator does there."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"https://{self.address}"
        self.directory = directory
        self.ca = directory / "vault-ca.pem"
        argv = [str(require_part("bao")), "server", "-dev", "-dev-no-store-token", "-dev-tls"]
        argv += [f"-dev-listen-address={self.address}", "-dev-root-token-id=root"]
        argv += [f"-dev-tls-cert-dir={directory}"]
        environment = {**os.environ, "HOME": str(directory)}
        with (directory / "bao.log").open("wb") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, env=environment)
        try:
            eventually(self._answers)
            self.ask("sys/mounts/transit", {"type": "transit"})
            self.ask("transit/keys/strongroom", {})
            self.ask("sys/policies/acl/strongroom", {"policy": POLICY})
        except BaseException:
            self.stop()
            raise

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str = "") -> Any:
        """Ask as the administrator."""
        request = urllib.request.Request(  # noqa: S310 - of this very server
            f"{self.url}/v1/{path}",
            None if body is None else json.dumps(body).encode(),
            {"X-Vault-Token": "root"},
            method=method or None,
        )
        trust = ssl.create_default_context(cafile=self.ca)
        with urllib.request.urlopen(request, context=trust) as answer:  # noqa: S310 - as above
            return json.loads(answer.read() or b"null")

    def rotate(self) -> None:
        """A new version of the key."""
        self.ask("transit/keys/strongroom/rotate", {})

    def token_file(self, *policies: str, name: str = "token") -> Path:
        """A file with a token that has these policies."""
        made = self.ask("auth/token/create", {"policies": list(policies)})
        return self.private(name, made["auth"]["client_token"])

    def private(self, name: str, content: str) -> Path:
        """A file that nobody else reads."""
        path = self.directory / name
        path.touch(0o600)
        path.write_text(content + "\n")
        return path

    def uri(self, token: Path, key: str = "strongroom", more: str = "") -> str:
        """A key here as the settings name it, without ``vault:``."""
        return f"{self.url}/transit/keys/{key}?ca-file={self.ca}&token-file={token}{more}"

    def pause(self) -> None:
        """Have it hang."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it answer again."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait(timeout=60)

    def _answers(self) -> bool:
        assert self._process.poll() is None
        with contextlib.suppress(OSError, urllib.error.URLError):
            self.ask("sys/health")
            return True
        return False
