"""The reader of bbolt's pages: trees of any depth, and files that lie."""

from __future__ import annotations

import struct

import pytest

from strongroom.snapshot import bolt
from strongroom.snapshot.bolt import BoltFile, Bucket
from strongroom.snapshot.errors import BadSnapshot
from tests.snapshot.files import SIZE, Element, Pages, inline_bucket


def elements(count: int, size: int = 5) -> list[Element]:
    return [(f"k{n:05}".encode(), bytes([n % 256]) * size, 0) for n in range(count)]


def contents(data: bytes, root: int) -> list[Element]:
    file = BoltFile(memoryview(data))
    return [(file.bytes_at(k), file.bytes_at(v), f) for k, v, f in file.items(Bucket(root))]


@pytest.mark.parametrize("size", [0, 5, 700])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 100])
def test_trees_of_several_levels_and_values_over_several_pages(count: int, size: int) -> None:
    pages = Pages()
    root = pages.tree(elements(count, size), 3)
    assert contents(pages.file(root), root) == elements(count, size)


def test_buckets_by_name() -> None:
    pages = Pages()
    tree = pages.tree(elements(10), 3)
    inline = inline_bucket(elements(2))
    root = pages.leaf(
        [
            (b"inline", inline, bolt.IS_BUCKET),
            (b"tree", bolt.BUCKET_HEAD.pack(tree, 7), bolt.IS_BUCKET),
            (b"value", b"no bucket", 0),
        ]
    )
    file = BoltFile(memoryview(pages.file(root)))
    found = {name: file.bucket(name) for name in (b"tree", b"inline", b"value", b"none")}
    assert found[b"value"] is None
    assert found[b"none"] is None
    tree_bucket, inline_one = found[b"tree"], found[b"inline"]
    assert tree_bucket is not None
    assert len(list(file.items(tree_bucket))) == 10
    assert inline_one is not None
    assert [file.bytes_at(k) for k, _, _ in file.items(inline_one)] == [b"k00000", b"k00001"]


@pytest.mark.parametrize("transactions", [(4, 3), (3, 4)])
def test_the_newer_of_two_first_pages_counts(transactions: tuple[int, int]) -> None:
    pages = Pages()
    root = pages.leaf(elements(1))
    meta = BoltFile(memoryview(pages.file(root, transactions=transactions))).meta
    assert (meta.root, meta.transaction, meta.page_size) == (root, 4, SIZE)


@pytest.mark.parametrize("damaged", [0, 1])
def test_one_damaged_first_page_does_not_matter(damaged: int) -> None:
    pages = Pages()
    root = pages.leaf(elements(1))
    data = bytearray(pages.file(root, transactions=(2, 2)))
    data[damaged * SIZE + 40] ^= 1
    assert contents(bytes(data), root) == elements(1)
    data[(1 - damaged) * SIZE + 40] ^= 1
    with pytest.raises(BadSnapshot, match="no snapshot of etcd"):
        BoltFile(memoryview(data))


def broken(at: int, form: str, value: int) -> bytes:
    """A branch over two leaves (pages 2 and 3, the branch is 4), with one number changed."""
    pages = Pages()
    root = pages.tree(elements(4), 2)
    assert root == 4
    data = bytearray(pages.file(root))
    struct.pack_into(form, data, at, value)
    return bytes(data)


FIRST = bolt.PAGE_HEAD.size
BRANCH, LEAF = 4 * SIZE, 2 * SIZE


@pytest.mark.parametrize(
    ("at", "form", "value", "told"),
    [
        (BRANCH + FIRST + 8, "<Q", 4, "page 4 is in the tree twice"),
        (BRANCH + FIRST + 8, "<Q", 3, "page 3 is in the tree twice"),
        (BRANCH + FIRST + 8, "<Q", 99, "page 99 is not in the file"),
        (BRANCH + FIRST + 8, "<Q", 0, "page 0 is not in the file"),
        (BRANCH + 10, "<H", 60_000, "page 4 is cut short"),
        (LEAF, "<Q", 5, "page 2 is another one, 5"),
        (LEAF + 8, "<H", 0x10, "page 2 is no part of a tree"),
        (LEAF + 10, "<H", 60_000, "page 2 is cut short"),
        (LEAF + 12, "<I", 0xFFFFFFFF, "page 2 reaches beyond the end"),
        (LEAF + 12, "<I", 1, "page 3 is in the tree twice"),
        (LEAF + FIRST + 12, "<I", 0xFFFFFFFF, "page 2 has a value beyond its end"),
        (LEAF + FIRST + 4, "<I", 0xFFFFFFFF, "page 2 has a value beyond its end"),
        (LEAF + FIRST + 4, "<I", 0, "page 2 has a value twice"),
        (LEAF + FIRST + 20, "<I", 16, "page 2 has a value twice"),
    ],
)
def test_what_cannot_be_is_told(at: int, form: str, value: int, told: str) -> None:
    with pytest.raises(BadSnapshot, match=told):
        contents(broken(at, form, value), 4)


def test_a_file_that_is_cut_short_is_refused() -> None:
    pages = Pages()
    data = pages.file(pages.leaf(elements(9, 200)))
    with pytest.raises(BadSnapshot, match="cut short"):
        BoltFile(memoryview(data[:-SIZE]))
    for size in (0, 1, SIZE, 2 * SIZE - 1):
        with pytest.raises(BadSnapshot):
            BoltFile(memoryview(data[:size]))


def test_the_checksum_is_fnv() -> None:
    # http://www.isthe.com/chongo/tech/comp/fnv/: the values of "" and "a".
    assert bolt.fnv(b"") == 0xCBF29CE484222325
    assert bolt.fnv(b"a") == 0xAF63DC4C8601EC8C
