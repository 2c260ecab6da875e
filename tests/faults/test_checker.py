"""The checker finds each sort of fault, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.faults.checker import Violation, check, check_state
from tests.faults.history import NEVER, Change, History, Kind, Outcome, Read, Watched, Write
from tests.faults.simulated import KEYS, PREFIX, Run, acknowledged, simulate


@given(st.integers(0, 1 << 64))
@settings(max_examples=100)
def test_what_a_good_store_tells_is_accepted(seed: int) -> None:
    run = simulate(Random(seed))
    check(run.history, run.changes)
    check_state(run.state, run.changes, PREFIX)


def one_of(run: Run, random: Random, *kinds: Kind) -> Write:
    """An acknowledged write of these kinds."""
    found = [write for write in acknowledged(run) if write.kind in kinds]
    assume(found)
    return random.choice(found)


def revision_of(write: Write) -> int:
    assert write.revision is not None
    return write.revision


def lose(run: Run, random: Random) -> str:
    """An acknowledged write is not there."""
    write = random.choice(acknowledged(run))
    run.changes[:] = [change for change in run.changes if change.revision != write.revision]
    run.history.reads.clear()
    run.history.watches.clear()
    return "lost|against its condition|never was so|deletion of what"


def lose_the_last(run: Run, random: Random) -> str:
    """The end of the log is gone, as after a power cut."""
    assume(acknowledged(run)[-1].revision == run.changes[-1].revision)
    run.changes.pop()
    return "is lost"


def spoil(run: Run, random: Random) -> str:
    """A write has another value than it was given."""
    write = one_of(run, random, Kind.CREATE, Kind.UPDATE)
    run.changes[:] = [
        replace(change, value="other") if change.revision == write.revision else change
        for change in run.changes
    ]
    return "is lost"


def invent(run: Run, random: Random) -> str:
    """A change that nobody wrote."""
    run.changes.append(Change(run.revision + 1, random.choice(KEYS), "nobody's"))
    return "no write made"


def refuse_what_happened(run: Run, random: Random) -> str:
    """A writer was told of a conflict, and its write is there all the same."""
    write = random.choice(acknowledged(run))
    write.refused(None, write.returned)
    return "no write made"


def succeed_twice(run: Run, random: Random) -> str:
    """Two writes with one condition are both told that it held."""
    write = one_of(run, random, Kind.UPDATE)
    second = replace(write, client="other", value="second", revision=run.revision + 1)
    run.history.writes.append(second)
    run.changes.append(Change(run.revision + 1, write.key, "second"))
    return "against its condition"


def share_a_success(run: Run, random: Random) -> str:
    """Two deletions are told of one and the same revision."""
    write = one_of(run, random, Kind.DELETE)
    run.history.writes.append(replace(write, client="other"))
    return "two writes succeeded as one"


def read_stale(run: Run, random: Random) -> str:
    """After everything else, a read shows how a key was before its last acknowledged write."""
    write = acknowledged(run)[-1]
    before = [c for c in run.changes if c.key == write.key and c.revision < revision_of(write)]
    old = before[-1] if before else Change(0, write.key, None)
    state = {} if old.value is None else {write.key: (old.revision, old.value)}
    last = run.state.get(write.key)
    assume(state.get(write.key) != last and (last is not None or state))
    # A key that is absent twice looks the same both times.
    assume(bool(state) or last is not None)
    end = max(w.returned for w in run.history.writes if w.returned is not NEVER)
    run.history.reads.append(Read("late", write.key, state, end + 1, end + 2))
    return "a stale read"


def list_stale(run: Run, random: Random) -> str:
    """After everything else, a list is of an earlier revision."""
    end = max(w.returned for w in run.history.writes if w.returned is not NEVER)
    known = max(map(revision_of, acknowledged(run)))
    before = [change for change in run.changes if change.revision < known]
    state: dict[str, tuple[int, str]] = {}
    for change in before:
        state.pop(change.key, None)
        if change.value is not None:
            state[change.key] = (change.revision, change.value)
    run.history.reads.append(Read("late", PREFIX, state, end + 1, end + 2, known - 1))
    return "a stale read"


def read_ahead(run: Run, random: Random) -> str:
    """A read shows what was written only after it had ended."""
    write = one_of(run, random, Kind.CREATE, Kind.UPDATE)
    state = {write.key: (revision_of(write), write.value)}
    run.history.reads.append(Read("early", write.key, state, -2, -1))
    return "out of order|stale"


def reorder(run: Run, random: Random) -> str:
    """The store's order of two writes is not that in which they happened."""
    writes = acknowledged(run)
    first, last = writes[0], writes[-1]
    assume(revision_of(first) < revision_of(last))
    end = max(w.returned for w in run.history.writes if w.returned is not NEVER)
    first.invoked, first.returned = end + 1, end + 2
    return "out of order|stale"


def see_twice(run: Run, random: Random) -> str:
    seen = run.history.watches[0].seen
    assume(seen)
    at = random.randrange(len(seen))
    seen.insert(random.randint(at, len(seen)), seen[at])
    return "saw twice|where it should see"


def see_a_gap(run: Run, random: Random) -> str:
    watched = run.history.watches[0]
    assume(watched.through and watched.seen)
    del watched.seen[random.randrange(len(watched.seen))]
    return "where it should see|without"


def see_in_disorder(run: Run, random: Random) -> str:
    seen = run.history.watches[0].seen
    assume(len(seen) > 1)
    at = random.randrange(len(seen) - 1)
    seen[at], seen[at + 1] = seen[at + 1], seen[at]
    return "where it should see"


def see_what_is_not(run: Run, random: Random) -> str:
    run.history.watches[0].seen.append(Change(run.revision + 1, KEYS[0], "never"))
    return "never was"


FAULTS = [
    lose,
    lose_the_last,
    spoil,
    invent,
    refuse_what_happened,
    succeed_twice,
    share_a_success,
    read_stale,
    list_stale,
    read_ahead,
    reorder,
    see_twice,
    see_a_gap,
    see_in_disorder,
    see_what_is_not,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@given(seed=st.integers(0, 1 << 64))
@settings(max_examples=15)
def test_each_fault_is_refused(fault: Callable[[Run, Random], str], seed: int) -> None:
    random = Random(seed)
    run = simulate(random)
    assume(acknowledged(run))
    message = fault(run, random)
    with pytest.raises(Violation, match=message):
        check(run.history, run.changes)


def test_an_unknown_write_may_have_happened_or_not() -> None:
    open_write = Write("c", Kind.CREATE, "/a", "one", 0, 1.0)
    for changes in ([], [Change(2, "/a", "one")]):
        check(History([open_write]), changes)
    with pytest.raises(Violation, match=r"two changes|no write made"):
        check(History([open_write]), [Change(2, "/a", "one"), Change(3, "/a", "one")])


def test_an_unknown_write_may_happen_late_but_not_before_it_began() -> None:
    open_write = Write("c", Kind.CREATE, "/a", "one", 0, 5.0)
    changes = [Change(2, "/a", "one")]
    absent = Read("r", "/a", {}, 8.0, 9.0)
    there = Read("r", "/a", {"/a": (2, "one")}, 10.0, 11.0)
    check(History([open_write], [absent, there]), changes)
    with pytest.raises(Violation, match="stale"):
        check(History([open_write], [there, replace(absent, invoked=12.0)]), changes)
    with pytest.raises(Violation, match="out of order"):
        check(History([open_write], [replace(there, invoked=3.0, returned=4.0)]), changes)


def test_a_refusal_is_as_good_as_a_read() -> None:
    made = Write("c", Kind.CREATE, "/a", "one", 0, 1.0, 2.0, Outcome.DONE, 2)
    changes = [Change(2, "/a", "one")]
    refused = Write("d", Kind.CREATE, "/a", "two", 0, 3.0, 4.0, Outcome.REFUSED)
    check(History([made, refused]), changes)
    with pytest.raises(Violation, match=r"never was so|out of order"):
        check(History([made, replace(refused, kind=Kind.UPDATE, expected=2)]), changes)
    with pytest.raises(Violation, match="out of order"):
        check(History([made, replace(refused, invoked=0.1, returned=0.5)]), changes)
    with pytest.raises(Violation, match="though its condition held"):
        check(History([made, replace(refused, expected=2, found=2)]), changes)


def test_keys_that_were_written_together_share_a_revision() -> None:
    writes = [
        Write("c", Kind.CREATE, key, key, 0, 1.0, 2.0, Outcome.DONE, 2) for key in ("/a", "/b")
    ]
    changes = [Change(2, "/a", "/a"), Change(2, "/b", "/b")]
    check(History(writes, watches=[Watched("/", 1, changes, 2)]), changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([Change(3, "/a", "x"), Change(2, "/b", "y")], "go back"),
        ([Change(2, "/a", "x"), Change(2, "/a", "y")], "two changes"),
        ([Change(2, "/a", None)], "deletion of what was not there"),
    ],
)
def test_an_account_that_cannot_be_is_refused(changes: list[Change], message: str) -> None:
    with pytest.raises(Violation, match=message):
        check(History(), changes)


def test_a_state_is_that_of_its_changes() -> None:
    changes = [Change(2, "/a", "x"), Change(3, "/b", "y"), Change(4, "/a", None)]
    check_state({"/b": (3, "y")}, changes, "/")
    for wrong in ({}, {"/b": (2, "y")}, {"/b": (3, "z")}, {"/b": (3, "y"), "/a": (2, "x")}):
        with pytest.raises(Violation, match="not what its history leaves"):
            check_state(wrong, changes, "/")
