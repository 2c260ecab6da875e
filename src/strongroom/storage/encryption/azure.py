"""A key of Azure Key Vault or a managed HSM, by Microsoft's own client (the extra ``azure``).

Seeds are wrapped with RSA-OAEP-256, or in a managed HSM with an AES key (A256KW), always there:
Microsoft's CryptographyClient is not used, since it wraps here where it can, and for an AES key
that is not to be read it takes a random one, which nobody has afterwards.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from strongroom.storage.encryption.remote import LOOPBACK, needs_extra, other_key, proven, quieten

_T = TypeVar("_T")

NAME: Final = re.compile(r"[0-9A-Za-z-]{1,127}")
"""What keys are called."""

VERSION: Final = re.compile(r"[0-9A-Za-z]{1,64}")
"""What their versions are called."""

RSA, AES = "RSA-OAEP-256", "A256KW"

_API: Final = "7.4"
_PREFIX: Final = "azurekms:"
_MEANS: Final = {
    400: "the key is not for the algorithm",
    401: "our credentials are not taken",
    403: "that is denied to us, or the key is disabled or expired",
    404: "there is no such key",
    409: "the key is deleted, or about to be",
    429: "it is asked too often",
}


@dataclass(frozen=True, slots=True)
class AzureKey:
    """A key by the vault's host, its name and, if one version is meant, that. Timeout in seconds.

    ``discovery`` is off where the authority is not one of Microsoft's (Azure Stack).
    """

    vault: str
    name: str
    version: str = ""
    algorithm: str = RSA
    timeout: float = 10.0
    discovery: bool = True

    @property
    def url(self) -> str:
        """The vault's address."""
        return f"https://{self.vault}"

    def id(self, version: str) -> str:
        """What a version is called in what is stored."""
        return f"{_PREFIX}{self.vault}/keys/{self.name}/{version}"


class AzureKeys:
    """A `KeyService` that asks Azure. Raises KeyServiceError where its client is missing."""

    def __init__(self, key: AzureKey) -> None:
        with needs_extra("azure", "a key of Azure Key Vault"):
            import azure.identity
            import azure.keyvault.keys as _keys  # noqa: F401 - found missing now, not later
        quieten("azure", "msal", "urllib3")
        self._key = key
        self._lock = threading.Lock()
        self._credential = azure.identity.DefaultAzureCredential(
            disable_instance_discovery=not key.discovery
        )
        self._settings = {
            "connection_timeout": key.timeout,
            "read_timeout": key.timeout,
            "retry_total": 1,
            # What a vault says of who gives tokens for it has to name its own domain, which one on
            # loopback has not.
            "verify_challenge_resource": urlsplit(key.url).hostname not in LOOPBACK,
        }

    def __repr__(self) -> str:
        return f"AzureKeys({self._key.vault!r}, {self._key.name!r})"

    @property
    def quick(self) -> bool:
        """It is another machine."""
        return False

    def close(self) -> None:
        """Each question has a connection of its own."""

    def status(self) -> str:
        return proven(self, self._where)

    def encrypt(self, plaintext: bytes) -> Wrapped:
        found = self._ask("encrypt", self._current)
        version = found.properties.version or ""
        if not VERSION.fullmatch(version):
            raise KeyServiceError(f"{self._where} answers in a form that nobody knows")
        if not found.properties.enabled:
            raise KeyServiceError(f"{self._where}: the key is disabled")
        sealed = self._ask("encrypt", lambda: self._with(version, "wrapkey", plaintext))
        return Wrapped(sealed, self._key.id(version))

    def decrypt(self, wrapped: Wrapped) -> bytes:
        version = wrapped.key_id.removeprefix(self._key.id(""))
        if version == wrapped.key_id or not VERSION.fullmatch(version):
            raise other_key(wrapped, self._key.id("…"))
        try:
            return self._ask(
                "decrypt", lambda: self._with(version, "unwrapkey", wrapped.ciphertext)
            )
        except _Refused:
            raise DecryptionFailed(
                f"{self._where} does not decrypt what was encrypted with {wrapped.key_id!r} "
                "(HTTP 400): it is damaged"
            ) from None

    @property
    def _where(self) -> str:
        return f"Azure Key Vault {self._key.vault}, key {self._key.name}"

    def _current(self) -> Any:
        """The version that encrypts: the newest, unless one is named."""
        from azure.keyvault.keys import KeyClient

        with KeyClient(self._key.url, self._credential, **self._settings) as client:
            return client.get_key(self._key.name, self._key.version or None)

    def _with(self, version: str, verb: str, content: bytes) -> bytes:
        from azure.core.rest import HttpRequest
        from azure.keyvault.keys import KeyClient

        address = f"{self._key.url}/keys/{self._key.name}/{version}"
        sent = {"alg": self._key.algorithm, "value": _coded(content)}
        request = HttpRequest("POST", f"{address}/{verb}?api-version={_API}", json=sent)
        with KeyClient(self._key.url, self._credential, **self._settings) as client:
            answer = client.send_request(request)
            answer.raise_for_status()
            found = answer.json()
            if found["kid"] != address:
                raise KeyError("kid")
            return _decoded(found["value"])

    def _ask(self, verb: str, call: Callable[[], _T]) -> _T:
        from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

        try:
            # One at a time: the credential's cache of tokens is then asked by one.
            with self._lock:
                return call()
        except ClientAuthenticationError:
            raise KeyServiceError(
                f"{self._where} cannot be asked: no credentials are found, or they are not taken"
            ) from None
        except HttpResponseError as error:
            code = int(error.status_code or 0)
            if code == 400 and verb == "decrypt":
                raise _Refused from None
            means = f"{_MEANS[code]} (HTTP {code})" if code in _MEANS else f"HTTP {code}"
            raise KeyServiceError(f"{self._where}: {verb}: {means}") from None
        except AzureError as error:
            # Without its text, which may hold what was sent.
            raise KeyServiceError(
                f"{self._where} cannot be asked: {_trouble(type(error).__name__)}"
            ) from None
        except (KeyError, TypeError, ValueError):
            raise KeyServiceError(
                f"{self._where} answers {verb} in a form that nobody knows"
            ) from None


class _Refused(Exception):
    """The vault does not unwrap it."""


def _coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _trouble(kind: str) -> str:
    told = {
        "ServiceRequestError": "it cannot be reached or is not trusted",
        "ServiceResponseError": "it has not answered",
        "ServiceRequestTimeoutError": "it has not answered in time",
        "ServiceResponseTimeoutError": "it has not answered in time",
    }
    return f"{told[kind]} ({kind})" if kind in told else kind
