"""Clients of KMS plugins on a unix socket (``k8s.io/kms/apis/v2`` and ``v1beta1``, over gRPC).

What a plugin says of a failure is not told on, but for its code: it has seen what it was asked to
encrypt. gRPC is loaded with the first plugin.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from strongroom.storage.encryption import wire
from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.port import KeyServiceError

if TYPE_CHECKING:
    import grpc

V2, V1 = "/v2.KeyManagementService/", "/v1beta1.KeyManagementService/"
HEALTHY = "ok"

_VERSIONS = ("v2", "v2beta1")
_V1_VERSION = "v1beta1"
_V1 = wire.field(1, _V1_VERSION.encode())
_MAX_TOLD = 256

T = TypeVar("T")


class Plugin:
    """The connection to a plugin, which is made with the first question and again when lost."""

    def __init__(self, endpoint: str, timeout: float) -> None:
        self._endpoint, self._timeout = endpoint, timeout
        self._channel: grpc.Channel | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint!r})"

    @property
    def quick(self) -> bool:
        """It is another process."""
        return False

    def close(self) -> None:
        """Hang up. What is under way fails."""
        if self._channel is not None:
            self._channel.close()

    def _ask(self, method: str, question: bytes, read: Callable[[wire.Fields], T]) -> T:
        import grpc

        call: Callable[..., bytes] = self._connection().unary_unary(method)
        try:
            answer = call(question, timeout=self._timeout, wait_for_ready=True)
            return read(wire.read(answer))
        except grpc.RpcError as error:
            raise KeyServiceError(self._told(error)) from None
        except wire.WireError as error:
            raise KeyServiceError(
                f"the answer of the KMS plugin at {self._endpoint} {error}"
            ) from None

    def _connection(self) -> grpc.Channel:
        if self._channel is None:
            # Its own log, on standard error, is in a form that nobody asked for.
            os.environ.setdefault("GRPC_VERBOSITY", "NONE")
            import grpc

            self._channel = grpc.insecure_channel(
                address(self._endpoint), options=[("grpc.default_authority", "localhost")]
            )
        return self._channel

    def _told(self, error: grpc.RpcError) -> str:
        code = error.code().name if hasattr(error, "code") else "UNKNOWN"
        if code == "DEADLINE_EXCEEDED":
            return f"the KMS plugin at {self._endpoint} has not answered within {self._timeout:g} s"
        return f"the KMS plugin at {self._endpoint} answers with {code}"


class PluginV2(Plugin):
    """A `KeyService` that is a KMS v2 plugin. Every method may take `timeout` seconds."""

    def status(self) -> str:
        answer = self._ask(f"{V2}Status", b"", lambda f: (f.text(1), f.text(2), f.text(3)))
        version, health, key_id = answer
        if health != HEALTHY:
            raise KeyServiceError(
                f"the KMS plugin at {self._endpoint} is not healthy: {health[:_MAX_TOLD]!r}"
            )
        if version not in _VERSIONS:
            raise KeyServiceError(
                f"the KMS plugin at {self._endpoint} speaks version {version[:_MAX_TOLD]!r}, not v2"
            )
        if not key_id:
            raise KeyServiceError(f"the KMS plugin at {self._endpoint} does not name its key")
        return key_id

    def encrypt(self, plaintext: bytes) -> Wrapped:
        question = wire.field(1, plaintext) + wire.field(2, str(uuid4()).encode())
        return self._ask(
            f"{V2}Encrypt", question, lambda f: Wrapped(f.data(1), f.text(2), f.map(3))
        )

    def decrypt(self, wrapped: Wrapped) -> bytes:
        question = (
            wire.field(1, wrapped.ciphertext)
            + wire.field(2, str(uuid4()).encode())
            + wire.field(3, wrapped.key_id.encode())
            + wire.map_field(4, wrapped.annotations)
        )
        return self._ask(f"{V2}Decrypt", question, lambda f: f.data(1))


class PluginV1(Plugin):
    """A KMS v1 plugin."""

    def __init__(self, endpoint: str, timeout: float) -> None:
        super().__init__(endpoint, timeout)
        self._checked = False

    def check(self) -> None:
        """Have it encrypt and decrypt something, as upstream's health check. Raises as both."""
        if self.decrypt(self.encrypt(b"ping")) != b"ping":
            raise KeyServiceError(
                f"the KMS plugin at {self._endpoint} does not decrypt what it encrypted"
            )

    def encrypt(self, plain: bytes) -> bytes:
        """Wrap a data key. Raises KeyServiceError."""
        self._check_version()
        return self._ask(f"{V1}Encrypt", _V1 + wire.field(2, plain), lambda f: f.data(1))

    def decrypt(self, cipher: bytes) -> bytes:
        """Unwrap a data key. Raises KeyServiceError."""
        self._check_version()
        return self._ask(f"{V1}Decrypt", _V1 + wire.field(2, cipher), lambda f: f.data(1))

    def _check_version(self) -> None:
        if self._checked:
            return
        version = self._ask(f"{V1}Version", _V1, lambda f: f.text(1))
        if version != _V1_VERSION:
            raise KeyServiceError(
                f"KMS provider api version {version[:_MAX_TOLD]} is not supported, "
                f"only {_V1_VERSION} is supported now"
            )
        self._checked = True


def address(endpoint: str) -> str:
    """gRPC's name of a plugin's endpoint: ``unix:///PATH``, or ``unix:///@NAME`` for an abstract
    socket. Raises ValueError."""
    parts = urlsplit(endpoint)
    if parts.scheme != "unix":
        raise ValueError(
            f'unsupported scheme "{parts.scheme}" for KMS provider, only unix is supported'
        )
    if parts.path.startswith("/@"):
        return f"unix-abstract:{parts.path[2:]}"
    return f"unix:{parts.path}"
