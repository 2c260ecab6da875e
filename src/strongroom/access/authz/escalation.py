"""Nobody gives what they do not have: which rights a set of rules lacks of another.

Sources: ``k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go``,
``pkg/registry/rbac/validation/rule.go`` and ``policy_compact.go``. Ours is that a right to Secrets
includes the same right to a part of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from strongroom.access.authz.partial import includes_part
from strongroom.access.authz.policies import Policies, aggregate, missing
from strongroom.access.user import User
from strongroom.api.gotext import quote, quotes
from strongroom.resources.rbac import PolicyRule
from strongroom.resources.rbac_rules import ALL

MOST_COMPARED = 500_000
"""Comparisons of a right with a rule for one role or binding: about half a second."""

EVERYTHING = (
    PolicyRule(verbs=[ALL], apiGroups=[ALL], resources=[ALL]),
    PolicyRule(verbs=[ALL], nonResourceURLs=[ALL]),
)
"""What an aggregated ClusterRole may come to contain."""


@dataclass(frozen=True, slots=True)
class _Right:
    """One verb on one resource (of one name, or of any), or on one path."""

    verb: str
    group: str = ""
    resource: str = ""
    name: str | None = None
    path: str | None = None

    def rule(self) -> PolicyRule:
        if self.path is not None:
            return PolicyRule(verbs=[self.verb], nonResourceURLs=[self.path])
        return PolicyRule(
            verbs=[self.verb],
            apiGroups=[self.group],
            resources=[self.resource],
            resourceNames=[] if self.name is None else [self.name],
        )


def escalation(
    policies: Policies, user: User, namespace: str, wanted: Iterable[PolicyRule]
) -> str | None:
    """What is wrong with a user giving these rules to somebody; None if they have them all.

    ``namespace`` is where they are given, empty for everywhere. The text is upstream's.
    """
    held: list[PolicyRule] = []
    absent: dict[str, None] = {}
    for grant in policies.grants(user, namespace):
        rules = policies.written(grant.binding.role)
        if rules is None:
            absent[missing(grant.binding.role)] = None
        else:
            held += rules
    lacking = uncovered(held, wanted)
    if not lacking:
        return None
    told = "\n".join(sorted({described(rule) for rule in compact(lacking)}))
    text = (
        f"user {quote(user.name)} (groups={quotes(user.groups)}) is attempting to grant "
        f"RBAC permissions not currently held:\n{told}"
    )
    if absent:
        text += f"; resolution errors: [{aggregate(list(absent))}]"
    return text


def uncovered(held: Sequence[PolicyRule], wanted: Iterable[PolicyRule]) -> list[PolicyRule]:
    """The rights of ``wanted``, one by one, that no single rule of ``held`` includes.

    A rule of a few hundred words may give a hundred million rights, and everybody would wait while
    they are counted. Of rules beyond ``MOST_COMPARED`` comparisons in all, each must be included by
    a single rule as a whole; one that is not is lacking as it stands.
    """
    lacking: list[PolicyRule] = []
    left = MOST_COMPARED
    for rule in wanted:
        if any(_includes_whole(other, rule) for other in held):
            continue
        cost = _count(rule) * max(len(held), 1)
        if cost > left:
            lacking.append(rule)
            continue
        left -= cost
        rights = (r for r in _rights(rule) if not any(_includes(other, r) for other in held))
        lacking += [right.rule() for right in rights]
    return lacking


def _count(rule: PolicyRule) -> int:
    """How many rights a rule gives."""
    resources = len(rule.apiGroups) * len(rule.resources) * max(len(rule.resourceNames), 1)
    return len(rule.verbs) * (resources + len(rule.nonResourceURLs))


def _includes_whole(held: PolicyRule, wanted: PolicyRule) -> bool:
    """Whether one rule includes another by its words; if not, it may still include each right."""
    if not _all(wanted.verbs, held.verbs):
        return False
    if wanted.nonResourceURLs and not _all(wanted.nonResourceURLs, held.nonResourceURLs):
        return False
    if not (wanted.apiGroups and wanted.resources):
        return True
    names = set(held.resourceNames)
    named = not names or (bool(wanted.resourceNames) and names.issuperset(wanted.resourceNames))
    return (
        named and _all(wanted.apiGroups, held.apiGroups) and _all(wanted.resources, held.resources)
    )


def _all(wanted: Sequence[str], held: Sequence[str]) -> bool:
    """Whether all the words are there."""
    return ALL in held or set(held).issuperset(wanted)


def _rights(rule: PolicyRule) -> Iterator[_Right]:
    for group in rule.apiGroups:
        for resource in rule.resources:
            for verb in rule.verbs:
                for name in rule.resourceNames or (None,):
                    yield _Right(verb, group, resource, name)
    for path in rule.nonResourceURLs:
        for verb in rule.verbs:
            yield _Right(verb, path=path)


def _includes(rule: PolicyRule, right: _Right) -> bool:
    if not (ALL in rule.verbs or right.verb in rule.verbs):
        return False
    if right.path is not None:
        return any(_path_includes(path, right.path) for path in rule.nonResourceURLs)
    if not (ALL in rule.apiGroups or right.group in rule.apiGroups):
        return False
    named = not rule.resourceNames or right.name in rule.resourceNames
    if named and _resource_included(rule.resources, right.resource):
        return True
    return not right.group and includes_part(rule, right.resource, right.name)


def _resource_included(held: Sequence[str], wanted: str) -> bool:
    if ALL in held or wanted in held:
        return True
    _, slash, subresource = wanted.partition("/")
    return bool(slash) and f"{ALL}/{subresource}" in held


def _path_includes(held: str, wanted: str) -> bool:
    if held.endswith(ALL):
        return wanted.startswith(held.rstrip(ALL))
    return held == wanted


def compact(rules: Iterable[PolicyRule]) -> list[PolicyRule]:
    """Rules of one verb each on the same resource, put together."""
    whole: list[PolicyRule] = []
    simple: dict[tuple[str, str, str | None], PolicyRule] = {}
    for rule in rules:
        if len(rule.apiGroups) != 1 or len(rule.resources) != 1:
            whole.append(rule)
            continue
        name = rule.resourceNames[0] if rule.resourceNames else None
        key = (rule.apiGroups[0], rule.resources[0], name)
        if key in simple:
            simple[key].verbs.extend(rule.verbs)
        else:
            simple[key] = rule
    return [*whole, *simple.values()]


def described(rule: PolicyRule) -> str:
    """A rule on one line."""
    parts = (
        ("APIGroups", rule.apiGroups),
        ("Resources", rule.resources),
        ("NonResourceURLs", rule.nonResourceURLs),
        ("ResourceNames", rule.resourceNames),
        ("Verbs", rule.verbs),
    )
    return "{" + ", ".join(f"{name}:{quotes(values)}" for name, values in parts if values) + "}"
