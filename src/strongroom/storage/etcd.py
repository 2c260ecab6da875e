"""The distributed store: an etcd v3 cluster, which strongroom has for itself.

    write   one transaction: conditions on the key, then what is beside it, then the key
    read    from a majority, so never older than what anybody was told before
    watch   a cursor over the feed that one watch of all keys fills (etcd_follow); older events
            come from a watch of their own

A write is acknowledged when its event is in the feed: whoever has written finds it in every watch,
as with the stores in this process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Self, TypeVar

from strongroom.storage import etcd_messages as m
from strongroom.storage.encryption.wire import WireError
from strongroom.storage.errors import (
    Compacted,
    FutureRevision,
    KeyExists,
    RevisionConflict,
    StoreClosed,
    StoreUnavailable,
    TooLarge,
)
from strongroom.storage.etcd_cluster import (
    ANSWER_WITHIN,
    Cluster,
    Credentials,
    LeaseGone,
    OutOfRange,
    Oversized,
)
from strongroom.storage.etcd_follow import Follower, compacted_at, past
from strongroom.storage.etcd_leases import Leases
from strongroom.storage.etcd_maintenance import DEFRAGMENT_WITHIN, Defragmented, defragment
from strongroom.storage.etcd_sessions import LEASE, Session
from strongroom.storage.feed import Feed, FeedWatch
from strongroom.storage.places import SERVERS
from strongroom.storage.port import Beside, Events, KeyValue, Page, Watch, Wiped, check_distinct

S = TypeVar("S", m.Ranged, m.Done)

logger = logging.getLogger(__name__)

# What the feed keeps for watches that are a little behind: the rest they ask etcd for.
_FEED_EVENTS = 8192
_FEED_BYTES = 16 * 1024 * 1024
# Seconds that a start waits for etcd, and an acknowledged write for its event.
_START_WITHIN = 10.0
_SHOWN_WITHIN = 2.0


class EtcdStore:
    """A `Store` in etcd. All methods are called on the event loop that opened it."""

    def __init__(
        self, cluster: Cluster, revision: int, feed_events: int, live: Mapping[str, float]
    ) -> None:
        """See `open`, which is what callers use."""
        self._cluster = cluster
        self._leases = Leases(cluster, live)
        self._feed = Feed(
            revision, history=self.history, max_events=feed_events, max_bytes=_FEED_BYTES
        )
        self._known = revision
        self._asked: asyncio.Task[int] | None = None
        self._follower = Follower(cluster, self._feed)

    @classmethod
    async def open(
        cls,
        urls: Sequence[str],
        credentials: Credentials | None = None,
        *,
        feed_events: int = _FEED_EVENTS,
        within: float = _START_WITHIN,
        live: Mapping[str, float] | None = None,
    ) -> Self:
        """The store of the cluster with members at ``urls``.

        ``feed_events`` is how many events are kept in memory, ``within`` the seconds that the
        members have to be there, and ``live`` how many seconds after their last write keys live
        that begin with a prefix; up to a twentieth longer, a minute at most.

        Raises: `StoreUnavailable` when none answers, OSError for files that cannot be read.
        """
        cluster = Cluster(urls, credentials)
        try:
            request = m.count_request(m.ALL)
            answer = await cluster.ask(m.RANGE, request, again=True, within=within)
            return cls(cluster, m.read_range(answer).revision, feed_events, live or {})
        except WireError as error:
            await cluster.close()
            raise StoreUnavailable(f"an answer of etcd {error}") from None
        except BaseException:
            await cluster.close()
            raise

    @property
    def current_revision(self) -> int:
        return max(self._known, self._feed.revision)

    @property
    def alone(self) -> bool:
        return False

    @property
    def compacted(self) -> int:
        """The revision up to which history is gone, as far as this process knows."""
        return self._feed.compacted

    async def revision(self) -> int:
        """Those who ask while a question is on its way share the next one, or its failure."""
        self._check_open()
        running = self._asked
        if running is not None:
            # It may have been answered before we asked: what it says is not new enough for us.
            await asyncio.wait([running])
            if not running.cancelled() and (error := running.exception()) is not None:
                # That nobody answers is: asking them all again would take as long again.
                raise error
            if self._asked is not running and self._asked is not None:
                return await asyncio.shield(self._asked)
        self._asked = asyncio.create_task(self._ask_revision())
        # Whoever waits hears of a failure; there may be nobody left.
        self._asked.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
        return await asyncio.shield(self._asked)

    async def _ask_revision(self) -> int:
        try:
            return (await self._range(m.count_request(m.ALL), 0)).revision
        finally:
            self._asked = None

    async def count(self, prefix: str) -> int:
        """How many keys there are with a prefix."""
        key = m.key_bytes(prefix)
        return (await self._range(m.count_request(key or m.ALL, m.range_end(key)), 0)).count

    async def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        request = m.range_request(m.key_bytes(key), revision=revision)
        items = (await self._range(request, revision)).items
        return items[0] if items else None

    async def list(
        self, prefix: str, *, limit: int = 0, start: str = "", revision: int = 0
    ) -> Page:
        first = m.key_bytes(prefix)
        # Where the servers' places begin, what is kept ends.
        end = m.range_end(first) if first else m.key_bytes(SERVERS)
        begin = max(first, m.key_bytes(start)) or m.ALL
        if end != m.ALL and begin >= end:
            # No key can be there; the revision is asked for all the same.
            begin = end
        request = m.range_request(begin, end, limit=limit, revision=revision)
        found = await self._range(request, revision)
        remaining = found.count - len(found.items)
        return Page(found.items, revision or found.revision, remaining > 0, remaining)

    async def create(self, key: str, value: bytes, *, beside: Beside = ()) -> int:
        done = await self._write(key, m.absent(m.key_bytes(key)), value, beside)
        if not done.succeeded:
            raise KeyExists(key)
        return await self._shown(done.revision)

    async def update(self, key: str, value: bytes, *, expected: int, beside: Beside = ()) -> int:
        return await self._change(key, value, expected, beside)

    async def delete(self, key: str, *, expected: int, beside: Beside = ()) -> int:
        return await self._change(key, None, expected, beside)

    def watch(self, prefix: str, *, after: int) -> Watch:
        return FeedWatch(self._feed, prefix, after)

    async def compact(self, revision: int, *, physical: bool = False) -> None:
        """As `Store`. ``physical``: what is gone is out of the file of the member that is asked."""
        self._check_open()
        if revision <= max(self._feed.compacted, 0):
            return
        request = m.compaction(revision, physical=physical)
        within = DEFRAGMENT_WITHIN if physical else ANSWER_WITHIN
        try:
            await self._cluster.ask(m.COMPACT, request, again=True, answer_within=within)
        except OutOfRange as error:
            if not error.gone:
                raise FutureRevision(revision, await self.revision()) from None
        self._feed.compact(revision)

    async def defragment(self) -> Sequence[Defragmented]:
        """Have every member give back the space of what was compacted, one after another.

        A member serves nobody while it does. Raises: `StoreUnavailable`.
        """
        self._check_open()
        return await defragment(self._cluster)

    async def wipe(self) -> Sequence[Wiped]:
        """As `Store`, member by member: see `defragment`."""
        await self.compact(await self.revision(), physical=True)
        done = await self.defragment()
        return [Wiped(member.url, member.before, member.after) for member in done]

    async def session(self, seconds: float = LEASE) -> Session:
        """A place among those who use this etcd, which ends so many seconds after its last sign.

        Raises: `StoreUnavailable`.
        """
        self._check_open()
        return await Session.begin(self._cluster, self._feed, seconds)

    async def history(self, prefix: str, after: int, upto: int) -> tuple[Events, int]:
        """Events of a prefix with after < revision <= upto, and how far they reach.

        Raises: `Compacted`.
        """
        self._check_open()
        return await past(self._cluster, prefix, after, upto)

    async def close(self) -> None:
        if self._feed.closed:
            return
        self._feed.close()
        await self._follower.close()
        await self._cluster.close()

    async def _change(self, key: str, value: bytes | None, expected: int, beside: Beside) -> int:
        conditions = m.at_revision(m.key_bytes(key), max(expected, 0))
        done = await self._write(key, conditions, value, beside)
        if not done.succeeded:
            raise RevisionConflict(key, done.current)
        return await self._shown(done.revision)

    async def _write(
        self, key: str, conditions: Sequence[bytes], value: bytes | None, beside: Beside
    ) -> m.Done:
        """One transaction, whose last event is that of its own key; None removes it."""
        self._check_open()
        check_distinct(key, beside)
        every = [*beside, (key, value)]
        try:
            try:
                return await self._transact(conditions, every)
            except LeaseGone:
                self._leases.forget()
                return await self._transact(conditions, every)
        except LeaseGone as error:
            raise StoreUnavailable(str(error)) from None
        except Oversized as error:
            raise TooLarge(key, str(error)) from None
        except WireError as error:
            raise StoreUnavailable(f"an answer of etcd {error}") from None

    async def _transact(self, conditions: Sequence[bytes], every: Beside) -> m.Done:
        steps = [await self._step(m.key_bytes(key), key, value) for key, value in every]
        request = m.transaction(conditions, steps, m.key_bytes(every[-1][0]))
        return self._seen(m.read_transaction(await self._cluster.ask(m.TXN, request)))

    async def _step(self, coded: bytes, key: str, value: bytes | None) -> bytes:
        if value is None:
            return m.delete(coded)
        return m.put(coded, value, await self._leases.of(key))

    async def _range(self, request: bytes, revision: int) -> m.Ranged:
        self._check_open()
        try:
            answer = await self._cluster.ask(m.RANGE, request, again=True)
            return self._seen(m.read_range(answer))
        except OutOfRange as error:
            if error.gone:
                raise Compacted(revision, await compacted_at(self._cluster, revision)) from None
            raise FutureRevision(revision, await self.revision()) from None
        except WireError as error:
            raise StoreUnavailable(f"an answer of etcd {error}") from None

    def _seen(self, answer: S) -> S:
        self._known = max(self._known, answer.revision)
        return answer

    async def _shown(self, revision: int) -> int:
        """Wait for the event of a write, but not for ever: the write itself is done."""
        feed = self._feed
        if feed.revision >= revision:
            return revision
        try:
            async with asyncio.timeout(_SHOWN_WITHIN):
                await feed.until(revision)
        except TimeoutError:
            logger.warning("a write was acknowledged before its event came")
            self._follower.doubt(_SHOWN_WITHIN)
        return revision

    def _check_open(self) -> None:
        if self._feed.closed:
            raise StoreClosed("the store was closed")
