"""Which bindings of a cluster do not pass a check, and whom they give what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from strongroom.cli.rights.checks import LEVELS, PARTS, WHOLE, WHOM, Check
from strongroom.cli.rights.held import Grant, Whom, rule_facts
from strongroom.resources.rbac_rules import Rule

if TYPE_CHECKING:
    from strongroom.cli.rights.unused import Measured


@dataclass(slots=True)
class Finding:
    """A check that one binding does not pass, and who has what it gives."""

    check: Check
    severity: str
    grant: Grant
    rule: Rule
    subjects: list[Whom]
    measured: Measured | None = None
    """Where it was measured against use: for how long there was none."""

    def facts(self) -> dict[str, Any]:
        """For programs."""
        return {
            "check": self.check.key,
            "severity": self.severity,
            "title": self.check.title,
            "advice": self.check.advice,
            **self.check.numbers.facts(),
            **self.grant.facts(),
            "subjects": [whom.facts() for whom in self.subjects],
            "rule": rule_facts(self.rule),
            **(self.measured.facts() if self.measured else {}),
        }


def findings(grants: Iterable[Grant]) -> list[Finding]:
    """All findings, the worst first. What every cluster gives its own parts is none."""
    found: dict[tuple[str, str, str], Finding] = {}
    for grant in grants:
        if grant.built_in:
            continue
        for check, rule in _judged(grant):
            key = check.key, grant.namespace, grant.binding
            if key not in found:
                found[key] = Finding(check, check.severity(grant), grant, rule, [])
            found[key].subjects.append(grant.whom)
    order = {check.key: i for i, check in enumerate((*WHOM, *WHOLE, *PARTS))}
    return sorted(
        found.values(),
        key=lambda f: (-LEVELS.index(f.severity), order[f.check.key], f.grant.through),
    )


def _judged(grant: Grant) -> Iterator[tuple[Check, Rule]]:
    """Who is given something, and what: of a whole that is too much, no parts are told."""
    for checks in (WHOM, WHOLE, PARTS):
        failed = False
        for check in checks:
            rule = check.found(grant) if check.severity(grant) else None
            if rule is not None:
                failed = True
                yield check, rule
        if failed and checks is WHOLE:
            return
