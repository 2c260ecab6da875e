"""Forgets what was, on request, and has it leave the files of the store: ``strongroom compact``."""

from __future__ import annotations

import msgspec

from strongroom.api.compaction import Compacted, File
from strongroom.api.errors import internal_error
from strongroom.server.reply import Reply
from strongroom.server.request import Request
from strongroom.server.urls import Target
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.errors import StoreError


class Compaction:
    """Answers at ``compaction.PATH``. The rights are those of that path: administrators have them.

    Whoever goes on from an older revision is told with 410 to list anew, as after any compaction.
    """

    def __init__(self, store: EncryptedStore) -> None:
        self._store = store

    async def serve(self, request: Request, target: Target) -> Reply:
        """Compact and wipe; answers when it is done.

        Raises StatusError, which says what the store says: a disk may be too full for it.
        """
        try:
            revision = await self._store.revision()
            wiped = await self._store.wipe()
        except StoreError as error:
            raise internal_error(str(error)) from error
        files = [File(one.where, one.before, one.after) for one in wiped]
        return Reply(msgspec.json.encode(Compacted(revision, files)))
