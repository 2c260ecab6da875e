"""Recent changes of a watch cache, and the subscriptions that follow them.

A subscription that starts at a recent revision first gets what the ring still holds. Nobody
waits for a subscriber: one that lets too much pile up is cut off and has to start again.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, Self, TypeVar

from strongroom.storage.entries import Cached, Entries
from strongroom.storage.errors import Compacted, SubscriberTooSlow
from strongroom.storage.port import EventType

T = TypeVar("T")

_revision_of = attrgetter("revision")


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One change of one key: `item` is the object now, for DELETE the last one.

    `previous` is the item before, None where there was none or it could not be read. `item`
    means nothing while `error` is set.
    """

    type: EventType
    key: str
    revision: int
    item: T
    previous: T | None
    create_revision: int = 0
    error: Exception | None = None

    @property
    def created(self) -> bool:
        """Whether the key did not exist just before."""
        return self.type is EventType.PUT and self.create_revision == self.revision


class Subscription(Generic[T]):
    """Batches of changes in revision order; for one reader.

    Iteration raises `SubscriberTooSlow` once more than the bound has piled up, and ends when it
    or the cache is closed. After `nudge` a step gives no changes at once, if none are there.
    """

    def __init__(
        self,
        owner: Changes[T],
        after: int,
        maxsize: int,
        prefix: str,
        reached: Callable[[], int],
    ) -> None:
        self.prefix = prefix
        self._owner = owner
        self._maxsize = maxsize
        self._reached = reached
        self._after = self._delivered = after
        self._pending: list[Change[T]] = []
        self._failure: SubscriberTooSlow | None = None
        self._ended = self._nudged = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def progress(self) -> int:
        """The revision up to which every change has been handed out."""
        if not self._pending and self._failure is None and not self._ended:
            self._delivered = max(self._delivered, self._reached())
        return self._delivered

    def push(self, changes: list[Change[T]]) -> None:
        """Add changes for the reader; never waits."""
        if changes[0].revision <= self._after:
            # It asked for a time that had not come yet.
            changes = [change for change in changes if change.revision > self._after]
        if self._pending and len(self._pending) + len(changes) > self._maxsize:
            self._pending = []
            self._failure = SubscriberTooSlow(self._maxsize, self._delivered)
            self._owner.drop(self)
        else:
            self._pending.extend(changes)
        self._wake()

    def nudge(self) -> None:
        """Let the reader have a look at its clock: much cheaper than a timeout around each step."""
        self._nudged = True
        self._wake()

    def end(self) -> None:
        """Let the reader take what is pending and then stop."""
        self._ended = True
        self._owner.drop(self)
        self._wake()

    async def close(self) -> None:
        """Stop, without what is pending. Closing twice is allowed."""
        self._pending = []
        self.end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Change[T]]:
        while not self._pending:
            if self._failure is not None:
                raise self._failure
            if self._ended:
                raise StopAsyncIteration
            if self._nudged:
                break
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._nudged = False
        batch, self._pending = self._pending, []
        if batch:
            self._delivered = max(self._delivered, batch[-1].revision)
        return batch

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Changes(Generic[T]):
    """The newest `bound` changes or more, and the subscriptions by their prefix."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._ring: list[Change[T]] = []
        self._floor = 0
        self._gap = 0
        self._subscriptions: dict[str, set[Subscription[T]]] = {}
        self._listeners: list[Callable[[Sequence[Change[T]]], None]] = []

    def listen(self, tell: Callable[[Sequence[Change[T]]], None]) -> None:
        """Hand every batch to `tell` from now on, in the step in which it is published."""
        self._listeners.append(tell)

    def begin(self, revision: int) -> None:
        """Changes will follow without gap from this revision on."""
        self._floor = revision

    def after(self, revision: int) -> list[Change[T]] | None:
        """Every change after a revision; None when some are not kept, or were never known."""
        if revision < max(self._floor, self._gap):
            return None
        return self._ring[bisect_right(self._ring, revision, key=_revision_of) :]

    def publish(self, changes: list[Change[T]], *, gap: int = 0) -> None:
        """Keep changes, in revision order, and pass them on.

        `gap` is the revision of a difference: what happened before it is known only in part.
        """
        self._gap = max(self._gap, gap)
        if not changes:
            return
        self._ring.extend(changes)
        if len(self._ring) > 2 * self._bound:
            drop = len(self._ring) - self._bound
            self._floor = self._ring[drop - 1].revision
            del self._ring[:drop]
        for tell in self._listeners:
            tell(changes)
        # Filtered once for each prefix, however many follow it.
        for prefix, subscriptions in list(self._subscriptions.items()):
            matching = [change for change in changes if change.key.startswith(prefix)]
            if matching:
                for subscription in tuple(subscriptions):
                    subscription.push(matching)

    def subscribe(
        self, after: int, maxsize: int, prefix: str, reached: Callable[[], int]
    ) -> Subscription[T]:
        """Follow from a revision on. Raises: `Compacted`."""
        if after < self._floor:
            raise Compacted(after, self._floor)
        subscription = Subscription(self, after, maxsize, prefix, reached)
        self._subscriptions.setdefault(prefix, set()).add(subscription)
        recent = self._ring[bisect_right(self._ring, after, key=_revision_of) :]
        matching = [change for change in recent if change.key.startswith(prefix)]
        if matching:
            subscription.push(matching)
        return subscription

    def drop(self, subscription: Subscription[T]) -> None:
        """Forget a subscription."""
        followers = self._subscriptions.get(subscription.prefix)
        if followers is not None:
            followers.discard(subscription)
            if not followers:
                del self._subscriptions[subscription.prefix]

    def close(self) -> None:
        """End every subscription."""
        for subscriptions in tuple(self._subscriptions.values()):
            for subscription in tuple(subscriptions):
                subscription.end()


def put_change(entry: Cached[T], old: Cached[T] | None) -> Change[T]:
    """The change that replaced `old` by `entry`."""
    previous = None if old is None or old.error else old.item
    return Change(
        EventType.PUT,
        entry.key,
        entry.revision,
        entry.item,
        previous,
        entry.create_revision,
        entry.error,
    )


def deletion_change(old: Cached[T], revision: int) -> Change[T]:
    """The change that removed `old`."""
    previous = None if old.error else old.item
    return Change(
        EventType.DELETE, old.key, revision, old.item, previous, old.create_revision, old.error
    )


def difference(old: Entries[T], new: Entries[T], revision: int) -> list[Change[T]]:
    """What must have happened between two states of the prefix, in revision order.

    When exactly a missing key was deleted is no longer known: at `revision` at the latest, and
    before its new creation if it is back.
    """
    changes: list[Change[T]] = []
    for key, entry in new.by_key.items():
        before = old.by_key.get(key)
        if before is not None and before.revision == entry.revision:
            continue
        if before is not None and before.create_revision != entry.create_revision:
            changes.append(deletion_change(before, entry.create_revision - 1))
            before = None
        changes.append(put_change(entry, before))
    gone = (entry for key, entry in old.by_key.items() if key not in new.by_key)
    changes += (deletion_change(entry, revision) for entry in gone)
    changes.sort(key=lambda change: change.revision)
    return changes
