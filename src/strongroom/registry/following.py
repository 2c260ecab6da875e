"""The changes of one kind after a revision: from the store's history first, if need be.

The cache keeps recent changes only, and none from before its server started. A watcher that comes
back later than that is served from the history that the store still has, and joins the others at
the cache as soon as it has caught up. So a restart costs nobody a new list.
"""

from __future__ import annotations

from typing import Generic, Self, TypeVar, cast

from strongroom.api.meta import Object
from strongroom.registry.view import Form, Undecodable, View
from strongroom.storage.cache import Change, Subscription, WatchCache
from strongroom.storage.errors import Compacted
from strongroom.storage.port import Event, EventType, KeyValue, Store, Watch

T = TypeVar("T", bound=Object)

_MAX_PENDING = 10_000


class Follower(Generic[T]):
    """Batches of changes after a revision, each exactly once, in revision order.

    A waiting step may be cancelled without loss, and gives no changes after ``nudge``. Raises
    Compacted when the store no longer has the history, SubscriberTooSlow when too much piled up.
    """

    def __init__(
        self, form: Form[T], store: Store, cache: WatchCache[View[T]], prefix: str, after: int
    ) -> None:
        self._form = form
        self._cache = cache
        self._prefix = prefix
        self._after = after
        self._history: Watch | None = None
        self._subscription: Subscription[View[T]] | None = None
        if not self._join():
            self._history = store.watch(prefix, after=after)

    @property
    def progress(self) -> int:
        """The revision up to which every change has been handed out."""
        source = self._subscription or self._history
        return max(self._after, source.progress if source is not None else 0)

    @property
    def current(self) -> bool:
        """Whether the cache is followed, and no longer the history."""
        return self._history is None

    def nudge(self) -> None:
        """End a waiting step; there is nothing to end while the history is followed."""
        if self._subscription is not None:
            self._subscription.nudge()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Change[View[T]]]:
        while True:
            batch = await self._next()
            if not batch:
                return batch
            # A subscription to the future brings the present too, and one that takes over from
            # the history may overlap with it.
            batch = [change for change in batch if change.revision > self._after]
            if batch:
                self._after = batch[-1].revision
                return batch

    async def close(self) -> None:
        """Let go of the store and the cache."""
        if self._subscription is not None:
            await self._subscription.close()
        if self._history is not None:
            await self._history.close()

    async def _next(self) -> list[Change[View[T]]]:
        if self._history is not None:
            if not self._join():
                return [self._change(event) for event in await anext(self._history)]
            finished, self._history = self._history, None
            await finished.close()
        if self._subscription is None:
            raise StopAsyncIteration
        return await anext(self._subscription)

    def _join(self) -> bool:
        """Follow the cache, if it still has everything after what was handed out."""
        try:
            self._subscription = self._cache.subscribe(
                self._after, _MAX_PENDING, prefix=self._prefix
            )
        except Compacted:
            return False
        return True

    def _change(self, event: Event) -> Change[View[T]]:
        previous, _ = self._view(event.previous)
        item, error = previous, event.error
        if event.type is EventType.PUT and error is None:
            item, error = self._view(
                KeyValue(event.key, event.value, event.create_revision, event.revision)
            )
        return Change(
            event.type,
            event.key,
            event.revision,
            # No item exists where `error` is set, and nobody looks at it, as `Change` says.
            cast(View[T], item),
            previous,
            event.create_revision,
            error,
        )

    def _view(self, kv: KeyValue | None) -> tuple[View[T] | None, Exception | None]:
        if kv is None:
            return None, None
        try:
            return self._form.project(kv), None
        except Undecodable as error:
            return None, error
