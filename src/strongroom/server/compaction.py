"""Forgets what was, on request, and has it leave the files of the store: ``strongroom compact``."""

from __future__ import annotations

import msgspec

from strongroom.api.compaction import Compacted, File
from strongroom.server.reply import Reply
from strongroom.server.request import Request
from strongroom.server.urls import Target
from strongroom.storage.encrypted import EncryptedStore


class Compaction:
    """Answers at ``compaction.PATH``. The rights are those of that path: administrators have them.

    Whoever goes on from an older revision is told with 410 to list anew, as after any compaction.
    """

    def __init__(self, store: EncryptedStore) -> None:
        self._store = store

    async def serve(self, request: Request, target: Target) -> Reply:
        """Compact and wipe; answers when it is done. Raises StoreError."""
        revision = await self._store.revision()
        files = [File(one.where, one.before, one.after) for one in await self._store.wipe()]
        return Reply(msgspec.json.encode(Compacted(revision, files)))
