"""Rights to single keys of Secrets, which strongroom's own server heeds and no other does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from strongroom.cli.rights.case import Case
from strongroom.cli.rights.held import right
from strongroom.cli.rights.paths import READING, Path, Way
from strongroom.cli.rights.standards import READ_SECRETS, SECRETS, Numbers
from strongroom.resources.rbac_rules import Rule

KEYS = Way("keys", "read keys of it", Numbers(READ_SECRETS, SECRETS))

_RIGHTS = tuple(right(verb, "secrets/keys", any_name=True) for verb in READING)
_ANY = "any"


def key_ways(case: Case) -> Iterator[Path]:
    """Who may read which keys of the Secret that the question is about, or of any."""
    for grant, _ in case.facts.holding(case.asked.namespace, _RIGHTS):
        if case.may_anyway(grant.whom):
            continue
        found = dict(_keys(grant.held.rules, case.asked.name))
        if found:
            yield Path(grant.whom, KEYS, grant, next(iter(found.values())), tuple(found))


def _keys(rules: Iterable[Rule], name: str) -> Iterator[tuple[str, Rule]]:
    """The keys that rules name, each with the rule; of all Secrets, where none is asked for."""
    for rule in rules:
        unlimited = replace(rule, names=())
        if not any(unlimited.allows(wanted.what) for wanted in _RIGHTS):
            continue
        if not rule.names:
            yield _ANY, rule
        for full in rule.names:
            secret, slash, key = full.partition("/")
            if slash and name in ("", secret):
                shown = _ANY if key == "*" else key
                yield (shown if name else f"{secret}/{shown}"), rule
