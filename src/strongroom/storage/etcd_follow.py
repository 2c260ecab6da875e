"""Follows an etcd cluster: one watch of all keys fills the feed that all our watches read.

    first        events after the revision at which the store was opened
    lost         opened again, at another member maybe, at the last revision that was published
    behind       a write is acknowledged and not seen: the same, see `Follower.doubt`
    compacted    what cannot be had any more is skipped; watches that needed it raise `Compacted`

Every revision has at least one event, so the feed knows what etcd is at without asking.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from strongroom.storage import etcd_messages as m
from strongroom.storage.encryption.wire import WireError
from strongroom.storage.errors import Compacted, StoreClosed, StoreUnavailable
from strongroom.storage.etcd_cluster import ANSWER_WITHIN, Cluster
from strongroom.storage.feed import Feed
from strongroom.storage.port import Events
from strongroom.telemetry import log

if TYPE_CHECKING:
    import grpc.aio

logger = logging.getLogger(__name__)

_RETRY_FIRST, _RETRY_MOST = 0.05, 1.0
# What one look at the past holds in memory, about; the rest is read by the next.
_PAST_EVENTS = 4096


class Patience:
    """How long a watch waits for its member; from outside it can be brought to an end."""

    def __init__(self) -> None:
        self._since = asyncio.get_running_loop().time()
        self._clock: asyncio.Timeout | None = None

    @contextlib.asynccontextmanager
    async def timeout(self, within: float | None) -> AsyncGenerator[None]:
        """As `asyncio.timeout`."""
        async with asyncio.timeout(within) as clock:
            self._clock = clock
            try:
                yield
            finally:
                self._clock = None

    def end(self, least: float) -> None:
        """Have the wait time out now, unless the watch is younger than ``least`` seconds."""
        time = asyncio.get_running_loop().time()
        if self._clock is not None and time - self._since >= least:
            self._clock.reschedule(time)


class Follower:
    """Publishes what happens until it is closed."""

    def __init__(self, cluster: Cluster, feed: Feed) -> None:
        self._cluster, self._feed = cluster, feed
        self._failed = False
        self._patience = Patience()
        self._task = asyncio.create_task(self._follow(), name="etcd watch")

    async def close(self) -> None:
        """Stop."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def doubt(self, seconds: float) -> None:
        """Ask another member: something has happened ``seconds`` ago and was not told.

        A member that is stopped, or apart from the others, is silent just as one is where nothing
        happens; found out by its connection it would be only after a while.
        """
        self._patience.end(seconds)

    async def _follow(self) -> None:
        delay = _RETRY_FIRST
        while True:
            try:
                await self._publish()
            except Compacted as gone:
                self._feed.skip(gone.compacted)
                logger.warning("history was compacted before it was seen")
                continue
            except StoreClosed:
                return
            except Exception as error:  # noqa: BLE001 - nobody else would tell what happens
                if not self._failed:
                    log(logger, logging.WARNING, "the watch of etcd is lost", error)
                    delay = _RETRY_FIRST
                self._failed = True
            await asyncio.sleep(delay)
            delay = min(2 * delay, _RETRY_MOST)

    async def _publish(self) -> None:
        feed = self._feed
        # With the last revision that is known: what was lost between the two cannot go unnoticed.
        start = max(feed.revision, feed.compacted)
        self._patience = Patience()
        telling = watched(self._cluster, start, patience=self._patience)
        async with contextlib.aclosing(telling) as stream:
            async for events in stream:
                if self._failed:
                    logger.info("the watch of etcd goes on")
                self._failed = False
                feed.publish([event for event in events if event.revision > feed.revision])


async def past(cluster: Cluster, prefix: str, after: int, upto: int) -> tuple[Events, int]:
    """Events of a prefix with after < revision <= upto, and how far they reach.

    Raises: `Compacted`, `StoreUnavailable`, `StoreClosed`.
    """
    found: Events = []
    # etcd takes 0 for the present; nothing happens at revision 1.
    reached = max(after, 1)
    if reached >= upto:
        return found, max(after, upto)
    async with contextlib.aclosing(watched(cluster, reached, patient=False)) as stream:
        async for events in stream:
            found += (
                event
                for event in events
                if after < event.revision <= upto and event.key.startswith(prefix)
            )
            reached = max(reached, events[-1].revision if events else 0)
            if reached >= upto or len(found) >= _PAST_EVENTS:
                break
    return found, min(reached, upto)


async def compacted_at(cluster: Cluster, revision: int) -> int:
    """The oldest usable revision, where one is said to be gone; the next one if that is wrong."""
    try:
        async with contextlib.aclosing(watched(cluster, max(revision, 1), patient=False)) as stream:
            async for events in stream:
                # That it began comes first, also of one that ends at once.
                if events:
                    break
    except Compacted as gone:
        return gone.compacted
    return revision + 1


async def watched(
    cluster: Cluster, start: int, *, patient: bool = True, patience: Patience | None = None
) -> AsyncGenerator[Events]:
    """Events of all keys from a revision on, whole revisions at a time; [] says that it began.

    ``patient``: there may be nothing to tell for any time. Raises: `Compacted` when history from
    ``start`` on is not complete, `StoreUnavailable` when the watch ends, `StoreClosed`.
    """
    import grpc

    member = await cluster.member()
    call = member.stream(m.WATCH)
    patience = patience or Patience()
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            # Of a call that ends before it began, gRPC does not say so here.
            await call.write(m.watch_request(start))
        within: float | None = ANSWER_WITHIN
        parts: Events = []
        while True:
            async with patience.timeout(within):
                told = await _next(call)
            if told.canceled:
                if told.compacted:
                    raise Compacted(start, told.compacted)
                raise StoreUnavailable("etcd ended the watch")
            within = None if patient else ANSWER_WITHIN
            parts += told.events
            if not told.part and (parts or told.created):
                batch, parts = parts, []
                yield batch
    except grpc.RpcError as error:
        raise cluster.translated(member, error) from None
    except WireError as error:
        raise StoreUnavailable(f"an answer of etcd {error}") from None
    except TimeoutError:
        cluster.avoid(member)
        raise StoreUnavailable("a watch of etcd has nothing to tell") from None
    except asyncio.CancelledError:
        cluster.check_open_or_cancelled()
        raise
    finally:
        call.cancel()


async def _next(call: grpc.aio.StreamStreamCall[bytes, bytes]) -> m.Told:
    message = await call.read()
    if not isinstance(message, bytes):
        # Nothing more will come.
        raise StoreUnavailable("etcd ended the watch")
    return m.read_watch(message)
