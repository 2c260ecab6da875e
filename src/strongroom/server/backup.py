"""Gives the whole store, as of one revision, to whoever may have it: ``strongroom backup``."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from strongroom import __version__
from strongroom.api.clock import Clock
from strongroom.api.times import format_time
from strongroom.backup.lines import FORMAT, End, Failed, Head, Record, Unreadable, encode
from strongroom.server.reply import Reply, StreamReply
from strongroom.server.request import Request
from strongroom.server.urls import Target
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.errors import Compacted, StoreError, Undecryptable, UndecryptableList
from strongroom.storage.places import AUTHORITIES
from strongroom.storage.port import Page
from strongroom.storage.rewrapping import after

TYPE = "application/x-ndjson"
_PAGE = 256


class Backups:
    """Answers at ``lines.PATH``. The rights are those of that path: administrators, by default."""

    def __init__(self, store: EncryptedStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def serve(self, request: Request, target: Target) -> Reply | StreamReply:
        """The lines of a backup, which begins now. Raises StoreError."""
        if request.method == "HEAD":
            return Reply(content_type=TYPE)
        head = Head(
            format=FORMAT,
            revision=await self._store.revision(),
            time=format_time(self._clock.now()),
            version=__version__,
        )
        return StreamReply(self._lines(head), TYPE)

    async def _lines(self, head: Head) -> AsyncGenerator[bytes, None]:
        yield encode(head)
        records, start, more = 0, "", True
        while more:
            try:
                page, unreadable = await self._page(start, head.revision)
            except Compacted:
                why = "it took longer than history is kept (--compaction-interval)"
                yield encode(Failed(why))
                return
            except StoreError as error:
                yield encode(Failed(str(error)))
                return
            lines = _in_order(page, unreadable)
            more = page.more
            if lines:
                start = after(lines[-1].key)
                given = [line for line in lines if line.key != AUTHORITIES]
                records += sum(isinstance(line, Record) for line in given)
                yield b"".join(map(encode, given))
        yield encode(End(records))

    async def _page(self, start: str, revision: int) -> tuple[Page, list[Undecryptable]]:
        try:
            page = await self._store.list("", limit=_PAGE, start=start, revision=revision)
        except UndecryptableList as found:
            return found.page, list(found.failures)
        return page, []


def _in_order(page: Page, unreadable: list[Undecryptable]) -> list[Record | Unreadable]:
    lines: list[Record | Unreadable] = [
        Record(item.key, item.value, item.create_revision, item.mod_revision) for item in page.items
    ]
    lines += [Unreadable(failure.key, failure.reason) for failure in unreadable]
    return sorted(lines, key=lambda line: line.key)
