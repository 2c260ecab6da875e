"""Gives ClusterRoles with an aggregation rule the rules of those that it selects.

Source: ``pkg/controller/clusterroleaggregation``.
"""

from __future__ import annotations

from strongroom.client.client import Client
from strongroom.client.informer import Change, Informer
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Key
from strongroom.resources.clusterrole import CLUSTER_ROLES, ClusterRole
from strongroom.resources.label_selection import selection
from strongroom.resources.rbac import PolicyRule


class ClusterRoleAggregation:
    """Keys are ClusterRoles that are aggregated."""

    name = "clusterrole-aggregation"
    workers = 1

    def __init__(self, client: Client) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.05, limit=30.0)
        self._client = client
        self._roles = Informer(client, CLUSTER_ROLES)

    async def start(self) -> None:
        self._roles.add_handler(self._on_role)
        self._roles.start()
        await self._roles.wait_synced()

    async def close(self) -> None:
        await self._roles.close()

    def _on_role(self, change: Change[ClusterRole]) -> None:
        # Any role may be, or may just have been, a part of any aggregated one; those are few.
        for role in self._roles.items():
            if role.aggregationRule is not None:
                self.queue.add(("", role.metadata.name))

    async def reconcile(self, key: Key) -> None:
        role = self._roles.get(*key)
        if role is None or role.aggregationRule is None:
            return
        rules = gathered(role, self._roles.items())
        if rules == role.rules:
            return
        wanted = ClusterRole(
            metadata=role.metadata, rules=rules, aggregationRule=role.aggregationRule
        )
        # With its resourceVersion: of a newer state the watch tells, and it is looked at then.
        await self._client.update(CLUSTER_ROLES, wanted)


def gathered(role: ClusterRole, roles: list[ClusterRole]) -> list[PolicyRule]:
    """The rules of all that a role selects, each once, in the order of selectors and names."""
    if role.aggregationRule is None:
        return role.rules
    rules: list[PolicyRule] = []
    known = sorted(roles, key=lambda each: each.metadata.name)
    for selector in role.aggregationRule.clusterRoleSelectors:
        selected = selection(selector)
        for other in known:
            if other.metadata.name == role.metadata.name or selected is None:
                continue
            if selected.matches(other.metadata.labels):
                rules += [rule for rule in other.rules if rule not in rules]
    return rules
