"""A server's place among those of an etcd: a lease that it keeps alive, and what it holds by that.

    hold    a key that one session has at a time; gone with the lease, or given back
    show    a key that is there as long as the session

Whoever cannot renew its lease stops well before etcd gives its place to another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator

from strongroom.storage import etcd_messages as m
from strongroom.storage.encryption.wire import WireError
from strongroom.storage.errors import Compacted, StoreClosed, StoreError, StoreUnavailable
from strongroom.storage.etcd_cluster import Cluster, LeaseGone
from strongroom.storage.etcd_leases import end_quietly, grant, keep_alive
from strongroom.storage.feed import Feed, FeedWatch
from strongroom.storage.port import EventType

logger = logging.getLogger(__name__)

LEASE = 15.0
"""Seconds after which the place of a server that has died is given to another."""

# Parts of the lease: how often it is renewed, and how long before its end its holder gives up.
# What was asked before that is answered, or too late, when somebody else has the place.
_RENEWED, _GIVEN_UP = 1 / 5, 1 / 3
_AGAIN = 0.2


class SessionLost(StoreUnavailable):
    """The lease could not be renewed: what was held by it may be another's."""


class Session:
    """A lease and its keys. Made by `EtcdStore.session`; ``lost`` is set when it is over."""

    def __init__(
        self, cluster: Cluster, feed: Feed, lease: int, seconds: float, until: float
    ) -> None:
        """See `begin`. ``until`` is when the lease ends by the loop's clock, at the earliest."""
        self._cluster, self._feed = cluster, feed
        self._lease, self._seconds, self._until = lease, seconds, until
        self.name = secrets.token_hex(8)
        self.lost = asyncio.Event()
        self._locks: dict[str, asyncio.Lock] = {}
        self._tasks = {asyncio.create_task(self._renew(), name="etcd session")}

    @classmethod
    async def begin(cls, cluster: Cluster, feed: Feed, seconds: float) -> Session:
        """A new one. Raises: `StoreUnavailable`, `StoreClosed`."""
        asked = asyncio.get_running_loop().time()
        return cls(cluster, feed, await grant(cluster, seconds), seconds, asked + seconds)

    async def close(self) -> None:
        """Give everything back at once, if etcd can be told. Closing twice is allowed."""
        had = not self.lost.is_set()
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if had:
            await end_quietly(self._cluster, self._lease)

    async def show(self, key: str, value: bytes) -> None:
        """Have a key as long as this lasts. Raises: `StoreUnavailable`."""
        coded = m.key_bytes(key)
        await self._ask([], m.put(coded, value, self._lease), coded)

    @contextlib.asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """Wait for a key that one session has at a time, and have it.

        Raises: `SessionLost`, when that happens while waiting; while it is held, ``lost`` tells.
        """
        held, done = asyncio.Event(), asyncio.Event()
        # On its own: it is given back whatever becomes of who asked for it, and who is next need
        # not wait for that here.
        holding = asyncio.create_task(self._hold(key, held, done))
        self._tasks.add(holding)
        holding.add_done_callback(self._tasks.discard)
        try:
            await first_of(held, self.lost)
            if self.lost.is_set():
                raise SessionLost("the lease in etcd could not be renewed")
            yield
        finally:
            done.set()

    async def _hold(self, key: str, held: asyncio.Event, done: asyncio.Event) -> None:
        # Within a session they wait here, so that nobody takes what another is giving back.
        async with self._locks.setdefault(key, asyncio.Lock()):
            if not done.is_set():
                revision = await self._take(key)
                held.set()
                await done.wait()
                await self._give_back(key, revision)

    async def _take(self, key: str) -> int:
        coded, ours = m.key_bytes(key), self.name.encode()
        while True:
            try:
                done = await self._ask(m.absent(coded), m.put(coded, ours, self._lease), coded)
            except StoreClosed:
                raise
            except StoreUnavailable:
                # It may have happened: the next try finds out.
                await asyncio.sleep(_AGAIN)
                continue
            if done.succeeded:
                return done.revision
            if done.current is not None and done.current.value == ours:
                return done.current.mod_revision
            if done.current is not None:
                await self._until_free(key, done.revision)

    async def _until_free(self, key: str, since: int) -> None:
        watch = FeedWatch(self._feed, key, since)
        try:
            async for events in watch:
                if any(e.key == key and e.type is EventType.DELETE for e in events):
                    return
        except Compacted:
            return
        finally:
            await watch.close()

    async def _give_back(self, key: str, revision: int) -> None:
        coded = m.key_bytes(key)
        while not self.lost.is_set():
            try:
                await self._ask(m.at_revision(coded, revision), m.delete(coded), coded)
                return
            except StoreClosed:
                return
            except StoreUnavailable:
                await asyncio.sleep(_AGAIN)

    async def _ask(self, conditions: list[bytes], step: bytes, key: bytes) -> m.Done:
        try:
            answer = await self._cluster.ask(m.TXN, m.transaction(conditions, [step], key))
            return m.read_transaction(answer)
        except LeaseGone:
            # The next renewal hears the same.
            raise StoreUnavailable("the lease in etcd is over") from None
        except WireError as error:
            raise StoreUnavailable(f"an answer of etcd {error}") from None

    async def _renew(self) -> None:
        try:
            await self._keep_alive()
            logger.warning("the lease in etcd is lost")
        finally:
            # However it ends: nobody may go on by a lease that is not renewed.
            self.lost.set()

    async def _keep_alive(self) -> None:
        """Renew the lease until it is over, or so nearly that it is no longer to be relied on."""
        loop = asyncio.get_running_loop()
        pause = self._seconds * _RENEWED
        with contextlib.suppress(TimeoutError, StoreClosed):
            while True:
                async with asyncio.timeout_at(self._until - self._seconds * _GIVEN_UP):
                    await asyncio.sleep(pause)
                    asked = loop.time()
                    try:
                        left = await keep_alive(self._cluster, self._lease)
                    except StoreClosed:
                        raise
                    except StoreError:
                        pause = _AGAIN
                        continue
                if not left:
                    break
                self._until, pause = asked + self._seconds, self._seconds * _RENEWED


async def first_of(*events: asyncio.Event) -> None:
    """Wait until one of them is set."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
