"""Allows what a role allows that is bound to the asker (``plugin/pkg/auth/authorizer/rbac``).

The answer to a question is kept until a role or a binding changes, so that the usual requests cost
a look-up, whatever the number of bindings.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from strongroom.access.authz.policies import Grant, Policies, aggregate, missing
from strongroom.access.authz.port import Decision, Held, Verdict
from strongroom.access.user import Attributes, User
from strongroom.resources.rbac_rules import Rule

KEPT = 8192
"""Answers that are kept: a few hundred bytes each."""
LONGEST = 1024
"""Characters of a question whose answer is kept. A URL may have a million, and what is asked about
in a review more: without an end anybody would fill the memory with questions."""


async def _always_fresh() -> None:
    """The policies are as new as anything that was acknowledged."""


class RBACAuthorizer:
    """Answers from ``policies``, once ``refresh`` says that they show every acknowledged change."""

    def __init__(
        self, policies: Policies, refresh: Callable[[], Awaitable[None]] = _always_fresh
    ) -> None:
        self.policies = policies
        self.refresh = refresh
        self._kept: dict[tuple[Any, ...], Decision] = {}
        self._generation = -1

    async def authorize(self, attributes: Attributes) -> Decision:
        """ALLOW with the binding that allows it, else no opinion, with roles that are missing."""
        await self.refresh()
        if self._generation != self.policies.generation:
            self._generation = self.policies.generation
            self._kept.clear()
        key = _key(attributes)
        decision = self._kept.get(key)
        if decision is None:
            decision = self._decided(attributes)
            if _length(key) <= LONGEST:
                if len(self._kept) >= KEPT:
                    self._kept.clear()
                self._kept[key] = decision
        return decision

    async def held(self, user: User, namespace: str) -> Held:
        """All that a user may do in a namespace."""
        await self.refresh()
        rules: list[Rule] = []
        absent: dict[str, None] = {}
        for grant in self.policies.grants(user, namespace):
            found = self.policies.rules(grant.binding.role)
            if found is None or not grant.binding.role_kind:
                absent[_error(grant)] = None
            else:
                rules += found
        return Held(tuple(rules), error=aggregate(list(absent)) if absent else "")

    def _decided(self, wanted: Attributes) -> Decision:
        absent: dict[str, None] = {}
        for grant in self.policies.grants(wanted.user, wanted.namespace):
            rules = self.policies.rules(grant.binding.role)
            if rules is None or not grant.binding.role_kind:
                absent[_error(grant)] = None
            elif any(rule.allows(wanted) for rule in rules):
                told = grant.binding.described(grant.subject)
                return Decision(Verdict.ALLOW, f"RBAC: allowed by {told}")
        return Decision(reason=f"RBAC: {aggregate(list(absent))}" if absent else "")


def _error(grant: Grant) -> str:
    if not grant.binding.role_kind:
        return 'unsupported role reference kind: ""'
    return missing(grant.binding.role)


def _length(key: tuple[Any, ...]) -> int:
    """The characters in a key, which has strings and one tuple of them."""
    return sum(len(part) if isinstance(part, str) else sum(map(len, part)) for part in key)


def _key(wanted: Attributes) -> tuple[Any, ...]:
    """All that an answer depends on besides roles and bindings."""
    user = wanted.user
    if not wanted.is_resource:
        return user.name, user.groups, wanted.verb, wanted.path
    return (
        user.name,
        user.groups,
        wanted.verb,
        wanted.group,
        wanted.resource,
        wanted.subresource,
        wanted.namespace,
        wanted.name,
    )
