"""A key of Google Cloud KMS, which never leaves it, by Google's own client (the extra ``gcp``).

Google says with each ciphertext which version of the key made it, and finds that version again by
itself. Checksums go both ways, so that what a broken machine on the way changed is not taken.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from strongroom.storage.encryption.remote import PURPOSE, needs_extra, other_key, proven, quieten

NAME: Final = re.compile(
    r"projects/[\w:.-]+/locations/[\w-]+/keyRings/[\w-]{1,63}/cryptoKeys/[\w-]{1,63}"
)
"""What a key is called."""

_PREFIX: Final = "gcpkms:"
_VERSION: Final = re.compile(r"/cryptoKeyVersions/[1-9]\d{0,9}")
_MEANS: Final = {
    400: "the version that encrypts is disabled or destroyed, or it is no key that encrypts",
    401: "our credentials are not taken",
    403: "that is denied to us",
    404: "there is no such key",
    429: "its quota is used up",
}


@dataclass(frozen=True, slots=True)
class GcpKey:
    """A key by its name; ``endpoint`` is empty for Google's own; ``timeout`` in seconds."""

    name: str
    endpoint: str = ""
    timeout: float = 10.0


class GcpKms:
    """A `KeyService` that asks Google. Raises KeyServiceError where its client is missing."""

    def __init__(self, key: GcpKey) -> None:
        with needs_extra("gcp", "a key of Google Cloud KMS"):
            import google.cloud.kms_v1 as _kms  # noqa: F401 - found missing now, not later
            import google_crc32c
        self._checksum = google_crc32c.value
        quieten("google", "urllib3")
        self._key = key
        self._lock = threading.Lock()
        self._client: Any = None

    def __repr__(self) -> str:
        return f"GcpKms({self._key.name!r})"

    @property
    def quick(self) -> bool:
        """It is another machine."""
        return False

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            client, self._client = self._client, None
            if client is not None:
                client.transport.close()

    def status(self) -> str:
        return proven(self, self._where)

    def encrypt(self, plaintext: bytes) -> Wrapped:
        answer = self._ask(
            "encrypt",
            {
                "plaintext": plaintext,
                "plaintext_crc32c": self._checksum(plaintext),
            },
        )
        whole = (
            answer.verified_plaintext_crc32c
            and answer.verified_additional_authenticated_data_crc32c
            and answer.ciphertext_crc32c == self._checksum(answer.ciphertext)
        )
        if not whole:
            raise KeyServiceError(f"{self._where}: a checksum is wrong: something on the way is")
        if not self._is_ours(answer.name):
            raise KeyServiceError(f"{self._where} answers encrypt in a form that nobody knows")
        return Wrapped(answer.ciphertext, _PREFIX + answer.name)

    def decrypt(self, wrapped: Wrapped) -> bytes:
        if not self._is_ours(wrapped.key_id.removeprefix(_PREFIX)):
            raise other_key(wrapped, f"{_PREFIX}{self._key.name}/…")
        try:
            answer = self._ask(
                "decrypt",
                {
                    "ciphertext": wrapped.ciphertext,
                    "ciphertext_crc32c": self._checksum(wrapped.ciphertext),
                },
            )
        except _Refused:
            raise DecryptionFailed(
                f"{self._where} does not decrypt what was encrypted with {wrapped.key_id!r} "
                "(HTTP 400): it is damaged, or that version is disabled or destroyed"
            ) from None
        if answer.plaintext_crc32c != self._checksum(answer.plaintext):
            raise KeyServiceError(f"{self._where}: a checksum is wrong: something on the way is")
        return bytes(answer.plaintext)

    @property
    def _where(self) -> str:
        return f"Google Cloud KMS, {self._key.name}"

    def _is_ours(self, version: str) -> bool:
        rest = version.removeprefix(self._key.name)
        return rest != version and _VERSION.fullmatch(rest) is not None

    def _ask(self, verb: str, asked: dict[str, Any]) -> Any:
        from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        request = asked | {
            "name": self._key.name,
            "additional_authenticated_data": PURPOSE,
            "additional_authenticated_data_crc32c": self._checksum(PURPOSE),
        }
        try:
            call = getattr(self._connected(), verb)
            return call(request=request, timeout=self._key.timeout, retry=None)
        except GoogleAPICallError as error:
            code = int(error.code or 0)
            if code == 400 and verb == "decrypt":
                raise _Refused from None
            means = f"{_MEANS[code]} (HTTP {code})" if code in _MEANS else f"HTTP {code}"
            raise KeyServiceError(f"{self._where}: {verb}: {means}") from None
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            # Without its text, which may hold what was sent.
            raise KeyServiceError(
                f"{self._where} cannot be asked: {_trouble(type(error).__name__)}"
            ) from None

    def _connected(self) -> Any:
        """The client, made at the first question: it finds credentials, which may ask somebody."""
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Any:
        from google.api_core.client_options import ClientOptions
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.kms_v1 import KeyManagementServiceClient
        from google.cloud.kms_v1.services.key_management_service import transports

        where = urlsplit(self._key.endpoint)
        if where.scheme == "http":
            # Whoever listens on loopback is told no credentials: it is a stand-in.
            return KeyManagementServiceClient(
                transport=transports.KeyManagementServiceRestTransport(
                    host=where.netloc, url_scheme="http", credentials=AnonymousCredentials()
                )
            )
        # REST and not gRPC, whose threads would not outlive a fork, and whose proxies are its own.
        return KeyManagementServiceClient(
            transport="rest", client_options=ClientOptions(api_endpoint=where.netloc or None)
        )


class _Refused(Exception):
    """Google does not decrypt it."""


def _trouble(kind: str) -> str:
    told = {
        "DefaultCredentialsError": "no credentials are found",
        "RefreshError": "our credentials cannot be renewed",
        "TransportError": "whoever gives credentials cannot be reached",
        "ConnectionError": "it cannot be reached",
        "ConnectTimeout": "it has not answered in time",
        "ReadTimeout": "it has not answered in time",
        "SSLError": "it is not trusted",
    }
    return f"{told[kind]} ({kind})" if kind in told else kind
