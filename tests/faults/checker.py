"""Whether a history can be: the promises of a store, held against what its clients were told.

The store's own account, a watch from the first revision on or the log itself, gives the order of
all that changed. That it *is* an order in which everything could have happened is what is checked:

    nothing lost        each acknowledged write is there, at its revision, with its value
    nothing invented    each change is one write that was acknowledged or left open, and only once
    conditions          the change before it, of the same key, is the one that its write expected
    linearizable        there is a moment within each operation at which all of the above holds: an
                        operation that began after another had ended comes after it, be they of
                        different clients and different keys; so no read is stale
    watches             saw each change once, in order, and none is missing

As the store gives each change a place, a place for every other operation need not be searched for.
Operations are taken as they began; each gets the earliest place at which what it saw was so, not
before any of an operation that had ended by then. Such a place is there if and only if the history
is linearizable in the store's order: earlier places never forbid later ones.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence

from tests.faults.history import NEVER, Change, History, Kind, Outcome, Read, Watched, Write

END = 1 << 62

Span = tuple[int, int]
"""Places from the first up to, and without, the second."""


class Violation(AssertionError):
    """A promise was broken; the text says which, and by what."""


class Past:
    """What every key was at every revision. Raises `Violation` for what cannot follow itself."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self.changes = changes
        self._of: dict[str, list[tuple[int, str | None]]] = defaultdict(lambda: [(0, None)])
        last = 0
        for change in changes:
            if change.revision < last:
                raise Violation(f"revisions go back at {change}")
            last = change.revision
            before = self._of[change.key][-1]
            if before[0] == change.revision:
                raise Violation(f"two changes of a key at once: {change}")
            if before[1] is None and change.value is None:
                raise Violation(f"the deletion of what was not there: {change}")
            self._of[change.key].append((change.revision, change.value))
        self.last = last

    @property
    def keys(self) -> list[str]:
        return list(self._of)

    def at(self, key: str, revision: int) -> tuple[int, str | None]:
        """The change that was the last one of a key at a revision; the text None is none."""
        versions = self._of.get(key, [(0, None)])
        return versions[bisect_right(versions, revision, key=lambda version: version[0]) - 1]

    def stood(self, key: str, revision: int) -> int:
        """The revision that a key had then, 0 where it was absent."""
        found, value = self.at(key, revision)
        return found if value is not None else 0

    def spans(self, key: str, fits: Callable[[int, str | None], bool]) -> list[Span]:
        """When a key was such; the first argument of ``fits`` is 0 when it was absent."""
        versions = self._of.get(key, [(0, None)])
        ends = [revision for revision, _ in versions[1:]] + [END]
        return [
            (revision, end)
            for (revision, value), end in zip(versions, ends, strict=True)
            if fits(revision if value is not None else 0, value)
        ]

    def state(self, prefix: str, revision: int) -> dict[str, tuple[int, str]]:
        """All keys of a prefix as of a revision."""
        found = ((key, self.at(key, revision)) for key in self._of if key.startswith(prefix))
        return {key: (at, value) for key, (at, value) in found if value is not None}


def check(history: History, changes: Sequence[Change]) -> None:
    """Raises `Violation` unless a store that keeps its promises could have told all this."""
    past = Past(changes)
    places = _places_of_writes(history.writes, past)
    _check_order(history, past, places)
    for watched in history.watches:
        check_watch(watched, changes)


def check_state(found: dict[str, tuple[int, str]], changes: Sequence[Change], prefix: str) -> None:
    """Raises `Violation` unless this is what the changes leave below a prefix."""
    past = Past(changes)
    expected = past.state(prefix, past.last)
    if found != expected:
        wrong = sorted(
            key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)
        )
        raise Violation(f"the state is not what its history leaves: {wrong[:5]}")


def _places_of_writes(writes: Sequence[Write], past: Past) -> dict[int, int]:
    """The revision of each write that happened, by its number."""
    claimed: dict[tuple[str, int], int] = {}
    by_content = _changes_by_content(past)
    # Those that are known to have happened choose first.
    for outcome in (Outcome.DONE, Outcome.UNKNOWN):
        for number, write in enumerate(writes):
            if write.outcome is not outcome:
                continue
            revision = write.revision
            if revision is None:
                revision = _untaken(by_content, write, claimed)
            if revision is None:
                if outcome is Outcome.UNKNOWN:
                    continue
                raise Violation(f"an acknowledged write is lost: {write}")
            _check_change(write, revision, past)
            if (write.key, revision) in claimed:
                other = writes[claimed[write.key, revision]]
                raise Violation(f"two writes succeeded as one: {write} and {other}")
            claimed[write.key, revision] = number
    for change in past.changes:
        if (change.key, change.revision) not in claimed:
            raise Violation(f"a change that no write made, or one that was refused: {change}")
    return {number: revision for (_, revision), number in claimed.items()}


Content = tuple[str, str | None, int]


def _changes_by_content(past: Past) -> dict[Content, list[int]]:
    found: dict[Content, list[int]] = defaultdict(list)
    for change in past.changes:
        before = past.stood(change.key, change.revision - 1)
        found[change.key, change.value, before].append(change.revision)
    return found


def _untaken(
    changes: dict[Content, list[int]], write: Write, claimed: dict[tuple[str, int], int]
) -> int | None:
    """The change that a write made whose revision nobody was told."""
    value = None if write.kind is Kind.DELETE else write.value
    for revision in changes.get((write.key, value, write.expected), ()):
        if (write.key, revision) not in claimed:
            return revision
    return None


def _check_change(write: Write, revision: int, past: Past) -> None:
    at, value = past.at(write.key, revision)
    wanted = None if write.kind is Kind.DELETE else write.value
    if at != revision or value != wanted:
        raise Violation(f"an acknowledged write is lost: {write}")
    before = past.stood(write.key, revision - 1)
    if before != write.expected:
        raise Violation(f"a write succeeded against its condition, on {before}: {write}")


def _check_order(history: History, past: Past, places: dict[int, int]) -> None:
    """Give each operation its place in the store's order; see above."""
    operations: list[tuple[float, float, Write | Read, list[Span]]] = []
    for number, write in enumerate(history.writes):
        if number in places:
            place = places[number]
            # What was left open may happen long after its writer gave up.
            returned = write.returned if write.outcome is Outcome.DONE else NEVER
            operations.append((write.invoked, returned, write, [(place, place + 1)]))
        elif write.outcome is Outcome.REFUSED:
            operations.append((write.invoked, write.returned, write, _refusals(write, past)))
    operations += [
        (read.invoked, read.returned, read, _views(read, past)) for read in history.reads
    ]
    operations.sort(key=lambda operation: operation[0])
    ended: list[tuple[float, int]] = []
    floor = 0
    for invoked, returned, operation, allowed in operations:
        while ended and ended[0][0] < invoked:
            floor = max(floor, heapq.heappop(ended)[1])
        happened = isinstance(operation, Write) and operation.outcome is not Outcome.REFUSED
        earliest = _earliest(allowed, floor + 1 if happened else floor)
        if earliest is None:
            raise Violation(_misplaced(operation, allowed, floor))
        heapq.heappush(ended, (returned, earliest))


def _refusals(write: Write, past: Past) -> list[Span]:
    """When a condition did not hold."""
    if write.found is not None:
        if write.found == write.expected:
            raise Violation(f"a write was refused though its condition held: {write}")
        return past.spans(write.key, lambda revision, _: revision == write.found)
    return past.spans(write.key, lambda revision, _: revision != write.expected)


def _views(read: Read, past: Past) -> list[Span]:
    """When what a read saw was so."""
    if read.at is None:
        revision, value = read.state.get(read.key, (0, None))
        return past.spans(
            read.key, lambda at, stood: (at, stood if at else None) == (revision, value)
        )
    return [(read.at, read.at + 1)] if past.state(read.key, read.at) == read.state else []


def _earliest(spans: Sequence[Span], floor: int) -> int | None:
    """The first place of any span that is not below a floor."""
    number = bisect_left(spans, floor + 1, key=lambda span: span[1])
    return max(spans[number][0], floor) if number < len(spans) else None


def _misplaced(operation: Write | Read, spans: Sequence[Span], floor: int) -> str:
    if not spans:
        return f"it never was so: {operation}"
    if isinstance(operation, Read):
        return f"a stale read: revision {floor} was known before it began: {operation}"
    return f"out of order: revision {floor} was known before it began: {operation}"


def check_watch(watched: Watched, changes: Sequence[Change]) -> None:
    """Raises `Violation` unless a watch saw each change once, in order, as far as it came."""
    expected = [
        change
        for change in changes
        if change.revision > watched.after and change.key.startswith(watched.prefix)
    ]
    for number, change in enumerate(watched.seen):
        if number >= len(expected) or change != expected[number]:
            raise Violation(_misseen(watched, number, expected))
    missing = expected[len(watched.seen) :]
    if missing and missing[0].revision <= watched.through:
        raise Violation(f"a watch came to {watched.through} without {missing[0]}")


def _misseen(watched: Watched, number: int, expected: Sequence[Change]) -> str:
    change = watched.seen[number]
    if change in watched.seen[:number]:
        return f"a watch saw twice: {change}"
    if change not in expected:
        return f"a watch saw what never was, or not after {watched.after}: {change}"
    return f"a watch saw {change} where it should see {expected[number]}"
