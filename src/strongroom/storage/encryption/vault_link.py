"""Questions to Vault over HTTPS, and what its answers mean."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from strongroom.storage.encryption.port import KeyServiceError

_MOST = 1 << 20
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Refused(Exception):
    """Vault understood the question and does not do what is asked (400, 404, 405)."""

    holds_no_payload: ClassVar = True

    def __init__(self, code: int) -> None:
        super().__init__(f"HTTP {code}")
        self.code = code


class Denied(Refused):
    """The token does not allow it, or is none any more (403)."""


@dataclass(frozen=True, slots=True)
class VaultLink:
    """Where Vault is, and how it is trusted. ``timeout`` is in seconds, for each step."""

    address: str
    namespace: str = ""
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    timeout: float = 10.0

    def __post_init__(self) -> None:
        """Raises ValueError for an address that keys are not to be sent to."""
        parts = urlsplit(self.address)
        wrong = bool(parts.path or parts.query or parts.fragment or parts.username)
        plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if wrong or not parts.hostname or not (plain or parts.scheme == "https"):
            raise ValueError("the address of Vault is https://HOST[:PORT], http on loopback only")
        _ = parts.port

    def ask(
        self, method: str, path: str, body: dict[str, str] | None = None, token: str = ""
    ) -> dict[str, Any]:
        """The answer. Raises Refused, and KeyServiceError where there is none."""
        try:
            code, content = self._exchange(method, path, body, token)
        except TimeoutError:
            raise self._trouble(f"has not answered within {self.timeout:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise self._trouble(f"is not trusted: {error.verify_message}") from None
        except (OSError, http.client.HTTPException) as error:
            told = getattr(error, "strerror", None) or type(error).__name__
            raise self._trouble(f"cannot be asked: {told}") from None
        if code == 403:
            raise Denied(code)
        if code in (400, 404, 405):
            raise Refused(code)
        if code == 503:
            raise self._trouble("is sealed, or not ready (HTTP 503)")
        if code != 200:
            raise self._trouble(f"answers with HTTP {code}")
        return self._read(content)

    def _exchange(
        self, method: str, path: str, body: dict[str, str] | None, token: str
    ) -> tuple[int, bytes]:
        connection = self._connection()
        headers = {"X-Vault-Request": "true"}
        headers |= {"X-Vault-Token": token} if token else {}
        headers |= {"X-Vault-Namespace": self.namespace} if self.namespace else {}
        sent = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, f"/v1/{quote(path)}", sent, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(_MOST)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        host = str(parts.hostname)
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, parts.port, timeout=self.timeout)
        # Made anew each time: certificates and bundles are followed so.
        trust = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            trust.load_cert_chain(self.cert_file, self.key_file)
        return http.client.HTTPSConnection(host, parts.port, timeout=self.timeout, context=trust)

    def _read(self, content: bytes) -> dict[str, Any]:
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            # Without the cause, which would hold the answer.
            raise self._trouble("answers with what is no JSON object")
        return found

    def _trouble(self, what: str) -> KeyServiceError:
        return KeyServiceError(f"Vault at {self.address} {what}")
