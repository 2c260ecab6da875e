"""The store of another process, as a driver: see serving.py for its other end.

    write, read of the past   one message each way, any number under way at once
    watch                     a cursor over a feed of our own, fed by one stream for all watches
    revision                  a look at shared memory; where others write too, a message

Everything that the in-process drivers promise holds across processes: an event of a revision
arrives before the acknowledgement of its write, and no revision is heard of anywhere before the
shared page shows it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import TypeVar

from strongroom.storage import messages as m
from strongroom.storage.errors import StoreClosed, StoreUnavailable
from strongroom.storage.feed import Feed, FeedWatch
from strongroom.storage.frames import Frames, open_frames
from strongroom.storage.port import Beside, Events, KeyValue, Page, Watch, Wiped, check_distinct
from strongroom.storage.shared import SharedRevision

A = TypeVar("A", bound=m.Message)

# What the feed keeps for watches that are a little behind: the rest is asked for.
_FEED_EVENTS = 8192
_FEED_BYTES = 16 * 1024 * 1024


class RemoteStore:
    """A `Store` that another process has. ``lost`` is called when that process is gone.

    Then everything under way raises `StoreUnavailable`, what comes later and the watches
    `StoreClosed`.
    """

    def __init__(self, page: SharedRevision, lost: Callable[[], None]) -> None:
        """Not ready yet; see `connect`, which is what callers use."""
        self._page = page
        self._lost = lost
        self._frames: Frames | None = None
        self._feed = Feed(0)
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: dict[int, asyncio.Future[m.Answers]] = {}
        self._number = 0
        self.alone = True
        """Whether nobody writes past the other process."""

    @classmethod
    async def connect(
        cls, sock: socket.socket, page: SharedRevision, lost: Callable[[], None]
    ) -> RemoteStore:
        """The store at the other end of a pair of sockets; takes socket and page over.

        Raises: `StoreUnavailable` when the other end is gone.
        """
        store = cls(page, lost)
        store._frames = await open_frames(sock, store._receive, store._end)
        await store._greeted
        return store

    @property
    def current_revision(self) -> int:
        return max(self._page.value if not self._feed.closed else 0, self._feed.revision)

    async def revision(self) -> int:
        self._check_open()
        if self.alone:
            return self._page.value
        return (await self._ask(m.Ping(self._next()), m.Done)).revision

    async def ping(self) -> None:
        """Make sure that the other end answers. Raises: `StoreUnavailable`, `StoreClosed`."""
        await self._ask(m.Ping(self._next()), m.Done)

    async def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        key.encode()
        found = await self._ask(m.Get(self._next(), key, revision), m.Found)
        return None if found.item is None else m.key_value(found.item)

    async def list(
        self, prefix: str, *, limit: int = 0, start: str = "", revision: int = 0
    ) -> Page:
        prefix.encode()
        start.encode()
        page = await self._ask(m.List(self._next(), prefix, limit, start, revision), m.Listed)
        return Page([*map(m.key_value, page.items)], page.revision, page.more, page.remaining)

    async def create(self, key: str, value: bytes, *, beside: Beside = ()) -> int:
        others = _checked(key, beside)
        return (await self._ask(m.Create(self._next(), key, value, others), m.Done)).revision

    async def update(self, key: str, value: bytes, *, expected: int, beside: Beside = ()) -> int:
        others = _checked(key, beside)
        asked = m.Update(self._next(), key, value, expected, others)
        return (await self._ask(asked, m.Done)).revision

    async def delete(self, key: str, *, expected: int, beside: Beside = ()) -> int:
        others = _checked(key, beside)
        return (await self._ask(m.Delete(self._next(), key, expected, others), m.Done)).revision

    def watch(self, prefix: str, *, after: int) -> Watch:
        return FeedWatch(self._feed, prefix, after)

    async def compact(self, revision: int) -> None:
        await self._ask(m.Compact(self._next(), revision), m.Done)

    async def wipe(self) -> Sequence[Wiped]:
        told = await self._ask(m.Wipe(self._next()), m.Sizes)
        return [Wiped(*file) for file in told.files]

    async def close(self) -> None:
        """Let go of the store, which the other process goes on with."""
        if self._frames is None:
            return
        frames, self._frames = self._frames, None
        self._lost = _nothing
        self._feed.close()
        frames.close()
        await self._ended
        self._page.close()

    def _next(self) -> int:
        self._check_open()
        self._number += 1
        return self._number

    async def _ask(self, request: m.Request, kind: type[A]) -> A:
        """Send a request and wait for its answer, which may come after those of later ones."""
        if self._frames is None:
            raise StoreClosed("the store was closed")
        content = m.encode(request)
        answer: asyncio.Future[m.Answers] = asyncio.get_running_loop().create_future()
        self._waiting[request.number] = answer
        self._frames.send(content)
        try:
            got = await answer
        finally:
            self._waiting.pop(request.number, None)
        if isinstance(got, m.Failed):
            raise m.error_of(got)
        if not isinstance(got, kind):
            raise StoreUnavailable("the process that has the store answered something else")
        return got

    def _receive(self, content: bytes) -> None:
        message = m.decode_message(content)
        if isinstance(message, m.Happened):
            # What was there before the greeting is not repeated: revisions continue the feed's.
            self._feed.publish([m.event_of(told) for told in message.events])
        elif isinstance(message, m.Forgotten):
            self._feed.compact(message.revision)
        elif isinstance(message, m.Greeting):
            self._begin(message)
        else:
            waiting = self._waiting.get(message.number)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)

    def _begin(self, greeting: m.Greeting) -> None:
        self._feed = Feed(
            greeting.revision,
            compacted=greeting.compacted,
            history=self._history,
            max_events=_FEED_EVENTS,
            max_bytes=_FEED_BYTES,
        )
        self.alone = greeting.alone
        if not self._greeted.done():
            self._greeted.set_result(None)

    def _end(self) -> None:
        """The connection is over: by `close`, or because the other process is gone."""
        self._feed.close()
        gone = StoreUnavailable("the process that has the store is gone")
        if not self._greeted.done():
            self._greeted.set_exception(gone)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(gone)
        if not self._ended.done():
            self._ended.set_result(None)
        self._lost()

    async def _history(self, prefix: str, after: int, upto: int) -> tuple[Events, int]:
        past = await self._ask(m.History(self._next(), prefix, after, upto), m.Past)
        return [m.event_of(told) for told in past.events], past.upto

    def _check_open(self) -> None:
        if self._feed.closed:
            raise StoreClosed("the store was closed")


def _checked(key: str, beside: Beside) -> list[tuple[str, bytes | None]]:
    """What is written beside a key, if the other end can store all of it. Raises: ValueError."""
    key.encode()
    if not beside:
        return []
    check_distinct(key, beside)
    for other, _ in beside:
        other.encode()
    return list(beside)


def _nothing() -> None:
    """Nobody is left to be told."""
