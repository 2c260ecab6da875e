"""The answer to who may do something with a Secret: who directly, and who by another way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from strongroom.cli.rights.becoming import becoming_ways
from strongroom.cli.rights.case import Case
from strongroom.cli.rights.facts import Facts
from strongroom.cli.rights.held import Grant, Whom, right
from strongroom.cli.rights.paths import DIRECT, Asked, Path, Way
from strongroom.cli.rights.reading import reading_ways


@dataclass(frozen=True, slots=True)
class Answer:
    """Who may, and who may by what way. Who may anyway is not among the latter."""

    direct: list[Path]
    indirect: list[Path]


def who_can(facts: Facts, verb: str, namespace: str = "", name: str = "") -> Answer:
    """Who may do ``verb`` with a Secret, or with any of them if ``name`` is empty.

    An empty ``namespace`` asks about all.
    """
    direct: list[Path] = []
    indirect: list[Path] = []
    for where in [namespace] if namespace else facts.namespaces():
        asked = Asked(verb, where, name)
        found = list(_directly(facts, asked))
        direct += found
        indirect += _indirectly(Case(facts, asked, found))
    return Answer(_merged(direct), _merged(indirect))


def _directly(facts: Facts, asked: Asked) -> Iterator[Path]:
    wanted = right(asked.verb, "secrets", name=asked.name, any_name=not asked.name)
    for grant, rule in facts.holding(asked.namespace, (wanted,)):
        yield Path(grant.whom, DIRECT, grant, rule)


def _indirectly(case: Case) -> Iterator[Path]:
    if case.asked.reads:
        yield from reading_ways(case)
    yield from becoming_ways(case)


def _merged(paths: Iterable[Path]) -> list[Path]:
    """Each once, in the order of subjects, with all that it leads over in any namespace."""
    found: dict[tuple[Whom, Way, Grant | None], Path] = {}
    for path in paths:
        key = path.whom, path.way, path.grant
        known = found.get(key)
        if known is not None:
            targets = dict.fromkeys([*known.targets, *path.targets])
            path = replace(known, targets=tuple(targets))  # noqa: PLW2901 - the same path, with more
        found[key] = path
    return sorted(found.values(), key=lambda path: path.whom.order)
