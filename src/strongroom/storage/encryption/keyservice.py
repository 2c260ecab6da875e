"""What holds the key-encryption key: the shape of upstream's KMS v2 service (kms/apis/v2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key as the key service encrypted it: what is needed to have it decrypted again.

    `ciphertext` and `key_id` hold up to 1 KiB each, `annotations` (names like
    `version.example.com`) 32 KiB in all: upstream's limits. None of it is secret.
    """

    ciphertext: bytes
    key_id: str
    annotations: Mapping[str, bytes] = field(default_factory=dict)


class KeyService(Protocol):
    """Encrypts and decrypts keys with a key that never leaves it.

    Methods may block for a call over the network, may be called from any thread, and raise
    `KeyServiceError`; `decrypt` raises `DecryptionFailed` for what this service cannot have
    encrypted.
    """

    @property
    def quick(self) -> bool:
        """Whether it is in this process and never lets anybody wait."""
        ...

    def status(self) -> str:
        """The id of the key that `encrypt` uses now; another id means that it was rotated."""
        ...

    def encrypt(self, plaintext: bytes) -> Wrapped:
        """Wrap a key."""
        ...

    def decrypt(self, wrapped: Wrapped) -> bytes:
        """Unwrap a key."""
        ...
