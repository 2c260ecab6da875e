"""Files of bbolt, the B+tree under etcd, read and never written.

A file is made of pages of one size. Page 0 and 1 say where the tree of buckets begins; the valid
one with the larger transaction counts. A page, with as many as ``overflow`` says behind it:

    id u64, flags u16, count u16, overflow u32           then ``count`` elements:
    branch   pos u32, key size u32, page u64             key at pos, from the element on
    leaf     flags u32, pos u32, key size u32, value size u32

A bucket is a leaf's value: root u64, sequence u64; with root 0 its only page stands behind that.
The format is little-endian on every machine that etcd supports (go.etcd.io/bbolt, ``page.go``,
``bucket.go``, ``db.go``).

Nothing in a file is believed: places are compared with what they must lie in, and a page that is
come upon twice ends the reading, so that no file has it go on for ever.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from strongroom.snapshot.errors import BadSnapshot

Place = tuple[int, int]
"""Where something begins in the file, and how long it is."""

MAGIC, VERSION = 0xED0CDAED, 2
BRANCH, LEAF, META = 0x01, 0x02, 0x04
IS_BUCKET = 0x01
SMALLEST_PAGE, LARGEST_PAGE = 512, 65536

PAGE_HEAD = struct.Struct("<QHHI")
META_BODY = struct.Struct("<IIIIQQQQQ")
META_SUM = struct.Struct("<Q")
BRANCH_ELEMENT = struct.Struct("<IIQ")
LEAF_ELEMENT = struct.Struct("<IIII")
BUCKET_HEAD = struct.Struct("<QQ")

_DEEPEST = 64
_FNV_START, _FNV_PRIME, _64_BITS = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Meta:
    """What page 0 or 1 says: size of the pages, root of the tree, pages in use."""

    page_size: int
    root: int
    pages: int
    transaction: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """A tree: the page of its root, or the place of its only page within another one."""

    root: int
    inline: Place = (0, 0)


@dataclass(frozen=True, slots=True)
class _Page:
    id: int
    flags: int
    count: int
    start: int
    end: int


class BoltFile:
    """The trees of a file, which must not change meanwhile. Raises BadSnapshot."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self.meta = _newest(data)

    def bucket(self, name: bytes) -> Bucket | None:
        """A bucket of the uppermost tree; None if there is none. Raises BadSnapshot."""
        for key, value, flags in self.items(Bucket(self.meta.root)):
            if flags & IS_BUCKET and self.bytes_at(key) == name:
                return self._bucket(value)
        return None

    def items(self, bucket: Bucket) -> Iterator[tuple[Place, Place, int]]:
        """Keys, values and flags of a tree, in the order of the keys. Raises BadSnapshot."""
        if not bucket.root:
            start, size = bucket.inline
            yield from self._leaf(self._page_in(start, start + size, id=0))
            return
        seen = bytearray(self.meta.pages // 8 + 1)
        waiting = [(bucket.root, 0)]
        while waiting:
            number, depth = waiting.pop()
            page = self._page(number)
            if depth > _DEEPEST:
                raise BadSnapshot("the tree is deeper than any")
            self._mark(page, seen)
            if page.flags & LEAF:
                yield from self._leaf(page)
            elif page.flags & BRANCH:
                # The last one goes on the stack first.
                waiting += [(child, depth + 1) for child in reversed(self._children(page))]
            else:
                raise BadSnapshot(f"page {number} is no part of a tree")

    def bytes_at(self, place: Place) -> bytes:
        """What stands at a place that this gave."""
        start, size = place
        return bytes(self._data[start : start + size])

    def _bucket(self, value: Place) -> Bucket:
        start, size = value
        if size < BUCKET_HEAD.size:
            raise BadSnapshot("a bucket is cut short")
        root, _ = BUCKET_HEAD.unpack_from(self._data, start)
        return Bucket(root, (start + BUCKET_HEAD.size, size - BUCKET_HEAD.size))

    def _page(self, number: int) -> _Page:
        size = self.meta.page_size
        if not 2 <= number < self.meta.pages:
            raise BadSnapshot(f"page {number} is not in the file")
        page = self._page_in(number * size, len(self._data), id=number)
        _, _, _, overflow = PAGE_HEAD.unpack_from(self._data, number * size)
        end = (number + 1 + overflow) * size
        if end > self.meta.pages * size or end > len(self._data):
            raise BadSnapshot(f"page {number} reaches beyond the end of the file")
        return _Page(number, page.flags, page.count, page.start, end)

    def _mark(self, page: _Page, seen: bytearray) -> None:
        """Take note of a page and of those that it reaches over. Raises BadSnapshot."""
        for number in range(page.id, page.end // self.meta.page_size):
            if seen[number // 8] & 1 << number % 8:
                raise BadSnapshot(f"page {number} is in the tree twice")
            seen[number // 8] |= 1 << number % 8

    def _page_in(self, start: int, end: int, *, id: int) -> _Page:  # noqa: A002 - as the file has it
        if end - start < PAGE_HEAD.size:
            raise BadSnapshot(f"page {id} is cut short")
        told, flags, count, _ = PAGE_HEAD.unpack_from(self._data, start)
        if told != id:
            raise BadSnapshot(f"page {id} is another one, {told}")
        return _Page(id, flags, count, start, end)

    def _children(self, page: _Page) -> list[int]:
        first = page.start + PAGE_HEAD.size
        if first + page.count * BRANCH_ELEMENT.size > page.end:
            raise BadSnapshot(f"page {page.id} is cut short")
        return [
            BRANCH_ELEMENT.unpack_from(self._data, first + number * BRANCH_ELEMENT.size)[2]
            for number in range(page.count)
        ]

    def _leaf(self, page: _Page) -> Iterator[tuple[Place, Place, int]]:
        first = page.start + PAGE_HEAD.size
        if first + page.count * LEAF_ELEMENT.size > page.end:
            raise BadSnapshot(f"page {page.id} is cut short")
        free = first + page.count * LEAF_ELEMENT.size
        for at in range(first, free, LEAF_ELEMENT.size):
            flags, position, key_size, value_size = LEAF_ELEMENT.unpack_from(self._data, at)
            key = at + position
            value = key + key_size
            # One behind the other, as bbolt writes them: no file says more than it is long.
            if key < free:
                raise BadSnapshot(f"page {page.id} has a value twice")
            free = value + value_size
            if free > page.end:
                raise BadSnapshot(f"page {page.id} has a value beyond its end")
            yield (key, key_size), (value, value_size), flags


def _newest(data: memoryview) -> Meta:
    """The meta page that counts: the newest of those that are whole."""
    first = _meta(data, 0)
    # Where the first one is damaged, the second is looked for behind pages of any size.
    sizes = [first.page_size] if first else _page_sizes()
    found = [meta for size in sizes if (meta := _meta(data, size)) and meta.page_size == size]
    every = [*found, *([first] if first else [])]
    if not every:
        raise BadSnapshot("it is no snapshot of etcd, or its first pages are damaged")
    newest = max(every, key=lambda meta: meta.transaction)
    if newest.pages * newest.page_size > len(data):
        raise BadSnapshot("it is cut short")
    return newest


def _page_sizes() -> list[int]:
    size, found = SMALLEST_PAGE, []
    while size <= LARGEST_PAGE:
        found.append(size)
        size *= 2
    return found


def _meta(data: memoryview, at: int) -> Meta | None:
    """The meta page that begins there, if it is one and whole."""
    start = at + PAGE_HEAD.size
    if start + META_BODY.size + META_SUM.size > len(data):
        return None
    magic, version, page_size, _, root, _, _, pages, transaction = META_BODY.unpack_from(
        data, start
    )
    (checksum,) = META_SUM.unpack_from(data, start + META_BODY.size)
    if magic != MAGIC or version != VERSION or page_size not in _page_sizes():
        return None
    if checksum != fnv(data[start : start + META_BODY.size]):
        return None
    return Meta(page_size, root, pages, transaction)


def fnv(data: memoryview | bytes) -> int:
    """FNV-1a with 64 bits, the checksum of meta pages."""
    found = _FNV_START
    for byte in data:
        found = (found ^ byte) * _FNV_PRIME & _64_BITS
    return found
