"""Which keys values are under, and storing them anew."""

from __future__ import annotations

import pytest

from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.encryption.aes import AESGCMTransformer
from strongroom.storage.encryption.identity import IdentityTransformer
from strongroom.storage.encryption.port import KeyServiceError, Plain, Transformer
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.encryption.stored import Stored, prefix_of
from strongroom.storage.errors import StoreUnavailable
from strongroom.storage.memory import MemoryStore
from strongroom.storage.rewrapping import oldest_revision, survey, survey_history

OLD = (prefix_of("aesgcm", "old"), AESGCMTransformer(b"o" * 32))
NEW = (prefix_of("aesgcm", "new"), AESGCMTransformer(b"n" * 32))
CLEAR = (b"", IdentityTransformer())


def key(number: int) -> str:
    return f"/registry/secrets/default/s{number:03}"


@pytest.fixture
async def memory() -> MemoryStore:
    """Ten values under the old key, one in the clear, one that nobody can read."""
    memory = MemoryStore()
    before = EncryptedStore(memory, PrefixTransformer([OLD]))
    for number in range(10):
        await before.create(key(number), b"value %d" % number)
    await memory.create("/registry/pods/default/p", b"{}")
    await memory.create("/registry/pods/default/q", b"k8s:enc:aescbc:v1:lost:junk")
    return memory


async def test_what_is_stored_is_counted(memory: MemoryStore) -> None:
    found = await survey(memory)
    assert found.tally == {
        ("secrets", Stored("aesgcm", "old")): 10,
        ("pods", Stored("identity")): 1,
        ("pods", Stored("aescbc", "lost")): 1,
    }
    assert found.samples[Stored("identity")].value == b"{}"
    assert (await survey(memory, revision=4)).tally == {("secrets", Stored("aesgcm", "old")): 3}
    assert "value" not in repr(found)


async def test_stale_values_are_stored_anew(memory: MemoryStore) -> None:
    store = EncryptedStore(memory, PrefixTransformer([NEW, OLD, CLEAR]))
    failed: list[str] = []
    work, start, rewritten = store.rewrapper(), "", 0
    while True:
        step = await work.step(start, 5)
        rewritten += step.rewritten
        failed += step.failed
        start = step.start
        if not start:
            break
    assert (rewritten, failed) == (11, ["/registry/pods/default/q"])
    now = await survey(memory)
    assert now.tally[("secrets", Stored("aesgcm", "new"))] == 10
    assert now.tally[("pods", Stored("aesgcm", "new"))] == 1
    found = await EncryptedStore(memory, PrefixTransformer([NEW])).get(key(3))
    assert found is not None
    assert (found.value, found.create_revision) == (b"value 3", 5)
    before = memory.current_revision
    assert (await work.step("", 100)).rewritten == 0
    assert memory.current_revision == before


async def test_who_writes_meanwhile_wins(memory: MemoryStore) -> None:
    class Writes(MemoryStore):
        """Has everything written by somebody else, just before it is stored anew."""

        async def update(self, key: str, value: bytes, **more: object) -> int:
            expected = int(str(more["expected"]))
            fresh = PrefixTransformer([NEW]).to_storage(b"newer", context=key.encode())
            await super().update(key, fresh, expected=expected)
            return await super().update(key, value, expected=expected)

    store = Writes()
    before = EncryptedStore(store, PrefixTransformer([OLD]))
    await before.create(key(1), b"older")
    step = await EncryptedStore(store, PrefixTransformer([NEW, OLD])).rewrapper().step("", 10)
    assert (step.seen, step.rewritten, step.failed) == (1, 0, ())
    found = await EncryptedStore(store, PrefixTransformer([NEW])).get(key(1))
    assert found is not None
    assert found.value == b"newer"


async def test_history_counts_every_version_that_is_kept(memory: MemoryStore) -> None:
    store = EncryptedStore(memory, PrefixTransformer([NEW, OLD, CLEAR]))
    await store.rewrapper().step("", 100)
    old, new = ("secrets", Stored("aesgcm", "old")), ("secrets", Stored("aesgcm", "new"))
    history = (await survey_history(memory)).tally
    assert (history[old], history[new]) == (10, 10)
    await memory.compact(memory.current_revision)
    assert await oldest_revision(memory) == memory.current_revision
    history = (await survey_history(memory)).tally
    assert (history[old], history[new]) == (0, 10)


async def test_what_servers_tell_of_each_other_is_no_history() -> None:
    memory = MemoryStore()
    told = await memory.create("~strongroom/up/1", b"https://127.0.0.1:6443")
    await memory.delete("~strongroom/up/1", expected=told)
    assert not (await survey_history(memory)).tally


async def test_ways_of_writing_and_reading_are_told(memory: MemoryStore) -> None:
    class Away:
        """A key service that does not answer."""

        quick = True

        def to_storage(self, value: bytes, *, context: bytes) -> bytes:
            raise KeyServiceError("no answer")

        def from_storage(self, value: bytes, *, context: bytes) -> Plain:
            raise KeyServiceError("no answer")

        def asks_to_read(self, value: bytes, *, context: bytes) -> bool:
            return False

        def asks_to_write(self, *, context: bytes) -> bool:
            return False

    samples = (await survey(memory)).samples
    work = EncryptedStore(memory, PrefixTransformer([NEW, OLD])).rewrapper()
    assert await work.writes(["secrets", ""]) == {Stored("aesgcm", "new")}
    assert await work.readable(samples[Stored("aesgcm", "old")])
    assert not await work.readable(samples[Stored("aescbc", "lost")])
    away: Transformer = Away()
    work = EncryptedStore(memory, PrefixTransformer([(NEW[0], away), OLD])).rewrapper()
    assert await work.writes(["secrets"]) == set()
    with pytest.raises(StoreUnavailable, match="cannot encrypt for key"):
        await work.step("", 100)
    assert (await survey(memory)).tally[("secrets", Stored("aesgcm", "old"))] == 10
