"""What lies around the keys of a key file: nothing, or a passphrase (``passphrase.py``)."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from strongroom.storage.encryption.port import KeyFileSealed

SEALED = "strongroom sealed keys, version 1"
"""The first line of a key file under a passphrase."""


class Seal(Protocol):
    """Opens what a key file holds, and closes what it is to hold."""

    def opened(self, path: Path, content: bytes) -> bytes:
        """The keys in the clear. ``path`` is for messages. Raises KeyServiceError."""
        ...

    def closed(self, keys: bytes) -> bytes:
        """What the file is to hold. Raises KeyServiceError."""
        ...


def is_sealed(content: bytes) -> bool:
    """Whether a key file's content is under a passphrase."""
    return content.startswith(f"{SEALED}\n".encode())


class InTheClear:
    """The file holds the keys themselves."""

    def opened(self, path: Path, content: bytes) -> bytes:
        if is_sealed(content):
            raise KeyFileSealed(
                f"the key file {path} is sealed under a passphrase: name it as passphrase:{path}"
            )
        return content

    def closed(self, keys: bytes) -> bytes:
        return keys


IN_THE_CLEAR: Final = InTheClear()
