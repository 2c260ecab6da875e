"""What etcd keeps in a file: the newest version of each key, and the versions before."""

from __future__ import annotations

import pytest

from strongroom.snapshot import bolt
from strongroom.snapshot.errors import BadSnapshot
from strongroom.snapshot.keys import Keys
from tests.snapshot.files import Pages, Put, database

PUTS = [
    Put("/registry/a", b"first", 2),
    Put("/registry/b", b"kept", 3),
    Put("/other/c", b"elsewhere", 4),
    Put("/registry/a", b"second", 5),
    Put("/registry/d", b"gone", 5, 1),
    Put("/registry/d", None, 6),
    Put("/registry/e", b"gone", 7),
    Put("/registry/e", None, 8),
    Put("/registry/e", b"", 9),
]


def values(keys: Keys) -> list[tuple[bytes, bytes]]:
    return [(key, keys.value(place)) for key, place in keys.now().items()]


@pytest.mark.parametrize("inline", [False, True])
def test_the_newest_version_of_each_key(inline: bool) -> None:
    keys = Keys(memoryview(database(PUTS, inline=inline)), b"/registry/")
    assert values(keys) == [
        (b"/registry/a", b"second"),
        (b"/registry/b", b"kept"),
        (b"/registry/e", b""),
    ]
    assert keys.revision == 9


def test_every_version() -> None:
    keys = Keys(memoryview(database(PUTS)))
    found = [(v.key, v.revision, v.record and keys.value(v.record)) for v in keys.versions()]
    assert found == [(put.key.encode(), put.main, put.value) for put in PUTS]


def test_an_empty_etcd_has_no_keys() -> None:
    keys = Keys(memoryview(database([])))
    assert values(keys) == []
    assert keys.revision == 0


def keys_of(elements: list[tuple[bytes, bytes, int]], name: bytes = b"key") -> Keys:
    pages = Pages()
    tree = pages.tree(elements, 100)
    bucket = (name, bolt.BUCKET_HEAD.pack(tree, 0), bolt.IS_BUCKET)
    return Keys(memoryview(pages.file(pages.leaf([bucket]))))


def test_a_database_of_others_is_told() -> None:
    with pytest.raises(BadSnapshot, match="not of etcd"):
        keys_of([], b"volumes")


KEY, VALUE, _ = Put("/registry/a", b"v", 2).element()


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        (b"short", VALUE, "a revision is no such"),
        (KEY[:8] + b"-" + KEY[9:], VALUE, "a revision is no such"),
        (KEY + b"x", VALUE, "a revision is no such"),
        (KEY, VALUE[:-3], "a record is cut short"),
        (KEY, b"\x0a\xff\xff\xff\xff\x0fa", "a record is cut short"),
        (KEY, b"\x0a\x7fa", "a record is cut short"),
        (KEY, b"\x0b", "a field of an unknown form"),
        (KEY, b"\xff" * 12, "a record is cut short"),
    ],
)
def test_damaged_records_are_told(key: bytes, value: bytes, told: str) -> None:
    with pytest.raises(BadSnapshot, match=told):
        values(keys_of([(key, value, 0)]))


def test_revisions_out_of_order_are_told() -> None:
    with pytest.raises(BadSnapshot, match="revision 2 is out of order"):
        keys_of([(KEY, VALUE, 0), (KEY, VALUE, 0)]).now()


def test_fields_that_nobody_knows_are_passed_over() -> None:
    more = b"\x41" + bytes(8) + b"\x4d" + bytes(4) + b"\x7a\x01x"
    assert values(keys_of([(KEY, more + VALUE, 0)])) == [(b"/registry/a", b"v")]
