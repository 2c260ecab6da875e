"""What is usual, kept in the store: encrypted as everything there, in small parts."""

from __future__ import annotations

import logging

import msgspec

from strongroom.server.alerts.memory import Memory
from strongroom.storage.errors import KeyExists, RevisionConflict, UndecryptableList
from strongroom.storage.port import Store
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server.alerts")

PREFIX = "/strongroom/alerts/"
_SINCE = f"{PREFIX}since"
_PARTS = f"{PREFIX}known/"


class StoredMemory:
    """Reads and writes a memory, and since when each rule has been learning."""

    def __init__(self, store: Store, memory: Memory, since: dict[str, float]) -> None:
        self._store = store
        self._memory = memory
        self._since = since
        self._written: dict[str, float] = {}
        self._revisions: dict[str, int] = {}

    async def load(self) -> None:
        """Know what was written. Raises StoreError."""
        try:
            page = await self._store.list(PREFIX)
        except UndecryptableList as error:
            # What is usual is learned again; the server starts without it.
            log(logger, logging.ERROR, "what is usual cannot be read", error)
            page = error.page
            self._revisions = {one.key: one.mod_revision for one in error.failures}
        self._revisions |= {item.key: item.mod_revision for item in page.items}
        parts = []
        for item in page.items:
            if item.key.startswith(_PARTS):
                parts.append(item.value)
            elif item.key == _SINCE:
                self._read_since(item.value)
        self._memory.load(parts)

    async def save(self) -> None:
        """Write what has changed. Raises StoreError, which a later turn mends."""
        if self._since != self._written:
            told = dict(self._since)
            await self._put(_SINCE, msgspec.json.encode(told))
            self._written = told
        for part, content in self._memory.parts():
            try:
                await self._put(f"{_PARTS}{part:02}", content)
            except BaseException:
                self._memory.changed.add(part)
                raise

    def _read_since(self, content: bytes) -> None:
        try:
            found = msgspec.json.decode(content, type=dict[str, float])
        except msgspec.DecodeError as error:
            # To learn anew is right: what is usual may be as unreadable.
            log(logger, logging.ERROR, "since when alerts are learned cannot be read", error)
            return
        self._since.update(found)
        self._written = found

    async def _put(self, key: str, content: bytes) -> None:
        known = self._revisions.get(key)
        try:
            if known is None:
                self._revisions[key] = await self._store.create(key, content)
            else:
                self._revisions[key] = await self._store.update(key, content, expected=known)
        except (KeyExists, RevisionConflict):
            # Another process led for a moment: what it learned in it is learned again.
            found = await self._store.get(key)
            if found is None:
                self._revisions[key] = await self._store.create(key, content)
                return
            revision = found.mod_revision
            self._revisions[key] = await self._store.update(key, content, expected=revision)
