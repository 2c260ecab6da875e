"""What is usual: who has read which Secret before, and from where tokens of Secrets are used.

A pair is eight bytes and a day: nobody can tell from them who reads what. They are kept in parts,
so that a new pair costs the writing of one small part.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import blake2b

PARTS = 64
MOST = 100_000
"""Pairs that are remembered; the ones that were not seen for longest go first."""

_DAY = 86400
_AGAIN = 7
"""Days after which it is written down that a pair was seen again."""
_ENTRY = struct.Struct(">QH")
_SEPARATOR = "\0"
"""Stands in no name, and so no two pairs read the same."""


class Memory:
    """Pairs that were seen. ``changed`` are the parts that are to be written."""

    def __init__(self, most: int = MOST) -> None:
        self._days: dict[int, int] = {}
        self._most = most
        self.changed: set[int] = set()

    def __len__(self) -> int:
        return len(self._days)

    def knows(self, now: float, *words: str) -> bool:
        """Whether this was seen before; if so, it is seen again now."""
        key = _key(words)
        day = self._days.get(key)
        if day is None:
            return False
        today = int(now) // _DAY
        if today - day >= _AGAIN:
            self._put(key, today)
        return True

    def learn(self, now: float, *words: str) -> None:
        """Know this from now on."""
        key = _key(words)
        self._put(key, int(now) // _DAY)
        if len(self._days) > self._most:
            oldest = next(iter(self._days))
            del self._days[oldest]
            self.changed.add(oldest % PARTS)

    def _put(self, key: int, day: int) -> None:
        # At the end: the first are those that were not seen for longest.
        self._days.pop(key, None)
        self._days[key] = day
        self.changed.add(key % PARTS)

    def parts(self) -> Iterator[tuple[int, bytes]]:
        """The changed parts, which count as written from now on."""
        changed, self.changed = self.changed, set()
        if not changed:
            return
        texts: dict[int, list[bytes]] = {part: [] for part in changed}
        for key, day in self._days.items():
            found = texts.get(key % PARTS)
            if found is not None:
                found.append(_ENTRY.pack(key, day))
        for part, entries in texts.items():
            yield part, b"".join(entries)

    def load(self, texts: list[bytes]) -> None:
        """Know what was written once, beside what was learned since."""
        entries = [
            entry
            for text in texts
            for entry in _ENTRY.iter_unpack(text[: len(text) // _ENTRY.size * _ENTRY.size])
        ]
        entries.sort(key=lambda entry: entry[1])
        since, self._days = self._days, {}
        for key, day in entries[-self._most :]:
            self._days[key] = day
        for key, day in since.items():
            self._days.pop(key, None)
            self._days[key] = day


def _key(words: tuple[str, ...]) -> int:
    text = _SEPARATOR.join(words)
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest())
