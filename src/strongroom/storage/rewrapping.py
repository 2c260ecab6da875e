"""Under which keys values are stored, and storing anew what is under an older one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from strongroom.storage.encryption.choosing import section
from strongroom.storage.encryption.port import EncryptionError, Transformer
from strongroom.storage.encryption.stored import Stored, look
from strongroom.storage.errors import Compacted, RevisionConflict, StoreUnavailable
from strongroom.storage.places import SERVERS
from strongroom.storage.port import Event, EventType, KeyValue, Store

_PAGE = 256
_CHUNK = 64
# Values that are stored anew at once: few enough that other writers hardly wait for them.
_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Survey:
    """How the values of a store are stored.

    ``tally`` counts them by the section of their keys (see ``choosing.section``), ``samples`` has
    one value for each way.
    """

    tally: Counter[tuple[str, Stored]] = field(default_factory=Counter)
    samples: dict[Stored, KeyValue] = field(default_factory=dict, repr=False)


async def survey(stored: Store, *, revision: int = 0) -> Survey:
    """Look at all values as the driver holds them, now or as of a revision. Raises StoreError."""
    found, start = Survey(), ""
    while True:
        page = await stored.list("", limit=_PAGE, start=start, revision=revision)
        for number, item in enumerate(page.items, 1):
            _count(found, item)
            if number % _CHUNK == 0:
                await asyncio.sleep(0)
        if not page.more:
            return found
        revision, start = page.revision, after(page.items[-1].key)


async def survey_history(stored: Store) -> Survey:
    """Look at all values that can be read at any revision: those of the oldest that is kept, and
    all that were written since. Raises StoreError.
    """
    while True:
        oldest, newest = await oldest_revision(stored), await stored.revision()
        watch = stored.watch("", after=oldest)
        try:
            found = await survey(stored, revision=oldest)
            while watch.progress < newest:
                for number, event in enumerate(await anext(watch), 1):
                    # What servers tell of each other is nothing that is kept, and in no list.
                    if event.type is EventType.PUT and not event.key.startswith(SERVERS):
                        _count(found, _written(event))
                    if number % _CHUNK == 0:
                        await asyncio.sleep(0)
        except Compacted:
            continue  # What is kept has become less meanwhile.
        finally:
            await watch.close()
        return found


async def oldest_revision(stored: Store) -> int:
    """The oldest revision that can be read. Raises StoreError."""
    try:
        await stored.get("/", revision=1)
    except Compacted as error:
        return error.compacted
    return 1


def _count(found: Survey, item: KeyValue) -> None:
    how = look(item.value)
    found.tally[section(item.key), how] += 1
    found.samples.setdefault(how, item)


def _written(event: Event) -> KeyValue:
    return KeyValue(event.key, event.value, event.create_revision, event.revision)


def after(key: str) -> str:
    """The first key behind another."""
    return key + "\0"


@dataclass(frozen=True, slots=True)
class Step:
    """A page of the work. ``start`` is where the next begins, "" at the end."""

    start: str
    seen: int
    rewritten: int
    failed: tuple[str, ...]
    """Keys whose values cannot be read."""


class Rewrapper:
    """Stores values anew that are stale: under another key than new ones, or in the clear.

    Each is replaced where nobody wrote it meanwhile, so whoever watches sees a change of its
    revision and nothing else, as with upstream's migration of storage.
    """

    def __init__(self, stored: Store, transformer: Transformer) -> None:
        self.stored, self._transformer = stored, transformer

    async def step(self, start: str, limit: int) -> Step:
        """Look at the next values, and write those that are stale. Raises StoreError."""
        page = await self.stored.list("", limit=limit, start=start)
        rewritten, failed = 0, []
        for first in range(0, len(page.items), _AT_ONCE):
            some = page.items[first : first + _AT_ONCE]
            # What is written at once shares a flush to disk, or is on its way to etcd together.
            # All end before the step does, so that nothing is written after it has failed.
            ends = await asyncio.gather(*map(self._rewrap, some), return_exceptions=True)
            for item, end in zip(some, ends, strict=True):
                if isinstance(end, EncryptionError):
                    failed.append(item.key)
                elif isinstance(end, BaseException):
                    raise end
                else:
                    rewritten += end
        following = after(page.items[-1].key) if page.more else ""
        return Step(following, len(page.items), rewritten, tuple(failed))

    async def readable(self, item: KeyValue) -> bool:
        """Whether a stored value can be read."""
        try:
            await asyncio.to_thread(self._open, item)
        except EncryptionError:
            return False
        return True

    async def writes(self, sections: Iterable[str]) -> set[Stored]:
        """In which ways new values of these sections of the keys are stored now."""
        found = set()
        for name in sections:
            key = f"/registry/{name}/" if name else "/strongroom/"
            try:
                sealed = await asyncio.to_thread(
                    self._transformer.to_storage, b"", context=key.encode()
                )
            except EncryptionError:
                continue  # In no way, until its key service answers.
            found.add(look(sealed))
        return found

    def _open(self, item: KeyValue) -> None:
        self._transformer.from_storage(item.value, context=item.key.encode())

    async def _rewrap(self, item: KeyValue) -> bool:
        context = item.key.encode()
        if self._transformer.quick:
            sealed = self._seal(item, context)
        else:
            sealed = await asyncio.to_thread(self._seal, item, context)
        if sealed is None:
            return False
        try:
            await self.stored.update(item.key, sealed, expected=item.mod_revision)
        except RevisionConflict:
            return False  # Written meanwhile, with the new key, or gone.
        return True

    def _seal(self, item: KeyValue, context: bytes) -> bytes | None:
        """The value under the new key; None if it is already. Raises EncryptionError."""
        plain = self._transformer.from_storage(item.value, context=context)
        if not plain.stale:
            return None
        try:
            return self._transformer.to_storage(plain.value, context=context)
        except EncryptionError as error:
            # Nothing can be written: that is no fault of this value.
            raise StoreUnavailable(f"cannot encrypt for key {item.key!r}: {error}") from error
