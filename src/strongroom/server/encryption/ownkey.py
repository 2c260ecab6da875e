"""Our own key-encryption key while the server runs: its file may get a new one at any time."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime

from strongroom.server.encryption.file_source import FileSource
from strongroom.server.reloading import Reloading
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.kms import KMSTransformer

KMS_NAME = "strongroom"
"""The provider's name in what is stored."""


class OwnKey:
    """The keys of a file, and what encrypts with the first of them."""

    def __init__(self, ring: KeyRing, source: FileSource) -> None:
        self.ring, self.source = ring, source
        self.transformer = KMSTransformer(KMS_NAME, ring)
        self._file = Reloading([ring.path], self._follow, what="key-encryption keys")

    def __repr__(self) -> str:
        return f"OwnKey({self.ring.status()!r})"

    def begin(self, stack: contextlib.AsyncExitStack) -> None:
        """Follow the file until ``stack`` ends it: another process may rotate the key."""
        self._file.begin(stack)

    def rotate(self) -> str:
        """Make a new key and encrypt with it from now on; its id. Raises KeyServiceError."""
        made = self.ring.rotate()
        self.transformer.refresh()
        return made

    def age(self, now: datetime) -> float:
        """Seconds since the file was changed. Raises OSError."""
        return now.timestamp() - self.ring.path.stat().st_mtime

    async def _follow(self) -> None:
        # A file under another passphrase than before takes a while to open.
        await asyncio.to_thread(self.ring.reload)
        self.transformer.refresh()
