"""What a transformer and its errors are.

    EncryptionError
    ├── DecryptionFailed     stored bytes are damaged, moved to another key, or not for this key
    └── KeyServiceError      the key-encryption key cannot be used
        ├── KeyFileMissing
        ├── KeyFileUnsafe    others may read or replace the file
        ├── KeyFileDamaged
        ├── KeyFileSealed    under another seal than the one that it was named with
        └── PassphraseWrong

Messages never hold plaintext, keys, or a part of either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Protocol


class EncryptionError(Exception):
    """Anything that goes wrong between stored and plain bytes."""

    holds_no_payload: ClassVar = True


class DecryptionFailed(EncryptionError):
    """Stored bytes cannot be turned back; says why, without any of the bytes."""


class KeyServiceError(EncryptionError):
    """The key-encryption key cannot be used."""


class KeyFileMissing(KeyServiceError):
    """There is no key file at the given place."""


class KeyFileUnsafe(KeyServiceError):
    """Somebody else may read or replace the key file."""


class KeyFileDamaged(KeyServiceError):
    """The key file does not hold a whole key."""


class KeyFileSealed(KeyServiceError):
    """The key file is under another seal than the one that it was named with."""


class PassphraseWrong(KeyServiceError):
    """The passphrase does not open the key file."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A value read back; `stale` says that writing it again would store it differently."""

    value: bytes = field(repr=False)
    stale: bool


class Transformer(Protocol):
    """Turns values into what is stored, and back.

    `context` is the storage key: what was stored under one key does not read back under another,
    so nobody who can write to the database can pass one Secret's value off as another's.
    Failed verification raises `DecryptionFailed`, it never returns a flag or partial plaintext.
    Both methods are synchronous and fast for keys in use, may call a key service for others,
    and may be called from several threads at once.

    A key service that is asked over a socket may let one wait for seconds. `quick` says that there
    is none; else the two questions below tell, without asking it, when it would be asked, so that
    the caller can wait elsewhere than on an event loop.
    """

    @property
    def quick(self) -> bool:
        """Whether no method ever waits for a key service that is another process."""
        ...

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        """The bytes to store. Raises: `KeyServiceError`."""
        ...

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        """The value that was stored. Raises: `DecryptionFailed`, `KeyServiceError`."""
        ...

    def asks_to_read(self, value: bytes, *, context: bytes) -> bool:
        """Whether `from_storage` of this value would ask such a key service."""
        ...

    def asks_to_write(self, *, context: bytes) -> bool:
        """Whether `to_storage` would ask such a key service."""
        ...


class Quick:
    """The answers of a transformer that has its keys at hand."""

    @property
    def quick(self) -> bool:
        return True

    def asks_to_read(self, value: bytes, *, context: bytes) -> bool:
        return False

    def asks_to_write(self, *, context: bytes) -> bool:
        return False
