"""Which dangerous rights nobody used who has them, and whose reads of Secrets needed no values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from strongroom.api.table import human_duration
from strongroom.api.times import parse_time
from strongroom.cli.rights.checks import Check
from strongroom.cli.rights.dangers import DANGERS, READ_SECRETS, WRITE_SECRETS, Danger
from strongroom.cli.rights.findings import Finding
from strongroom.cli.rights.held import Grant, Whom
from strongroom.cli.rights.used import History, Use
from strongroom.resources.rbac import GROUP_KIND, SERVICE_ACCOUNT
from strongroom.resources.rbac_rules import Rule

UNUSED = Check(
    "unused",
    "rights are held that nobody uses who has them",
    "Delete the binding, or bind a role of what is used: doctor rbac --suggest SUBJECT.",
    "medium",
    "medium",
    READ_SECRETS.numbers,
    lambda _: None,
)
VALUES_UNUSED = Check(
    "unused-values",
    "Secrets can be read, and nothing but their metadata is",
    "Give secrets/metadata instead of secrets: doctor rbac --suggest SUBJECT.",
    "medium",
    "medium",
    READ_SECRETS.numbers,
    lambda _: None,
)
_MOST_NAMES = 5
"""Names of Secrets that a line tells."""


@dataclass(frozen=True, slots=True)
class Unused:
    """Something dangerous that was not done, or only with others than these Secrets."""

    danger: Danger
    rule: Rule
    names: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        if not self.names:
            return self.danger.text
        more = len(self.names) - _MOST_NAMES
        names = ", ".join(self.names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
        return f"{self.danger.text} ({names})"

    def facts(self) -> dict[str, Any]:
        """For programs."""
        told: dict[str, Any] = {"right": self.danger.key, **self.danger.numbers.facts()}
        return told | ({"names": list(self.names)} if self.names else {})


@dataclass(frozen=True, slots=True)
class Measured:
    """For how long rights were not used, and why for no longer than that, if it is too short."""

    span: timedelta
    why_short: str
    unused: tuple[Unused, ...]
    nothing: bool
    """Whether nothing at all was done by the role's rules."""

    @property
    def text(self) -> str:
        """As the end of a line."""
        what = "not used"
        if self.unused and not self.nothing:
            what += " to " + ", ".join(one.text for one in self.unused)
        elif not self.unused:
            what = "no values were read"
        told = f"in {human_duration(self.span.total_seconds())} {what}"
        return f"{told} ({self.why_short})" if self.why_short else told

    def facts(self) -> dict[str, Any]:
        """For programs."""
        return {
            "unusedSeconds": int(self.span.total_seconds()),
            "asLongAsAsked": not self.why_short,
            "unused": [one.facts() for one in self.unused],
            "nothingUsed": self.nothing,
        }


class Usage:
    """A history, asked about grants: what was done with them by those who have them?"""

    def __init__(self, history: History, asked: timedelta, now: datetime) -> None:
        self._history = history
        self._asked = asked
        self._now = now

    @cached_property
    def _by_user(self) -> dict[str, list[Use]]:
        pairs = ((user.username, uses) for user, uses in self._history.uses.items())
        return _gathered(pairs)

    @cached_property
    def _by_group(self) -> dict[str, list[Use]]:
        users = self._history.uses.items()
        return _gathered((group, uses) for user, uses in users for group in user.groups)

    def findings(self, grants: Iterable[Grant]) -> list[Finding]:
        """What was not used of grants, once for each binding and what it is."""
        found: dict[tuple[object, ...], Finding] = {}
        for grant in grants:
            for one in () if grant.built_in else self._judged(grant):
                key = one.check, grant.through, one.measured
                found.setdefault(key, one).subjects.append(grant.whom)
        return sorted(found.values(), key=lambda f: (f.check.key, str(f.check.numbers)))

    def _judged(self, grant: Grant) -> Iterator[Finding]:
        held = [(danger, rules) for danger in DANGERS if (rules := danger.held(grant))]
        if not held:
            return
        uses = self._uses(grant)
        unused = [one for danger, rules in held if (one := _unused(danger, rules, uses))]
        if unused:
            nothing = not any(use.covered(r) for use in uses for r in grant.held.rules)
            check = replace(UNUSED, numbers=unused[0].danger.numbers)
            yield self._finding(check, grant, unused[0].rule, tuple(unused), nothing=nothing)
        for danger, rules in held:
            if danger is READ_SECRETS and self._history.tells_values and _blind(rules, uses):
                yield self._finding(VALUES_UNUSED, grant, rules[0], (), nothing=False)

    def _uses(self, grant: Grant) -> list[Use]:
        """What those did who have it, as far as it holds there."""
        known = self._by_group if grant.whom.kind == GROUP_KIND else self._by_user
        uses = known.get(username(grant.whom), [])
        if not grant.namespace:
            return uses
        return [use for use in uses if use.namespace == grant.namespace]

    def _finding(
        self, check: Check, grant: Grant, rule: Rule, unused: tuple[Unused, ...], *, nothing: bool
    ) -> Finding:
        span, why = self._asked, ""
        known = self._now - self._history.begins
        if known < span:
            span, why = known, "the log reaches no further back"
        if grant.changed and (age := self._now - parse_time(grant.changed)) < span:
            span, why = age, "the binding or its role is no older"
        measured = Measured(max(span, timedelta()), why, unused, nothing)
        return Finding(check, "low" if why else "medium", grant, rule, [], measured)


def username(whom: Whom) -> str:
    """How audit events call a subject: by the user's name, or the group's."""
    if whom.kind == SERVICE_ACCOUNT:
        return f"system:serviceaccount:{whom.namespace}:{whom.name}"
    return whom.name


def _gathered(pairs: Iterable[tuple[str, Iterable[Use]]]) -> dict[str, list[Use]]:
    found: dict[str, dict[Use, None]] = {}
    for name, uses in pairs:
        found.setdefault(name, {}).update(dict.fromkeys(uses))
    return {name: list(uses) for name, uses in found.items()}


def _unused(danger: Danger, rules: Sequence[Rule], uses: Sequence[Use]) -> Unused | None:
    done = list(danger.done(uses, rules))
    if not done:
        return Unused(danger, rules[0])
    if danger not in (READ_SECRETS, WRITE_SECRETS) or not all(rule.names for rule in rules):
        return None
    names = {name.partition("/")[0] for rule in rules for name in rule.names}
    left = tuple(sorted(names - {use.name for use in done}))
    return Unused(danger, rules[0], left) if left else None


def _blind(rules: Sequence[Rule], uses: Sequence[Use]) -> bool:
    """Whether Secrets were read by a right to values, and nothing but metadata was shown."""
    whole = [use for use in uses if use.resource == "secrets" and not use.subresource]
    parts = {use.part for use in whole if any(rule.allows(use) for rule in rules)}
    reads = {use.verb for use in whole if use.part == ""} & {"get", "list", "watch"}
    return "metadata" in parts and "keys" not in parts and not reads
