"""A store says of which format it is, and one of another format is left alone."""

from __future__ import annotations

import msgspec
import pytest

from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.errors import KeyExists, UnknownFormat
from strongroom.storage.format import FORMAT, KEY, Record, check_format, note_format
from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import Beside
from tests.storage.drivers import local_kms


async def test_a_store_gets_its_record_once() -> None:
    store = EncryptedStore(MemoryStore(), local_kms())
    await store.create("/registry/secrets/a/b", b"from before there was a record")
    await check_format(store)
    await note_format(store, "1.2.3")
    record = await store.get(KEY)
    assert record is not None
    assert msgspec.json.decode(record.value, type=Record) == Record(FORMAT, "1.2.3")
    revision = await store.revision()
    await check_format(store)
    await note_format(store, "1.2.4")
    assert await store.revision() == revision


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b'{"format":2,"version":"9.0","more":[]}', "has format 2, of strongroom 9.0; this pro"),
        (b'{"format":"x"}', "not understood"),
        (b"\x00", "not understood"),
    ],
)
async def test_another_format_is_refused_and_nothing_written(value: bytes, said: str) -> None:
    store = MemoryStore()
    revision = await store.create(KEY, value)
    with pytest.raises(UnknownFormat, match=said):
        await check_format(store)
    assert await store.revision() == revision


class Raced(MemoryStore):
    """Another server writes the record just before we do."""

    async def create(self, key: str, value: bytes, *, beside: Beside = ()) -> int:
        await super().create(key, b'{"format":2,"version":"9.0"}', beside=beside)
        raise KeyExists(key)


async def test_what_another_server_wrote_first_counts() -> None:
    with pytest.raises(UnknownFormat, match="has format 2"):
        await note_format(Raced(), "1.2.3")


async def test_a_record_under_a_key_that_is_not_here_tells_nothing() -> None:
    stored = MemoryStore()
    await note_format(EncryptedStore(stored, local_kms(b"a" * 32)), "1.2.3")
    other = EncryptedStore(stored, local_kms(b"b" * 32))
    revision = await stored.revision()
    await check_format(other)
    await note_format(other, "1.2.3")
    assert await stored.revision() == revision
