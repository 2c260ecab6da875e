"""Histories of a store that keeps its promises, made up: what the checker is tried with."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.faults.history import Change, History, Kind, Outcome, Read, Watched, Write

KEYS = ("/k/a", "/k/b", "/k/c")
PREFIX = "/k/"
CLIENTS = 4


@dataclass
class Run:
    """A history, the changes that its store tells of, and the moment of each operation."""

    history: History = field(default_factory=History)
    changes: list[Change] = field(default_factory=list)
    state: dict[str, tuple[int, str]] = field(default_factory=dict)
    revision: int = 1


def simulate(random: Random, operations: int = 40) -> Run:
    """Operations of several clients that overlap; each happens at one moment within its time."""
    run = Run()
    free_from = dict.fromkeys(range(CLIENTS), 0.0)
    run.history.watches.append(Watched(PREFIX, 1))
    for number in range(operations):
        moment = 10.0 * (number + 1)
        client = random.choice([c for c, at in free_from.items() if at < moment] or [0])
        if free_from[client] >= moment:
            continue
        invoked = random.uniform(max(free_from[client], moment - 25), moment)
        returned = random.uniform(moment, moment + 25)
        free_from[client] = returned
        _operate(run, random, f"c{client}", f"v{number}", invoked, returned)
        if random.random() < 0.05:
            run.history.watches.append(Watched(PREFIX, run.revision))
    _watch(run, random)
    return run


def _operate(
    run: Run, random: Random, client: str, value: str, invoked: float, returned: float
) -> None:
    key = random.choice(KEYS)
    standing = run.state.get(key)
    choice = random.random()
    if choice < 0.3:
        found = {} if standing is None else {key: standing}
        run.history.reads.append(Read(client, key, found, invoked, returned))
    elif choice < 0.4:
        read = Read(client, PREFIX, dict(run.state), invoked, returned, run.revision)
        run.history.reads.append(read)
    else:
        _write(run, random, client, key, value, invoked, returned)


def _write(
    run: Run, random: Random, client: str, key: str, value: str, invoked: float, returned: float
) -> None:
    standing = run.state.get(key, (0, ""))[0]
    expected = random.choice([standing, standing, standing, run.revision, 0])
    kind = Kind.CREATE
    if expected:
        kind = random.choice([Kind.UPDATE, Kind.UPDATE, Kind.DELETE])
    write = Write(client, kind, key, "" if kind is Kind.DELETE else value, expected, invoked)
    run.history.writes.append(write)
    told = random.random() < 0.8
    if expected != standing:
        if told:
            write.refused(random.choice([None, standing]), returned)
        return
    if not told and random.random() < 0.5:
        return
    run.revision += random.choice([1, 1, 3])
    run.changes.append(Change(run.revision, key, None if kind is Kind.DELETE else value))
    if kind is Kind.DELETE:
        del run.state[key]
    else:
        run.state[key] = (run.revision, value)
    if told:
        write.done(random.choice([None, run.revision]), returned)


def _watch(run: Run, random: Random) -> None:
    """Give the watches what they saw: all, or a beginning."""
    for watched in run.history.watches:
        due = [change for change in run.changes if change.revision > watched.after]
        upto = random.choice([len(due), random.randint(0, len(due))])
        watched.seen = due[:upto]
        watched.through = run.revision if upto == len(due) else 0


def acknowledged(run: Run) -> list[Write]:
    """Writes that are done, with their revisions."""
    return [w for w in run.history.writes if w.outcome is Outcome.DONE and w.revision is not None]
