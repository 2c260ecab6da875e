"""How somebody comes to do something with Secrets: directly, or by another way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.cli.rights.held import Grant, Whom, rule_facts, rule_text
from strongroom.cli.rights.standards import READ_SECRETS, SECRETS, Numbers
from strongroom.resources.rbac_rules import Rule

READING = ("get", "list", "watch")


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A way to a Secret that is not the right itself."""

    key: str
    text: str
    numbers: Numbers


DIRECT = Way("direct", "may", Numbers(READ_SECRETS, SECRETS))
"""The right itself."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question: may somebody do this with this Secret, or with any (``name`` is empty)?"""

    verb: str
    namespace: str
    name: str = ""

    @property
    def reads(self) -> bool:
        return self.verb in READING


@dataclass(frozen=True, slots=True)
class Path:
    """One subject, the way, and by what it is open. ``grant`` is None for what needs no binding.

    ``targets`` are what the way leads over: pods, nodes, or whom one can become.
    """

    whom: Whom
    way: Way
    grant: Grant | None = None
    rule: Rule | None = None
    targets: tuple[str, ...] = ()

    @property
    def built_in(self) -> bool:
        return self.grant is not None and self.grant.built_in

    @property
    def through(self) -> str:
        return self.grant.through if self.grant else "Node authorizer"

    @property
    def role(self) -> str:
        return self.grant.role_text if self.grant else ""

    @property
    def rule_text(self) -> str:
        """What the rule says of Secrets."""
        return rule_text(self.rule, "secrets") if self.rule else ""

    def facts(self) -> dict[str, Any]:
        """For programs."""
        facts: dict[str, Any] = {"subject": self.whom.facts(), "way": self.way.key}
        if self.grant is not None:
            facts |= self.grant.facts()
        if self.rule is not None:
            facts["rule"] = rule_facts(self.rule)
        if self.targets:
            facts["over"] = list(self.targets)
        return facts | self.way.numbers.facts() | {"builtIn": self.built_in}
