"""Random histories against a model that is a plain list of dictionaries."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from strongroom.storage.errors import Compacted, KeyExists, RevisionConflict
from strongroom.storage.port import Beside, Event, EventType, KeyValue, Store, prefix_end
from tests.parts import require_part
from tests.storage.drivers import DRIVERS

T = TypeVar("T")

KEYS = ["/a", "/a/b", "/a/c", "/a0", "/b", "/b/\u00e9"]
# What a write changes beside its key: keys that no write of these tests is for, or is for itself.
BESIDE: st.SearchStrategy[dict[str, bytes | None]] = st.just({}) | st.dictionaries(
    st.sampled_from(["/a/b", "/a/x", "/b/y"]), st.none() | st.binary(max_size=20), max_size=3
)
PREFIXES = ["", "/", "/a", "/a/", "/b/", "/none"]


async def _opened(driver: str, directory: Path) -> Store:
    return await DRIVERS[driver](directory)


def without(others: dict[str, bytes | None], key: str) -> Beside:
    """What is written beside a key, which must not be that key."""
    return [(other, value) for other, value in others.items() if other != key]


class StoreAgainstModel(RuleBasedStateMachine):
    """The store does what a dictionary for each revision would."""

    driver = ""
    # In etcd the keys of a transaction share its revision.
    together = False

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        # The state of all keys at each revision, from 0 (unused) and 1 (empty) on.
        self.states: list[dict[str, KeyValue]] = [{}, {}]
        self.events: list[Event] = []
        self.compacted = 0
        self.begun = 0

    @initialize()
    def open(self) -> None:
        self.store: Store = self.run(_opened(self.driver, Path(self.directory.name)))
        self.follower = self.store.watch("/a", after=1)
        self.followed: list[Event] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @property
    def now(self) -> dict[str, KeyValue]:
        return self.states[-1]

    @property
    def current(self) -> int:
        return len(self.states) - 1

    def put(self, key: str, value: bytes) -> None:
        previous = self.now.get(key)
        revision = self.next
        created = previous.create_revision if previous else revision
        self.states[revision:] = [{**self.now, key: KeyValue(key, value, created, revision)}]
        self.events.append(Event(EventType.PUT, key, value, previous, created, revision))

    def remove(self, key: str) -> None:
        held = self.now[key]
        revision = self.next
        self.states[revision:] = [{other: kv for other, kv in self.now.items() if other != key}]
        created = held.create_revision
        self.events.append(Event(EventType.DELETE, key, held.value, held, created, revision))

    @property
    def next(self) -> int:
        """The revision of the next change."""
        return self.begun or self.current + 1

    @contextlib.contextmanager
    def written(self, beside: Beside) -> Iterator[None]:
        """What a write changes beside its key comes before the key itself."""
        if self.together:
            self.begun = self.current + 1
        for key, value in beside:
            if value is not None:
                self.put(key, value)
            elif key in self.now:
                self.remove(key)
        yield
        self.begun = 0

    @rule(key=st.sampled_from(KEYS), value=st.binary(max_size=40), others=BESIDE)
    def create(self, key: str, value: bytes, others: dict[str, bytes | None]) -> None:
        beside = without(others, key)
        if key in self.now:
            with pytest.raises(KeyExists):
                self.run(self.store.create(key, value, beside=beside))
        else:
            revision = self.run(self.store.create(key, value, beside=beside))
            with self.written(beside):
                self.put(key, value)
            assert revision == self.current

    @rule(
        key=st.sampled_from(KEYS),
        value=st.binary(max_size=40),
        off=st.sampled_from([0, 0, 0, 1]),
        others=BESIDE,
    )
    def update(self, key: str, value: bytes, off: int, others: dict[str, bytes | None]) -> None:
        beside = without(others, key)
        held = self.now.get(key)
        expected = (held.mod_revision if held else self.current) - off
        if held is None or off:
            with pytest.raises(RevisionConflict) as refused:
                self.run(self.store.update(key, value, expected=expected, beside=beside))
            assert refused.value.current == held
        else:
            revision = self.run(self.store.update(key, value, expected=expected, beside=beside))
            with self.written(beside):
                self.put(key, value)
            assert revision == self.current

    @rule(key=st.sampled_from(KEYS), off=st.sampled_from([0, 0, 0, 1]), others=BESIDE)
    def delete(self, key: str, off: int, others: dict[str, bytes | None]) -> None:
        beside = without(others, key)
        held = self.now.get(key)
        expected = (held.mod_revision if held else self.current) - off
        if held is None or off:
            with pytest.raises(RevisionConflict) as refused:
                self.run(self.store.delete(key, expected=expected, beside=beside))
            assert refused.value.current == held
        else:
            revision = self.run(self.store.delete(key, expected=expected, beside=beside))
            with self.written(beside):
                self.remove(key)
            assert revision == self.current

    @rule(back=st.integers(0, 8))
    def compact(self, back: int) -> None:
        # Never past the follower, whose turn is `follow`.
        target = min(self.current - back, self.follower.progress)
        if target >= 1:
            self.run(self.store.compact(target))
            self.compacted = max(self.compacted, target)

    @rule(key=st.sampled_from(KEYS), back=st.integers(0, 10))
    def get_past(self, key: str, back: int) -> None:
        revision = max(self.current - back, 1)
        if revision < self.compacted:
            with pytest.raises(Compacted):
                self.run(self.store.get(key, revision=revision))
        else:
            found = self.run(self.store.get(key, revision=revision))
            assert found == self.states[revision].get(key)

    @rule(
        prefix=st.sampled_from(PREFIXES),
        start=st.sampled_from(["", *KEYS]),
        limit=st.integers(0, 4),
        back=st.integers(0, 10),
    )
    def list_past(self, prefix: str, start: str, limit: int, back: int) -> None:
        revision = max(self.current - back, 1)
        if revision < self.compacted:
            with pytest.raises(Compacted):
                self.run(self.store.list(prefix, revision=revision))
            return
        page = self.run(self.store.list(prefix, limit=limit, start=start, revision=revision))
        state = self.states[revision]
        found = [state[key] for key in sorted(state) if key.startswith(prefix) and key >= start]
        shown = found[:limit] if limit else found
        assert (page.items, page.revision) == (shown, revision)
        assert (page.more, page.remaining) == (len(found) > len(shown), len(found) - len(shown))

    @rule(prefix=st.sampled_from(PREFIXES), back=st.integers(0, 10))
    def watch_past(self, prefix: str, back: int) -> None:
        after = max(self.current - back, 1, self.compacted)
        expected = [
            event
            for event in self.events
            if event.revision > after and event.key.startswith(prefix)
        ]
        assert self.run(self.read(prefix, after)) == expected

    async def read(self, prefix: str, after: int) -> list[Event]:
        watch = self.store.watch(prefix, after=after)
        events: list[Event] = []
        while watch.progress < self.last(prefix):
            events += await anext(watch)
        await watch.close()
        return events

    def last(self, prefix: str) -> int:
        """The revision of the last event of a prefix."""
        return max((e.revision for e in self.events if e.key.startswith(prefix)), default=0)

    @rule()
    def follow(self) -> None:
        """One long-lived watch, read now and then."""

        async def catch_up() -> None:
            while self.follower.progress < self.last("/a"):
                self.followed += await anext(self.follower)

        self.run(catch_up())
        expected = [event for event in self.events if event.key.startswith("/a")]
        assert self.followed == expected
        assert self.follower.progress >= self.last("/a")

    @invariant()
    def revision_counts_changes(self) -> None:
        assert self.run(self.store.revision()) == self.current
        assert self.store.current_revision == self.current

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.run(self.store.close())
        self.runner.close()
        self.directory.cleanup()


@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_every_driver_behaves_like_the_model(driver: str) -> None:
    together = "etcd" in driver
    if together:
        require_part("etcd")
    machine = type("Machine", (StoreAgainstModel,), {"driver": driver, "together": together})
    fast = driver.endswith("memory")
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60 if fast else 15 if together else 25,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_prefix_ranges_hold_exactly_the_keys_with_the_prefix() -> None:
    for prefix in PREFIXES:
        end = prefix_end(prefix)
        for key in KEYS:
            assert (prefix <= key and (end is None or key < end)) == key.startswith(prefix)
