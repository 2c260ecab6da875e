"""Offers a store to other processes: the other end of remote.py.

    writes of all clients ──▶ the store's own queue: they share transactions and fsyncs
    events ──▶ encoded once ──▶ every client, in one stream
    revision ──▶ shared memory, before anything that shows it leaves this process

Values pass through as they are stored, which is encrypted: no key is needed here.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import socket
from typing import Protocol

from strongroom.storage import messages as m
from strongroom.storage.errors import Compacted, StoreClosed, StoreError, StoreUnavailable
from strongroom.storage.frames import Frames, framed, open_frames
from strongroom.storage.port import Events, Store
from strongroom.storage.shared import SharedRevision

logger = logging.getLogger(__name__)

# A client that lets so many bytes pile up is cut off: it would take our memory.
_MOST_UNSENT = 512 * 1024 * 1024

# Seconds until a stream that a driver could not go on with is begun anew.
_AGAIN_AFTER = 0.5


class Shareable(Store, Protocol):
    """What a store must offer beyond the port to be shared."""

    @property
    def alone(self) -> bool:
        """Whether all that is written to the store is written by this object."""
        ...

    @property
    def compacted(self) -> int:
        """The revision up to which history is gone."""
        ...

    async def history(self, prefix: str, after: int, upto: int) -> tuple[Events, int]:
        """Events of a prefix with after < revision <= upto, and how far they reach.

        Raises: `Compacted`.
        """
        ...


class StoreServer:
    """Serves one store to any number of clients. ``page`` is what they read the revision from."""

    def __init__(self, store: Shareable) -> None:
        self._store = store
        self.page = SharedRevision.create(store.current_revision)
        self._clients: set[Client] = set()
        self._streamed = store.current_revision
        self._compacted = store.compacted
        self._held: list[tuple[int, int, Client, bytes]] = []
        self._order = itertools.count()
        self._streaming = asyncio.create_task(self._stream(), name="store stream")

    async def attach(self, sock: socket.socket) -> Client:
        """Serve the client at the other end of a pair of sockets, until either end closes."""
        client = Client(self, self._store)
        client.frames = await open_frames(sock, client.receive, client.end)
        # Nothing is awaited from here to the client's place in the stream: it misses nothing.
        client.frames.send(m.encode(m.Greeting(self._streamed, self._compacted, self._store.alone)))
        self._clients.add(client)
        return client

    async def close(self) -> None:
        """Serve nobody any more; the store stays open."""
        for client in list(self._clients):
            client.frames.close()
            await client.drained()
        self._streaming.cancel()
        await asyncio.gather(self._streaming, return_exceptions=True)
        self.page.close()

    def forget(self, client: Client) -> None:
        """A client has gone."""
        self._clients.discard(client)

    def answer(self, client: Client, revision: int, content: bytes) -> None:
        """Send what shows a revision: not before the page and the stream have shown it."""
        if revision <= self._streamed:
            client.frames.send(content)
        else:
            heapq.heappush(self._held, (revision, next(self._order), client, content))

    def compacted(self) -> None:
        """Tell all clients what history is gone, if more is."""
        if self._store.compacted > self._compacted:
            self._compacted = self._store.compacted
            self._to_all(m.Forgotten(self._compacted))

    async def _stream(self) -> None:
        while True:
            try:
                async for batch in self._store.watch("", after=self._streamed):
                    self._show(batch)
            except StoreClosed:
                return
            except Compacted as gone:
                # Watches of all clients have to begin anew, and so does this one.
                self._skip(gone.compacted)
            except StoreUnavailable:
                await asyncio.sleep(_AGAIN_AFTER)

    def _skip(self, revision: int) -> None:
        """Go on from a revision whose history is gone before it was streamed."""
        self.page.advance(revision)
        self.compacted()
        self._reached(revision)

    def _show(self, batch: Events) -> None:
        """The page first, then the events, then whatever waited for them."""
        revision = batch[-1].revision
        self.page.advance(revision)
        if self._clients:
            self._to_all(m.Happened([m.happening_of(event) for event in batch]))
        self._reached(revision)

    def _reached(self, revision: int) -> None:
        """Answer what waited for a revision."""
        self._streamed = revision
        while self._held and self._held[0][0] <= revision:
            _, _, client, content = heapq.heappop(self._held)
            client.frames.send(content)

    def _to_all(self, message: m.Message) -> None:
        frame = framed(m.encode(message))
        for client in list(self._clients):
            client.frames.send_framed(frame)
            if client.frames.unsent > _MOST_UNSENT:
                logger.error("a process that takes nothing any more is cut off")
                client.frames.abort()


class Client:
    """One process that uses the store."""

    frames: Frames

    def __init__(self, server: StoreServer, store: Shareable) -> None:
        self._server = server
        self._store = store
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()

    def receive(self, content: bytes) -> None:
        """Begin to serve a request."""
        task = asyncio.create_task(self._serve(m.decode_request(content)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """The connection is over. What was asked for is done all the same."""
        self._server.forget(self)
        self._ended.set()

    async def drained(self) -> None:
        """Wait until the connection is over, and nothing that came by it is under way."""
        await self._ended.wait()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, request: m.Requests) -> None:
        try:
            revision, answer = await self._do(request)
        except StoreError as error:
            answer = m.failure_of(request.number, error)
            revision = answer.current.mod_revision if answer.current is not None else 0
        except Exception as error:  # noqa: BLE001 - whoever asked must be told, whatever it is
            logger.error("a request to the store failed: %s", type(error).__name__)
            answer, revision = m.failure_of(request.number, StoreUnavailable("it failed")), 0
        self._server.answer(self, revision, m.encode(answer))

    async def _do(self, request: m.Requests) -> tuple[int, m.Answers]:
        """The answer, and the revision that it shows."""
        store, number = self._store, request.number
        match request:
            case m.Create(beside=beside):
                revision = await store.create(request.key, request.value, beside=beside)
            case m.Update(expected=expected, beside=beside):
                revision = await store.update(
                    request.key, request.value, expected=expected, beside=beside
                )
            case m.Delete(expected=expected, beside=beside):
                revision = await store.delete(request.key, expected=expected, beside=beside)
            case m.Compact():
                await store.compact(request.revision)
                self._server.compacted()
                revision = 0
            case m.Get():
                return await self._get(request)
            case m.List():
                return await self._list(request)
            case m.Wipe():
                files = [(f.where, f.before, f.after) for f in await store.wipe()]
                self._server.compacted()
                return 0, m.Sizes(number, files)
            case m.History():
                events, upto = await store.history(request.prefix, request.after, request.upto)
                return upto, m.Past(number, [*map(m.happening_of, events)], upto)
            case _:
                revision = await store.revision()
        return revision, m.Done(number, revision)

    async def _get(self, request: m.Get) -> tuple[int, m.Found]:
        key = request.key
        found = await self._store.get(key, revision=request.revision)
        shown = found.mod_revision if found is not None else 0
        if found is None and not request.revision:
            # That there is nothing tells of a deletion, whose revision only a list shows.
            page = await self._store.list(key, start=key, limit=1)
            found = next((kv for kv in page.items if kv.key == key), None)
            shown = page.revision
        return shown, m.Found(request.number, None if found is None else m.item_of(found))

    async def _list(self, request: m.List) -> tuple[int, m.Listed]:
        page = await self._store.list(
            request.prefix, limit=request.limit, start=request.start, revision=request.revision
        )
        items = [*map(m.item_of, page.items)]
        answer = m.Listed(request.number, items, page.revision, page.more, page.remaining)
        return page.revision, answer
