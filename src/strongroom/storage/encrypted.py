"""A store that encrypts: wraps any store, so that drivers never see plaintext or keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Self

from strongroom.storage.encryption.port import EncryptionError, Transformer
from strongroom.storage.errors import (
    RevisionConflict,
    StoreUnavailable,
    Undecryptable,
    UndecryptableList,
)
from strongroom.storage.port import (
    Beside,
    Event,
    Events,
    EventType,
    KeyValue,
    Page,
    Store,
    Watch,
    Wiped,
)
from strongroom.storage.rewrapping import Rewrapper

# Values decrypted before the event loop gets a turn: about a millisecond.
_CHUNK = 128
# Recent values that are kept in plain, beside those that the watch caches hold anyway.
_RECENT_BYTES = 4 * 1024 * 1024


class _Recent:
    """The newest values in plain and as they are stored, so that nobody opens what was just sealed.

    Each write comes back at once as a watch's event. The stored bytes themselves are the key: what
    was tampered with on its way is not found here.
    """

    def __init__(self, limit: int = _RECENT_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._values: dict[bytes, tuple[str, bytes]] = {}

    def __repr__(self) -> str:
        return f"<{len(self._values)} recent values>"

    def add(self, key: str, value: bytes, stored: bytes) -> None:
        """Keep a value; the oldest go."""
        if stored not in self._values:  # without encryption the same bytes come again
            self._size += len(value) + len(stored)
        self._values[stored] = (key, value)
        while self._size > self._limit:
            oldest = next(iter(self._values))
            self._size -= len(oldest) + len(self._values.pop(oldest)[1])

    def find(self, key: str, stored: bytes) -> bytes | None:
        """The plain value, if these bytes were stored under this key."""
        known = self._values.get(stored)
        return known[1] if known is not None and known[0] == key else None


class EncryptedStore:
    """The `Store` whose values pass through a transformer, with the storage key as context.

    What cannot be decrypted never passes silently and never hides the rest: `get` raises
    `Undecryptable`; `list` raises `UndecryptableList`, which names every such key and carries
    the page of the others; `watch` delivers the event with `error` set and an empty value.
    A write whose value cannot be encrypted raises `StoreUnavailable`.

    Where a key service has to be asked that is another process, a thread waits for it.
    """

    def __init__(self, store: Store, transformer: Transformer) -> None:
        self._store = store
        self._transformer = transformer
        self._recent = _Recent()

    @property
    def stored(self) -> Store:
        """The store with the values as they are stored."""
        return self._store

    def rewrapper(self) -> Rewrapper:
        """What stores values anew that are under an older key."""
        return Rewrapper(self._store, self._transformer)

    @property
    def current_revision(self) -> int:
        return self._store.current_revision

    async def revision(self) -> int:
        return await self._store.revision()

    async def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        stored = await self._store.get(key, revision=revision)
        return None if stored is None else await self._opened(stored)

    async def list(
        self, prefix: str, *, limit: int = 0, start: str = "", revision: int = 0
    ) -> Page:
        page = await self._store.list(prefix, limit=limit, start=start, revision=revision)
        items: list[KeyValue] = []
        failures: list[Undecryptable] = []
        for number, stored in enumerate(page.items, 1):
            try:
                items.append(await self._opened(stored))
            except Undecryptable as failure:
                failures.append(failure)
            if number % _CHUNK == 0:
                await asyncio.sleep(0)
        readable = replace(page, items=items)
        if failures:
            raise UndecryptableList(failures, readable)
        return readable

    async def create(self, key: str, value: bytes, *, beside: Beside = ()) -> int:
        stored, others = await self._sealed(key, value), await self._sealed_beside(beside)
        return await self._store.create(key, stored, beside=others)

    async def update(self, key: str, value: bytes, *, expected: int, beside: Beside = ()) -> int:
        stored, others = await self._sealed(key, value), await self._sealed_beside(beside)
        try:
            return await self._store.update(key, stored, expected=expected, beside=others)
        except RevisionConflict as conflict:
            raise await self._opened_conflict(conflict) from conflict

    async def delete(self, key: str, *, expected: int, beside: Beside = ()) -> int:
        others = await self._sealed_beside(beside)
        try:
            return await self._store.delete(key, expected=expected, beside=others)
        except RevisionConflict as conflict:
            raise await self._opened_conflict(conflict) from conflict

    def watch(self, prefix: str, *, after: int) -> Watch:
        return EncryptedWatch(self._store.watch(prefix, after=after), self._plain, self._asks)

    async def compact(self, revision: int) -> None:
        await self._store.compact(revision)

    async def wipe(self) -> Sequence[Wiped]:
        return await self._store.wipe()

    async def close(self) -> None:
        await self._store.close()

    def _stored(self, key: str, value: bytes) -> bytes:
        try:
            stored = self._transformer.to_storage(value, context=key.encode())
        except EncryptionError as error:
            raise StoreUnavailable(f"cannot encrypt for key {key!r}: {error}") from error
        self._recent.add(key, value, stored)
        return stored

    async def _sealed(self, key: str, value: bytes) -> bytes:
        transformer = self._transformer
        if transformer.quick or not transformer.asks_to_write(context=key.encode()):
            return self._stored(key, value)
        return await asyncio.to_thread(self._stored, key, value)

    async def _sealed_beside(self, beside: Beside) -> Beside:
        """Each value sealed to its own key."""
        if not beside:
            return ()
        return [(key, None if v is None else await self._sealed(key, v)) for key, v in beside]

    def _asks(self, stored: KeyValue) -> bool:
        """Whether opening a value would wait for another process."""
        transformer = self._transformer
        if transformer.quick or self._recent.find(stored.key, stored.value) is not None:
            return False
        return transformer.asks_to_read(stored.value, context=stored.key.encode())

    async def _opened(self, stored: KeyValue) -> KeyValue:
        if self._transformer.quick or not self._asks(stored):
            return self._plain(stored)
        return await asyncio.to_thread(self._plain, stored)

    def _plain(self, stored: KeyValue) -> KeyValue:
        key = stored.key
        known = self._recent.find(key, stored.value)
        if known is not None:
            return KeyValue(key, known, stored.create_revision, stored.mod_revision)
        try:
            plain = self._transformer.from_storage(stored.value, context=key.encode())
        except EncryptionError as error:
            raise Undecryptable(
                key,
                str(error),
                create_revision=stored.create_revision,
                mod_revision=stored.mod_revision,
            ) from error
        return KeyValue(key, plain.value, stored.create_revision, stored.mod_revision)

    async def _opened_conflict(self, conflict: RevisionConflict) -> RevisionConflict:
        """The conflict with the current value decrypted. Raises: `Undecryptable`."""
        current = conflict.current
        opened = None if current is None else await self._opened(current)
        return RevisionConflict(conflict.key, opened)


class EncryptedWatch:
    """Decrypts the batches of another watch.

    Mostly nothing is awaited between the arrival of a batch and its delivery. When a key service
    has to be asked for it, `progress` stays where it was meanwhile, so that it never counts a
    batch that the caller has not seen.
    """

    def __init__(
        self,
        watch: Watch,
        plain: Callable[[KeyValue], KeyValue],
        asks: Callable[[KeyValue], bool],
    ) -> None:
        self._watch = watch
        self._plain = plain
        self._asks = asks
        self._held: int | None = None

    @property
    def progress(self) -> int:
        return self._watch.progress if self._held is None else self._held

    def await_progress(self, waiter: asyncio.Future[None]) -> None:
        self._watch.await_progress(waiter)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Events:
        events = await anext(self._watch)
        if not any(self._asks(stored) for event in events for stored in _stored_in(event)):
            return [self._event(event) for event in events]
        self._held = events[0].revision - 1
        try:
            return await asyncio.to_thread(lambda: [self._event(event) for event in events])
        finally:
            self._held = None

    async def close(self) -> None:
        await self._watch.close()

    def _event(self, event: Event) -> Event:
        previous = None
        if event.previous is not None:
            try:
                previous = self._plain(event.previous)
            except Undecryptable as failure:
                if event.type is EventType.DELETE:
                    return replace(event, value=b"", previous=None, error=failure)
        if event.type is EventType.DELETE:
            last = b"" if previous is None else previous.value
            return replace(event, value=last, previous=previous)
        stored = _put(event)
        try:
            return replace(event, value=self._plain(stored).value, previous=previous)
        except Undecryptable as failure:
            return replace(event, value=b"", previous=previous, error=failure)


def _put(event: Event) -> KeyValue:
    return KeyValue(event.key, event.value, event.create_revision, event.revision)


def _stored_in(event: Event) -> Iterator[KeyValue]:
    """The values of an event that are opened for it."""
    if event.previous is not None:
        yield event.previous
    if event.type is EventType.PUT:
        yield _put(event)
