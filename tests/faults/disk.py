"""A disk with a cache in front of it, as far as a power cut goes.

What is written is in the cache, in pages; a sync takes the dirty pages of a file to the disk. A
sync that fails leaves the disk as it was and the pages clean: Linux does not try them again, though
it goes on reading them from the cache. When the power goes, any part of what is dirty may have
reached the disk, down to sectors of 512 bytes. Names are made and removed in order; how many of
them are there after a power cut is open until their directory is synced.
"""

from __future__ import annotations

from enum import Enum
from random import Random

PAGE, SECTOR = 4096, 512


class Fate(Enum):
    """What becomes of dirty pages when the power goes."""

    LOST = "lost"
    KEPT = "kept"
    SOME = "some"
    TORN = "torn"


class File:
    """The content of a file, in the cache and on disk."""

    def __init__(self) -> None:
        self.cache, self.disk = bytearray(), bytearray()
        self._dirty: set[int] = set()

    def write(self, offset: int, data: bytes) -> None:
        end = offset + len(data)
        if len(self.cache) < end:
            self.cache.extend(bytes(end - len(self.cache)))
        self.cache[offset:end] = data
        self._dirty.update(range(offset // PAGE, -(-end // PAGE)))

    def truncate(self, size: int) -> None:
        del self.cache[size:]
        self.cache.extend(bytes(size - len(self.cache)))
        # The end of the last page is zeroed.
        self._dirty.add(size // PAGE)

    def sync(self, *, ok: bool) -> None:
        if ok:
            self._resize(self.disk, len(self.cache))
            for page in self._dirty:
                self.disk[page * PAGE : (page + 1) * PAGE] = self._cached(page)
        self._dirty.clear()

    def after_cut(self, random: Random, fate: Fate) -> bytes:
        """What a power cut may leave."""
        found = bytearray(self.disk)
        if fate is Fate.LOST:
            return bytes(found)
        kept = fate is Fate.KEPT or random.random() < 0.5
        if kept:
            self._resize(found, len(self.cache))
        for page in sorted(self._dirty):
            if fate is not Fate.KEPT and random.random() < 0.5:
                continue
            for start in range(page * PAGE, (page + 1) * PAGE, SECTOR):
                if fate is not Fate.TORN or random.random() < 0.5:
                    data = self.cache[start : start + SECTOR][: max(0, len(found) - start)]
                    found[start : start + len(data)] = data
        return bytes(found)

    def _cached(self, page: int) -> bytes:
        return bytes(self.cache[page * PAGE : (page + 1) * PAGE])

    @staticmethod
    def _resize(content: bytearray, size: int) -> None:
        del content[size:]
        content.extend(bytes(size - len(content)))


class Disk:
    """The files of one directory."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self._named: dict[str, File] = {}
        self._pending: list[tuple[str, File | None]] = []

    def create(self, name: str) -> None:
        """A file is opened that may be there already."""
        if name not in self.files:
            self.files[name] = File()
            self._pending.append((name, self.files[name]))

    def unlink(self, name: str) -> None:
        if self.files.pop(name, None) is not None:
            self._pending.append((name, None))

    def sync_names(self) -> None:
        self._named = self._names(len(self._pending))
        self._pending.clear()

    def after_cut(self, random: Random, fate: Fate) -> dict[str, bytes]:
        """What is on the disk when the power is back."""
        upto = random.randint(0, len(self._pending))
        if fate in (Fate.LOST, Fate.KEPT):
            upto = 0 if fate is Fate.LOST else len(self._pending)
        return {name: file.after_cut(random, fate) for name, file in self._names(upto).items()}

    def _names(self, upto: int) -> dict[str, File]:
        names = dict(self._named)
        for name, file in self._pending[:upto]:
            if file is None:
                names.pop(name, None)
            else:
                names[name] = file
        return names
