"""What is particular to the encrypting store."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.encryption.identity import IdentityTransformer
from strongroom.storage.encryption.port import KeyServiceError, Plain, Quick
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.errors import (
    KeyExists,
    RevisionConflict,
    StoreUnavailable,
    Undecryptable,
    UndecryptableList,
)
from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import EventType, KeyValue, Page
from tests.storage.drivers import local_kms
from tests.waiting import until


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def store(memory: MemoryStore) -> EncryptedStore:
    return EncryptedStore(memory, local_kms())


async def test_the_driver_sees_no_plaintext(memory: MemoryStore, store: EncryptedStore) -> None:
    first = await store.create("/a", b"hunter2")
    await store.update("/a", b"hunter2", expected=first)
    for revision in (2, 3):
        stored = await memory.get("/a", revision=revision)
        assert stored is not None
        assert stored.value.startswith(b"k8s:enc:kms:v2:local:\n")
        assert b"hunter2" not in stored.value


async def test_what_is_written_beside_a_key_is_sealed_to_its_own(
    memory: MemoryStore, store: EncryptedStore
) -> None:
    made = await store.create("/a", b"hunter2", beside=[("/h/1", b"hunter2")])
    changed = await store.update("/a", b"new", expected=made, beside=[("/h/2", b"hunter2")])
    await store.delete("/a", expected=changed, beside=[("/h/1", None), ("/h/3", b"hunter2")])
    sealed = {kv.key: kv.value for kv in (await memory.list("/h/")).items}
    assert sealed.keys() == {"/h/2", "/h/3"}
    assert all(value.startswith(b"k8s:enc:kms:v2:local:\n") for value in sealed.values())
    assert b"hunter2" not in b"".join(sealed.values())
    # A new wrapper knows nothing in plain: what it tells comes from the driver.
    reader = EncryptedStore(memory, local_kms())
    assert [kv.value for kv in (await reader.list("/h/")).items] == [b"hunter2", b"hunter2"]
    await memory.create("/a", sealed["/h/2"])
    with pytest.raises(Undecryptable):
        await reader.get("/a")


async def test_a_value_moved_to_another_key_is_refused(
    memory: MemoryStore, store: EncryptedStore
) -> None:
    await store.create("/a", b"hunter2")
    stolen = await memory.get("/a")
    assert stolen is not None
    await memory.create("/b", stolen.value)
    with pytest.raises(Undecryptable) as refused:
        await store.get("/b")
    assert refused.value.key == "/b"
    assert "another key" in refused.value.reason
    assert "hunter2" not in str(refused.value)


async def test_a_list_names_what_it_cannot_read_and_keeps_the_rest(
    memory: MemoryStore, store: EncryptedStore
) -> None:
    await store.create("/a", b"1")
    bad = await memory.create("/b", b"plain")
    await store.create("/c", b"2")
    await memory.create("/d", b"plain")
    await store.create("/e", b"3")
    with pytest.raises(UndecryptableList, match="'/b', '/d'") as refused:
        await store.list("/", limit=4)
    assert [failure.key for failure in refused.value.failures] == ["/b", "/d"]
    assert refused.value.failures[0].mod_revision == bad
    page = refused.value.page
    assert [(kv.key, kv.value) for kv in page.items] == [("/a", b"1"), ("/c", b"2")]
    assert (page.more, page.remaining, page.revision) == (True, 1, 6)


async def test_a_watch_goes_on_past_what_it_cannot_read(
    memory: MemoryStore, store: EncryptedStore
) -> None:
    bad = await memory.create("/a", b"plain")
    worse = await memory.update("/a", b"plain too", expected=bad)
    good = await store.update("/a", b"1", expected=worse)
    worst = await memory.update("/a", b"plain again", expected=good)
    await memory.delete("/a", expected=worst)
    watch = store.watch("/", after=1)
    async with asyncio.timeout(10):
        events = await anext(watch)
    assert [event.type.value for event in events] == ["PUT", "PUT", "PUT", "PUT", "DELETE"]
    assert [event.error is None for event in events] == [False, False, True, False, False]
    assert [event.value for event in events] == [b"", b"", b"1", b"", b""]
    assert events[2].previous is None
    assert events[3].previous == KeyValue("/a", b"1", bad, good)
    assert not events[2].created
    assert events[4].type is EventType.DELETE
    await watch.close()


async def test_conflicts_carry_the_plain_current_value(
    memory: MemoryStore, store: EncryptedStore
) -> None:
    revision = await store.create("/a", b"one")
    for conflicting in (store.update("/a", b"", expected=1), store.delete("/a", expected=1)):
        with pytest.raises(RevisionConflict) as refused:
            await conflicting
        assert refused.value.current == KeyValue("/a", b"one", revision, revision)
    await memory.create("/bad", b"plain")
    with pytest.raises(Undecryptable):
        await store.update("/bad", b"", expected=1)


async def test_an_undecryptable_value_can_be_deleted(
    memory: MemoryStore, store: EncryptedStore
) -> None:
    bad = await memory.create("/a", b"plain")
    with pytest.raises(Undecryptable) as refused:
        await store.get("/a")
    await store.delete("/a", expected=refused.value.mod_revision)
    assert refused.value.create_revision == bad
    assert await store.get("/a") is None


async def test_without_its_key_service_nothing_is_written(memory: MemoryStore) -> None:
    class Unreachable(Quick):
        def to_storage(self, value: bytes, *, context: bytes) -> bytes:
            raise KeyServiceError("no answer")

        def from_storage(self, value: bytes, *, context: bytes) -> Plain:
            raise KeyServiceError("no answer")

    await memory.create("/a", b"stored")
    store = EncryptedStore(memory, Unreachable())
    with pytest.raises(StoreUnavailable, match="cannot encrypt for key '/b': no answer"):
        await store.create("/b", b"hunter2")
    with pytest.raises(Undecryptable, match="no answer"):
        await store.get("/a")
    assert memory.current_revision == 2


async def test_plain_values_from_before_are_read(memory: MemoryStore) -> None:
    await memory.create("/a", b'{"kind":"Secret"}')
    kms = local_kms()
    prefix = b"k8s:enc:kms:v2:local:"
    store = EncryptedStore(memory, PrefixTransformer([(b"", IdentityTransformer())]))
    assert (await store.get("/a")) is not None
    mixed = EncryptedStore(memory, PrefixTransformer([(prefix, kms), (b"", IdentityTransformer())]))
    found = await mixed.get("/a")
    assert found is not None
    assert found.value == b'{"kind":"Secret"}'


class Counting(Quick):
    """A transformer that counts what it opens."""

    def __init__(self) -> None:
        self.opened = 0

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        return b"<" + value

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        self.opened += 1
        return Plain(value[1:], stale=False)


async def test_what_was_just_written_is_not_decrypted_for_watches() -> None:
    transformer, memory = Counting(), MemoryStore()
    store = EncryptedStore(memory, transformer)
    watch = store.watch("/", after=0)
    first = await store.create("/a", b"one")
    await store.update("/a", b"two", expected=first)
    events = await anext(watch)
    assert [event.value for event in events][-1] == b"two"
    assert transformer.opened == 0
    # Another server's write, and the same bytes below another key, are.
    await memory.create("/b", b"<two")
    assert [event.value for event in await anext(watch)] == [b"two"]
    assert transformer.opened == 1


async def test_recent_values_are_bounded() -> None:
    transformer, memory = Counting(), MemoryStore()
    store = EncryptedStore(memory, transformer)
    for number in range(6):
        for _ in range(2):
            with contextlib.suppress(KeyExists):
                await store.create(f"/{number}", b"x" * 1_000_000)
    assert (await store.get("/0")) is not None
    assert transformer.opened == 1
    assert (await store.get("/5")) is not None
    assert transformer.opened == 1
    assert "xxx" not in repr(store._recent)


class Patient:
    """A transformer whose key service answers when the event loop says so."""

    quick = False

    def __init__(self) -> None:
        self.answer = threading.Event()
        self.asked = 0

    def asks_to_read(self, value: bytes, *, context: bytes) -> bool:
        return True

    def asks_to_write(self, *, context: bytes) -> bool:
        return True

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        self._ask()
        return b"<" + value

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        self._ask()
        return Plain(value[1:], stale=False)

    def _ask(self) -> None:
        self.asked += 1
        assert self.answer.wait(30), "the event loop waits for the key service"


async def test_nobody_waits_for_a_key_service_but_who_asked() -> None:
    transformer, memory = Patient(), MemoryStore()
    await memory.create("/a", b"<one")
    store = EncryptedStore(memory, transformer)
    watch = store.watch("/", after=0)
    asking = [
        asyncio.ensure_future(one)
        for one in (
            store.get("/a"),
            store.list("/"),
            store.create("/b", b"two", beside=[("/c", b"three")]),
            anext(watch),
            store.update("/a", b"four", expected=1),
        )
    ]

    async def asked() -> int:
        return transformer.asked

    await until(asked, lambda count: count == len(asking))
    # Nothing of the batch has been handed out: its progress is not told either.
    assert watch.progress < memory.current_revision
    transformer.answer.set()
    found, page, _, events, conflict = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found, KeyValue)
    assert found.value == b"one"
    assert isinstance(page, Page)
    assert [item.value for item in page.items] == [b"one"]
    assert isinstance(events, list)
    assert events[0].value == b"one"
    assert watch.progress >= events[0].revision
    assert isinstance(conflict, RevisionConflict)
    assert conflict.current is not None
    assert conflict.current.value == b"one"
