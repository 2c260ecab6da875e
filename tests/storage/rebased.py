"""A part of a store that others use too, which looks like an empty store of its own at revision 1.

So every test of a run can have the same etcd.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Self

from strongroom.storage.errors import Compacted, FutureRevision, KeyExists, RevisionConflict
from strongroom.storage.port import Beside, Event, Events, KeyValue, Page, Watch, Wiped
from strongroom.storage.serving import Shareable

_numbers = itertools.count()


class RebasedStore:
    """The keys below a prefix that nobody has used, counted from the revision of its opening."""

    def __init__(self, store: Shareable, revision: int) -> None:
        self._store = store
        self._prefix = f"/rebased/{next(_numbers)}:"
        self.base = revision - 1

    @property
    def current_revision(self) -> int:
        return self._store.current_revision - self.base

    @property
    def alone(self) -> bool:
        return self._store.alone

    @property
    def compacted(self) -> int:
        return max(self._store.compacted - self.base, 0)

    async def revision(self) -> int:
        return await self._store.revision() - self.base

    async def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        with self._moved(key):
            found = await self._store.get(self._prefix + key, revision=self._theirs(revision))
        return None if found is None else self.kv(found)

    async def list(
        self, prefix: str, *, limit: int = 0, start: str = "", revision: int = 0
    ) -> Page:
        with self._moved(prefix):
            page = await self._store.list(
                self._prefix + prefix,
                limit=limit,
                start=self._prefix + start,
                revision=self._theirs(revision),
            )
        return replace(page, items=[*map(self.kv, page.items)], revision=page.revision - self.base)

    async def create(self, key: str, value: bytes, *, beside: Beside = ()) -> int:
        others = self._beside(beside)
        with self._moved(key):
            done = await self._store.create(self._prefix + key, value, beside=others)
        return done - self.base

    async def update(self, key: str, value: bytes, *, expected: int, beside: Beside = ()) -> int:
        wanted, others = expected + self.base, self._beside(beside)
        with self._moved(key):
            done = await self._store.update(
                self._prefix + key, value, expected=wanted, beside=others
            )
        return done - self.base

    async def delete(self, key: str, *, expected: int, beside: Beside = ()) -> int:
        wanted, others = expected + self.base, self._beside(beside)
        with self._moved(key):
            done = await self._store.delete(self._prefix + key, expected=wanted, beside=others)
        return done - self.base

    def watch(self, prefix: str, *, after: int) -> Watch:
        return _Watch(self, self._store.watch(self._prefix + prefix, after=after + self.base))

    async def history(self, prefix: str, after: int, upto: int) -> tuple[Events, int]:
        with self._moved(prefix):
            events, reached = await self._store.history(
                self._prefix + prefix, after + self.base, upto + self.base
            )
        return [*map(self.event, events)], reached - self.base

    async def compact(self, revision: int) -> None:
        with self._moved(""):
            await self._store.compact(self._theirs(revision))

    async def wipe(self) -> Sequence[Wiped]:
        return await self._store.wipe()

    async def close(self) -> None:
        await self._store.close()

    def kv(self, kv: KeyValue) -> KeyValue:
        return KeyValue(
            kv.key.removeprefix(self._prefix),
            kv.value,
            kv.create_revision - self.base,
            kv.mod_revision - self.base,
        )

    def event(self, event: Event) -> Event:
        return replace(
            event,
            key=event.key.removeprefix(self._prefix),
            previous=None if event.previous is None else self.kv(event.previous),
            create_revision=event.create_revision - self.base,
            revision=event.revision - self.base,
        )

    def _theirs(self, revision: int) -> int:
        return revision + self.base if revision else 0

    def _beside(self, beside: Beside) -> Beside:
        return [(self._prefix + key, value) for key, value in beside]

    @contextlib.contextmanager
    def _moved(self, key: str) -> Iterator[None]:
        """Errors with our keys and revisions."""
        try:
            yield
        except KeyExists:
            raise KeyExists(key) from None
        except RevisionConflict as error:
            raise RevisionConflict(key, error.current and self.kv(error.current)) from None
        except Compacted as error:
            raise self.compacted_error(error) from None
        except FutureRevision as error:
            raise FutureRevision(error.requested - self.base, error.current - self.base) from None

    def compacted_error(self, error: Compacted) -> Compacted:
        return Compacted(error.requested - self.base, error.compacted - self.base)


class _Watch:
    def __init__(self, store: RebasedStore, watch: Watch) -> None:
        self._store, self._watch = store, watch

    @property
    def progress(self) -> int:
        return self._watch.progress - self._store.base

    def await_progress(self, waiter: asyncio.Future[None]) -> None:
        self._watch.await_progress(waiter)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Events:
        try:
            return [*map(self._store.event, await anext(self._watch))]
        except Compacted as error:
            raise self._store.compacted_error(error) from None

    async def close(self) -> None:
        await self._watch.close()
