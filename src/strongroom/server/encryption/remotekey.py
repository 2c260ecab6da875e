"""A key-encryption key that is held elsewhere while the server runs, and is asked for its id."""

from __future__ import annotations

import contextlib
import time

from strongroom.server.encryption.asking import LEASE, Asking
from strongroom.server.encryption.ownkey import KMS_NAME
from strongroom.server.encryption.remote_source import RemoteService, RemoteSource
from strongroom.server.maintenance import keep_doing
from strongroom.storage.encryption.kms import KMSTransformer

_TURN = 1.0


class RemoteKey:
    """What encrypts with such a key. It is asked at once: who cannot read at all is not to start.

    Raises KeyServiceError.
    """

    def __init__(self, service: RemoteService, source: RemoteSource) -> None:
        self.source, self._service = source, service
        self.transformer = KMSTransformer(KMS_NAME, service, lease=LEASE)
        self._asking = Asking([(KMS_NAME, self.transformer.refresh)], time.monotonic)
        self.transformer.refresh()

    def __repr__(self) -> str:
        return f"RemoteKey({self.transformer.key_id!r})"

    def begin(self, stack: contextlib.AsyncExitStack) -> None:
        """Follow the key until ``stack`` ends it: it is rotated where it is."""
        stack.callback(self._service.close)
        keep_doing(_TURN, self._asking.turn, stack)

    async def check(self) -> None:
        """The health check ``kms-providers``. Raises KeyServiceError when it is not well."""
        await self._asking.check()
