"""The behaviour of every store: the meaning of the port, run over each driver."""

from __future__ import annotations

import asyncio

import pytest

from strongroom.storage.errors import (
    Compacted,
    FutureRevision,
    KeyExists,
    RevisionConflict,
    StoreClosed,
)
from strongroom.storage.port import Event, EventType, KeyValue, Store, prefix_end
from tests.storage.watching import take


def brief(events: list[Event]) -> list[tuple[str, str, int]]:
    return [(event.type.value, event.key, event.revision) for event in events]


async def test_an_empty_store_is_at_revision_one(store: Store) -> None:
    assert await store.revision() == 1
    assert store.current_revision == 1
    page = await store.list("")
    assert (page.items, page.revision, page.more, page.remaining) == ([], 1, False, 0)


async def test_create_then_get(store: Store) -> None:
    revision = await store.create("/a", b"one")
    assert revision == 2
    assert await store.get("/a") == KeyValue("/a", b"one", 2, 2)
    assert await store.get("/b") is None
    assert await store.revision() == store.current_revision == 2


async def test_create_refuses_an_existing_key(store: Store) -> None:
    await store.create("/a", b"one")
    with pytest.raises(KeyExists) as refused:
        await store.create("/a", b"two")
    assert refused.value.key == "/a"
    assert await store.get("/a") == KeyValue("/a", b"one", 2, 2)
    assert await store.revision() == 2


async def test_update_keeps_the_create_revision(store: Store) -> None:
    first = await store.create("/a", b"one")
    second = await store.update("/a", b"two", expected=first)
    assert await store.get("/a") == KeyValue("/a", b"two", first, second)


async def test_update_of_another_revision_conflicts_and_tells_the_current(store: Store) -> None:
    first = await store.create("/a", b"one")
    second = await store.update("/a", b"two", expected=first)
    with pytest.raises(RevisionConflict) as refused:
        await store.update("/a", b"three", expected=first)
    assert refused.value.current == KeyValue("/a", b"two", first, second)
    with pytest.raises(RevisionConflict) as refused:
        await store.update("/b", b"three", expected=first)
    assert refused.value.current is None
    assert await store.revision() == second


async def test_delete_takes_a_revision_of_its_own(store: Store) -> None:
    first = await store.create("/a", b"one")
    with pytest.raises(RevisionConflict) as refused:
        await store.delete("/a", expected=first + 1)
    assert refused.value.current == KeyValue("/a", b"one", first, first)
    assert await store.delete("/a", expected=first) == first + 1
    assert await store.get("/a") is None
    with pytest.raises(RevisionConflict):
        await store.delete("/a", expected=first + 1)
    assert await store.create("/a", b"again") == first + 2
    assert await store.get("/a") == KeyValue("/a", b"again", first + 2, first + 2)


@pytest.mark.parametrize("value", [b"", b"\x00\xff" * 3, b"x" * 1_500_000])
async def test_values_come_back_byte_for_byte(store: Store, value: bytes) -> None:
    revision = await store.create("/a", value)
    found = await store.get("/a")
    assert found is not None
    assert found.value == value
    assert found.mod_revision == revision


async def test_list_is_in_byte_order_of_the_keys(store: Store) -> None:
    keys = ["/a/b", "/a", "/a/a", "/a/é", "/a/\U0001f600", "/a/￰", "/a/B", "/a/a/z", "/a-b", "/b"]
    for key in keys:
        await store.create(key, key.encode())
    page = await store.list("/a")
    expected = sorted((key for key in keys if key.startswith("/a")), key=str.encode)
    assert [kv.key for kv in page.items] == expected
    assert [kv.value for kv in page.items] == [key.encode() for key in expected]
    assert page.revision == len(keys) + 1


async def test_list_by_pages(store: Store) -> None:
    for number in range(10):
        await store.create(f"/k/{number}", b"")
    await store.create("/l", b"")
    first = await store.list("/k/", limit=4)
    assert [kv.key for kv in first.items] == ["/k/0", "/k/1", "/k/2", "/k/3"]
    assert (first.more, first.remaining) == (True, 6)
    second = await store.list("/k/", limit=4, start="/k/4", revision=first.revision)
    assert [kv.key for kv in second.items] == ["/k/4", "/k/5", "/k/6", "/k/7"]
    assert (second.more, second.remaining) == (True, 2)
    third = await store.list("/k/", limit=2, start="/k/8", revision=first.revision)
    assert [kv.key for kv in third.items] == ["/k/8", "/k/9"]
    assert (third.more, third.remaining) == (False, 0)


async def test_later_pages_show_the_revision_of_the_first(store: Store) -> None:
    made = [await store.create(f"/k/{number}", b"old") for number in range(6)]
    first = await store.list("/k/", limit=2)
    await store.update("/k/2", b"new", expected=made[2])
    await store.delete("/k/3", expected=made[3])
    await store.create("/k/35", b"new")
    rest = await store.list("/k/", limit=3, start="/k/2", revision=first.revision)
    assert [(kv.key, kv.value) for kv in rest.items] == [
        ("/k/2", b"old"),
        ("/k/3", b"old"),
        ("/k/4", b"old"),
    ]
    assert (rest.revision, rest.more, rest.remaining) == (first.revision, True, 1)


async def test_a_list_of_the_past_leaves_later_keys_out(store: Store) -> None:
    await store.create("/b", b"")
    await store.create("/a", b"")
    assert [kv.key for kv in (await store.list("/", revision=2)).items] == ["/b"]
    assert (await store.list("/", revision=1)).items == []


async def test_reads_of_the_past(store: Store) -> None:
    first = await store.create("/a", b"one")
    second = await store.update("/a", b"two", expected=first)
    third = await store.delete("/a", expected=second)
    fourth = await store.create("/a", b"four")
    history = [await store.get("/a", revision=revision) for revision in range(1, fourth + 1)]
    assert history == [
        None,
        KeyValue("/a", b"one", first, first),
        KeyValue("/a", b"two", first, second),
        None,
        KeyValue("/a", b"four", fourth, fourth),
    ]
    assert third == second + 1
    with pytest.raises(FutureRevision) as refused:
        await store.get("/a", revision=fourth + 1)
    assert (refused.value.requested, refused.value.current) == (fourth + 1, fourth)
    with pytest.raises(FutureRevision):
        await store.list("/", revision=fourth + 1)


async def test_compaction_keeps_what_is_current(store: Store) -> None:
    first = await store.create("/a", b"one")
    await store.create("/kept", b"kept")
    second = await store.update("/a", b"two", expected=first)
    third = await store.update("/a", b"three", expected=second)
    await store.compact(second)
    assert await store.get("/a", revision=second) == KeyValue("/a", b"two", first, second)
    assert await store.get("/a") == KeyValue("/a", b"three", first, third)
    assert [kv.value for kv in (await store.list("/", revision=second)).items] == [b"two", b"kept"]
    with pytest.raises(Compacted) as refused:
        await store.get("/a", revision=second - 1)
    assert (refused.value.requested, refused.value.compacted) == (second - 1, second)
    with pytest.raises(Compacted):
        await store.list("/", revision=second - 1)
    await store.compact(first)
    with pytest.raises(FutureRevision):
        await store.compact(third + 1)


async def test_compaction_of_a_deletion_does_not_take_the_revision_back(store: Store) -> None:
    first = await store.create("/a", b"one")
    gone = await store.delete("/a", expected=first)
    await store.compact(gone)
    assert await store.revision() == gone
    assert await store.get("/a") is None
    assert (await store.list("")).items == []
    assert await store.create("/a", b"two") == gone + 1
    await store.compact(gone + 1)
    assert await store.get("/a") == KeyValue("/a", b"two", gone + 1, gone + 1)


async def test_repeated_compaction_over_recreated_keys(store: Store) -> None:
    for turn in range(4):
        made = await store.create("/a", b"%d" % turn)
        made = await store.update("/a", b"u%d" % turn, expected=made)
        await store.compact(made - 1)
        gone = await store.delete("/a", expected=made)
        assert await store.get("/a", revision=made) == KeyValue("/a", b"u%d" % turn, made - 1, made)
        assert await store.get("/a", revision=gone) is None
    made = await store.create("/a", b"last")
    assert [kv.value for kv in (await store.list("/a")).items] == [b"last"]
    assert await store.get("/a", revision=made - 1) is None


async def test_watch_delivers_past_and_future_in_order(store: Store) -> None:
    first = await store.create("/w/a", b"one")
    await store.create("/other", b"")
    second = await store.update("/w/a", b"two", expected=first)
    watch = store.watch("/w/", after=1)
    past = await take(watch, 2)
    assert brief(past) == [("PUT", "/w/a", first), ("PUT", "/w/a", second)]
    assert past[0].created
    assert not past[1].created
    assert past[0].previous is None
    assert past[1].previous == KeyValue("/w/a", b"one", first, first)
    third = await store.delete("/w/a", expected=second)
    (gone,) = await take(watch, 1)
    assert gone.type is EventType.DELETE
    assert (gone.value, gone.create_revision, gone.revision) == (b"two", first, third)
    assert gone.previous == KeyValue("/w/a", b"two", first, second)
    await watch.close()


async def test_watch_starts_after_a_revision(store: Store) -> None:
    for number in range(5):
        await store.create(f"/w/{number}", b"")
    watch = store.watch("/w/", after=4)
    assert brief(await take(watch, 2)) == [("PUT", "/w/3", 5), ("PUT", "/w/4", 6)]
    await watch.close()


async def test_watch_may_start_after_a_revision_to_come(store: Store) -> None:
    watch = store.watch("/w/", after=3)
    await store.create("/w/1", b"")
    await store.create("/w/2", b"")
    await store.create("/w/3", b"")
    assert brief(await take(watch, 1)) == [("PUT", "/w/3", 4)]
    await watch.close()


async def test_a_recreated_key_has_no_previous(store: Store) -> None:
    first = await store.create("/a", b"one")
    second = await store.delete("/a", expected=first)
    third = await store.create("/a", b"two")
    watch = store.watch("/a", after=second)
    (event,) = await take(watch, 1)
    assert event.created
    assert event.previous is None
    assert event.revision == third
    await watch.close()


async def test_progress_passes_events_of_other_prefixes(store: Store) -> None:
    watch = store.watch("/w/", after=1)
    await store.create("/w/a", b"")
    assert watch.progress == 1
    await take(watch, 1)
    assert watch.progress == 2
    await store.create("/other", b"")
    assert watch.progress == 3
    await store.create("/w/b", b"")
    assert watch.progress == 3
    await watch.close()


async def test_watch_of_compacted_history_is_refused(store: Store) -> None:
    for number in range(5):
        await store.create(f"/w/{number}", b"")
    await store.compact(4)
    with pytest.raises(Compacted) as refused:
        await anext(store.watch("/w/", after=3))
    assert (refused.value.requested, refused.value.compacted) == (3, 4)
    watch = store.watch("/w/", after=4)
    assert brief(await take(watch, 2)) == [("PUT", "/w/3", 5), ("PUT", "/w/4", 6)]
    await watch.close()


async def test_a_watch_that_falls_behind_compaction_is_told(store: Store) -> None:
    watch = store.watch("/w/", after=1)
    for number in range(5):
        await store.create(f"/w/{number}", b"")
    await store.compact(4)
    with pytest.raises(Compacted):
        await take(watch, 5)


async def test_closing_a_watch_ends_its_iteration(store: Store) -> None:
    watch = store.watch("/w/", after=1)
    seen: asyncio.Queue[Event] = asyncio.Queue()

    async def follow() -> None:
        async for batch in watch:
            for event in batch:
                seen.put_nowait(event)

    following = asyncio.create_task(follow())
    await store.create("/w/a", b"")
    assert brief([await seen.get()]) == [("PUT", "/w/a", 2)]
    await watch.close()
    await following
    await watch.close()


async def test_closing_the_store_ends_watches_and_refuses_the_rest(store: Store) -> None:
    watch = store.watch("/w/", after=1)
    waiting = asyncio.create_task(anext(watch))
    await asyncio.sleep(0)
    await store.close()
    with pytest.raises(StoreClosed):
        await waiting
    with pytest.raises(StoreClosed):
        await store.create("/a", b"")
    with pytest.raises(StoreClosed):
        await store.get("/a")
    with pytest.raises(StoreClosed):
        await store.list("/a")
    await store.close()


async def test_concurrent_writers_of_one_key_lose_no_update(store: Store) -> None:
    await store.create("/counter", b"0")

    async def add(times: int) -> None:
        while times:
            current = await store.get("/counter")
            assert current is not None
            value = b"%d" % (int(current.value) + 1)
            try:
                await store.update("/counter", value, expected=current.mod_revision)
            except RevisionConflict:
                continue
            times -= 1

    await asyncio.gather(*(add(10) for _ in range(8)))
    final = await store.get("/counter")
    assert final == KeyValue("/counter", b"80", 2, 82)


async def test_one_failed_condition_fails_only_its_own_write(store: Store) -> None:
    await store.create("/a", b"")
    results = await asyncio.gather(
        store.create("/b", b""),
        store.create("/a", b""),
        store.update("/a", b"x", expected=2),
        store.delete("/c", expected=2),
        store.create("/c", b""),
        return_exceptions=True,
    )
    assert isinstance(results[1], KeyExists)
    assert isinstance(results[3], RevisionConflict)
    # In which order they happen is the driver's affair.
    assert {results[0], results[2], results[4]} == {3, 4, 5}


async def test_watchers_see_every_write_of_concurrent_writers(store: Store) -> None:
    early = store.watch("/w/", after=1)
    writes = [store.create(f"/w/{number:03}", b"v") for number in range(200)]
    revisions = await asyncio.gather(*writes)
    assert sorted(revisions) == list(range(2, 202))
    late = store.watch("/w/", after=1)
    for watch in (early, late):
        events = await take(watch, 200)
        assert [event.revision for event in events] == list(range(2, 202))
        assert watch.progress == 201
        await watch.close()


async def test_what_is_written_beside_a_key_comes_with_it_and_before_it(store: Store) -> None:
    watch = store.watch("/", after=1)
    made = await store.create("/a", b"one", beside=[("/h/1", b"first"), ("/none", None)])
    assert await store.revision() == store.current_revision == made
    kept = await store.get("/h/1")
    assert kept is not None
    assert kept.value == b"first"
    assert kept.mod_revision <= made
    changed = await store.update(
        "/a", b"two", expected=made, beside=[("/h/1", b"again"), ("/h/2", b"second")]
    )
    again = await store.get("/h/1")
    assert again is not None
    assert (again.value, again.create_revision) == (b"again", kept.create_revision)
    gone = await store.delete(
        "/a", expected=changed, beside=[("/h/1", None), ("/h/3", b"third"), ("/none", None)]
    )
    page = await store.list("/")
    assert [(kv.key, kv.value) for kv in page.items] == [("/h/2", b"second"), ("/h/3", b"third")]
    assert await store.revision() == page.revision == gone
    events = await take(watch, 8)
    assert [(event.type.value, event.key, event.value) for event in events] == [
        ("PUT", "/h/1", b"first"),
        ("PUT", "/a", b"one"),
        ("PUT", "/h/1", b"again"),
        ("PUT", "/h/2", b"second"),
        ("PUT", "/a", b"two"),
        ("DELETE", "/h/1", b"again"),
        ("PUT", "/h/3", b"third"),
        ("DELETE", "/a", b"two"),
    ]
    assert [event.revision for event in events if event.key == "/a"] == [made, changed, gone]
    assert [event.created for event in events] == [
        *(True, True),
        *(False, True, False),
        *(False, True, False),
    ]
    assert events[2].previous == kept
    assert events[5].previous == again
    await watch.close()


async def test_a_refused_write_changes_nothing_beside_it(store: Store) -> None:
    made = await store.create("/a", b"one")
    beside = [("/h/1", b"first")]
    with pytest.raises(KeyExists):
        await store.create("/a", b"two", beside=beside)
    with pytest.raises(RevisionConflict) as refused:
        await store.update("/a", b"two", expected=made + 1, beside=beside)
    assert refused.value.current == KeyValue("/a", b"one", made, made)
    with pytest.raises(RevisionConflict):
        await store.delete("/a", expected=made + 1, beside=beside)
    for repeated in ([("/a", b"")], [("/h/1", b""), ("/h/1", None)]):
        with pytest.raises(ValueError, match="twice"):
            await store.update("/a", b"two", expected=made, beside=repeated)
    assert await store.get("/h/1") is None
    assert await store.revision() == made


async def test_the_past_shows_what_was_written_beside_a_key(store: Store) -> None:
    made = await store.create("/a", b"one", beside=[("/h/1", b"first")])
    changed = await store.update("/a", b"two", expected=made, beside=[("/h/1", None)])
    past = await store.get("/h/1", revision=made)
    assert past is not None
    assert past.value == b"first"
    await store.compact(changed)
    assert await store.get("/h/1", revision=changed) is None
    assert [kv.key for kv in (await store.list("")).items] == ["/a"]


def test_representations_hide_values() -> None:
    kv = KeyValue("/a", b"hunter2", 2, 2)
    event = Event(EventType.PUT, "/a", b"hunter2", kv, 2, 3)
    assert "hunter2" not in repr(kv) + repr(event) + str(RevisionConflict("/a", kv))


@pytest.mark.parametrize(
    ("prefix", "end"),
    [("/a/", "/a0"), ("", None), ("\U0010ffff", None), ("a\U0010ffff", "b"), ("\ud7ff", "\ue000")],
)
def test_prefix_end(prefix: str, end: str | None) -> None:
    assert prefix_end(prefix) == end
