"""Snapshot files as etcd writes them, made for tests page by page."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from strongroom.snapshot import bolt
from strongroom.storage.encryption.wire import field, number_field

SIZE = 512
Element = tuple[bytes, bytes, int]
"""Key, value and flags."""


@dataclass(frozen=True)
class Put:
    """A key written, or deleted where the value is None."""

    key: str
    value: bytes | None
    main: int
    sub: int = 0

    def element(self) -> Element:
        key = self.main.to_bytes(8, "big") + b"_" + self.sub.to_bytes(8, "big")
        record = field(1, self.key.encode()) + number_field(3, self.main)
        if self.value is None:
            return key + b"t", record, 0
        return key, record + field(5, self.value) + number_field(6, 0), 0


class Pages:
    """Pages in the making; the first two are those that say where the rest is."""

    def __init__(self) -> None:
        self.pages: list[bytes] = [b"", b""]

    def leaf(self, elements: Sequence[Element]) -> int:
        return self._add(leaf_content(elements), bolt.LEAF, len(elements))

    def branch(self, children: Sequence[tuple[bytes, int]]) -> int:
        head, tail = b"", b""
        for number, (key, page) in enumerate(children):
            at = (len(children) - number) * bolt.BRANCH_ELEMENT.size + len(tail)
            head += bolt.BRANCH_ELEMENT.pack(at, len(key), page)
            tail += key
        return self._add(head + tail, bolt.BRANCH, len(children))

    def tree(self, elements: Sequence[Element], width: int) -> int:
        """Pages of ``width`` elements each, as many levels as it takes; the root."""
        parts = [elements[at : at + width] for at in range(0, len(elements), width)] or [[]]
        level = [(part[0][0] if part else b"", self.leaf(part)) for part in parts]
        while len(level) > 1:
            groups = [level[at : at + width] for at in range(0, len(level), width)]
            level = [(group[0][0], self.branch(group)) for group in groups]
        return level[0][1]

    def file(self, root: int, *, transactions: tuple[int, int] = (1, 2)) -> bytes:
        """The file with this tree of buckets; the first page is of another root if it is older."""
        newest = max(transactions)
        for number, transaction in enumerate(transactions):
            here = root if transaction == newest else 0
            body = bolt.META_BODY.pack(
                bolt.MAGIC, bolt.VERSION, SIZE, 0, here, 0, 0, len(self.pages), transaction
            )
            content = body + bolt.META_SUM.pack(bolt.fnv(body))
            self.pages[number] = page(number, bolt.META, 0, content)
        return b"".join(self.pages)

    def _add(self, content: bytes, flags: int, count: int) -> int:
        number = len(self.pages)
        whole = page(number, flags, count, content)
        self.pages += [whole[at : at + SIZE] for at in range(0, len(whole), SIZE)]
        return number


def leaf_content(elements: Sequence[Element]) -> bytes:
    head, tail = b"", b""
    for number, (key, value, flags) in enumerate(elements):
        at = (len(elements) - number) * bolt.LEAF_ELEMENT.size + len(tail)
        head += bolt.LEAF_ELEMENT.pack(flags, at, len(key), len(value))
        tail += key + value
    return head + tail


def page(number: int, flags: int, count: int, content: bytes) -> bytes:
    overflow = (bolt.PAGE_HEAD.size + len(content) - 1) // SIZE
    whole = bolt.PAGE_HEAD.pack(number, flags, count, overflow) + content
    return whole.ljust((overflow + 1) * SIZE, b"\0")


def inline_bucket(elements: Sequence[Element]) -> bytes:
    head = bolt.PAGE_HEAD.pack(0, bolt.LEAF, len(elements), 0)
    return bolt.BUCKET_HEAD.pack(0, 0) + head + leaf_content(elements)


def database(puts: Iterable[Put], *, width: int = 3, inline: bool = False) -> bytes:
    """A file that holds these, with a bucket ``meta`` beside them as etcd's have."""
    pages, elements = Pages(), [put.element() for put in puts]
    if inline:
        value = inline_bucket(elements)
    else:
        value = bolt.BUCKET_HEAD.pack(pages.tree(elements, width), 0)
    meta = inline_bucket([(b"consistent_index", bytes(8), 0)])
    buckets = [(b"key", value, bolt.IS_BUCKET), (b"meta", meta, bolt.IS_BUCKET)]
    return pages.file(pages.leaf(buckets))


def summed(data: bytes) -> bytes:
    """With the checksum that ``etcdctl snapshot save`` puts behind it."""
    return data + hashlib.sha256(data).digest()
