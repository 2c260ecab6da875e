"""What an import came to: counted while it runs, told at its end. Names and numbers, no values."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.people import People

if TYPE_CHECKING:
    from strongroom.cli.importing.origins import Come

_MOST_NAMED = 20


class Result(Enum):
    """What became of an object."""

    IMPORTED = "imported"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    CONFLICT = "conflict"


_SHOWN = (Result.IMPORTED, Result.REPLACED, Result.UNCHANGED, Result.SKIPPED)


@dataclass(slots=True)
class Tally:
    """Counts of one import."""

    results: Counter[tuple[str, Result]] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    lost: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    failures: list[tuple[str, str]] = field(default_factory=list)
    namespaces: list[str] = field(default_factory=list)

    def count(self, each: Come, result: Result) -> None:
        """An object came to this."""
        self.results[each.resource.plural, result] += 1

    def failed(self, each: Come, why: str) -> None:
        """An object was not imported."""
        self.failures.append((str(each), why))

    @property
    def looked_at(self) -> int:
        """Objects so far."""
        return self.results.total() + self.left_out.total() + len(self.failures)

    def facts(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "resources": {
                plural: {result.value: self.results[plural, result] for result in _SHOWN}
                for plural in sorted({plural for plural, _ in self.results})
            },
            "namespacesMade": sorted(self.namespaces),
            "leftOut": dict(sorted(self.left_out.items())),
            "lost": {what: sorted(names) for what, names in sorted(self.lost.items())},
            "failed": [{"object": name, "why": why} for name, why in sorted(self.failures)],
        }


def tell_progress(tally: Tally) -> None:
    """How far it is, where somebody looks."""
    if sys.stderr.isatty():
        click.echo(f"\r{tally.looked_at} objects", nl=False, err=True)


def tell_end(people: People, tally: Tally, dry_run: str) -> None:
    """What it came to."""
    if sys.stderr.isatty():
        click.echo(err=True)
    facts = tally.facts()
    rows = [(plural, *counts.values()) for plural, counts in facts["resources"].items()]
    if rows:
        people.table(("RESOURCE", *(result.name for result in _SHOWN)), rows)
    if facts["namespacesMade"]:
        people.say(f"namespaces made: {', '.join(facts['namespacesMade'])}")
    for reason, count in facts["leftOut"].items():
        people.say(f"{count} left out: {reason}")
    for what, names in facts["lost"].items():
        people.warn(f"without their {what}, which are of the old cluster: {_some(names)}")
    for failure in facts["failed"]:
        people.say(f"error: {failure['object']}: {failure['why']}", err=True)
    if dry_run:
        people.say(f"dry run ({dry_run}): nothing was written")
    elif not tally.looked_at:
        people.say("there is nothing to import")


def _some(names: list[str]) -> str:
    more = f", and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
