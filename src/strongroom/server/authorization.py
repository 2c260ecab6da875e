"""Who decides whether a request may proceed in this server, and what they know.

The caches of roles, bindings and pods tell each change in the step in which they show it. So an
answer is as new as a read of these kinds, and costs no read.
"""

from __future__ import annotations

import contextlib
from typing import Any

from prometheus_client import CollectorRegistry

from strongroom.access.authz.modes import (
    ALWAYS_ALLOW,
    ALWAYS_DENY,
    NODE,
    RBAC,
    WEBHOOK,
    Always,
)
from strongroom.access.authz.node import NodeAuthorizer, node_of
from strongroom.access.authz.node_graph import NodeGraph
from strongroom.access.authz.partial import PartialRights
from strongroom.access.authz.policies import Policies, aggregate
from strongroom.access.authz.port import Authorizer, Held
from strongroom.access.authz.rbac import RBACAuthorizer
from strongroom.access.user import User
from strongroom.api.clock import Clock
from strongroom.registry.registry import Registry
from strongroom.resources.rbac import GROUP
from strongroom.resources.rbac_rules import ALL, Rule
from strongroom.server.authorization_options import AuthorizationOptions
from strongroom.server.authorizers import Authorizers
from strongroom.server.creation import CreationCheck
from strongroom.server.escalation import EscalationCheck
from strongroom.server.freshness import CatchUp
from strongroom.server.kinds import Kinds
from strongroom.server.listening import follow_objects
from strongroom.storage.port import Store

_ROLES = ("roles", "clusterroles")
_BINDINGS = ("rolebindings", "clusterrolebindings")

ANYTHING, ANYWHERE = Rule((ALL,), (ALL,), (ALL,)), Rule((ALL,), paths=(ALL,))
"""What is listed where everything is allowed."""


class Authorization:
    """The authorizers in their order. They know of no role and no pod until kinds are attached.

    Raises BadFile for files of the configuration that cannot be used.
    """

    def __init__(self, store: Store, options: AuthorizationOptions, clock: Clock) -> None:
        self.policies = Policies()
        self.graph = NodeGraph()
        self._policy_kinds: tuple[Registry[Any], ...] = ()
        self._pods: tuple[Registry[Any], ...] = ()
        self.rbac = RBACAuthorizer(self.policies, CatchUp(store, lambda: self._policy_kinds))
        known: dict[str, Authorizer] = {
            ALWAYS_ALLOW: Always(allow=True),
            ALWAYS_DENY: Always(allow=False),
            NODE: NodeAuthorizer(self.graph, CatchUp(store, lambda: self._pods)),
            RBAC: self.rbac,
        }
        self.authorizer = Authorizers(options, known, clock)
        known_rules = self.policies if RBAC in self._types() else None
        self.partial = PartialRights(
            self.authorizer, known_rules, exhaustive=self.authorizer.exhaustive
        )
        """What may be shown of Secrets to those who may not see all of them."""
        self.creation = CreationCheck(self.authorizer)
        """The first plugin of admission that judges objects."""
        self.escalation = EscalationCheck(self.policies, self.authorizer)
        """The last plugin of admission that changes objects, which it does not."""

    def attach(self, kinds: Kinds) -> None:
        """Take in what the registries have, and follow them. They must have been started."""
        roles = [kinds.registry(GROUP, plural) for plural in _ROLES]
        bindings = [kinds.registry(GROUP, plural) for plural in _BINDINGS]
        asked = kinds.registry("certificates.k8s.io", "podcertificaterequests")
        self._policy_kinds = (*roles, *bindings)
        self._pods = (kinds.registry("", "pods"), asked)
        for registry in roles:
            follow_objects(registry, self._take_role)
        for registry in bindings:
            follow_objects(registry, self._take_binding)
        follow_objects(self._pods[0], self.graph.put)
        follow_objects(asked, self.graph.put_request)

    def begin(self, registry: CollectorRegistry, stack: contextlib.AsyncExitStack) -> None:
        """Show metrics, and follow the files of the configuration until ``stack`` ends it."""
        self.authorizer.begin(registry, stack)

    async def close(self) -> None:
        """Close the connections to webhooks."""
        await self.authorizer.close()

    async def rules_of(self, user: User, namespace: str) -> Held:
        """What a user may do in a namespace, as far as it can be listed."""
        held = [await self._held(type_, user, namespace) for type_ in self._types()]
        rules = tuple(rule for one in held for rule in one.rules)
        errors = list(dict.fromkeys(one.error for one in held if one.error))
        incomplete = any(one.incomplete for one in held)
        return Held(rules, incomplete=incomplete, error=aggregate(errors) if errors else "")

    async def _held(self, type_: str, user: User, namespace: str) -> Held:
        """What an authorizer of this type lists."""
        if type_ == ALWAYS_ALLOW:
            return Held((ANYTHING, ANYWHERE))
        if type_ == RBAC:
            return await self.rbac.held(user, namespace)
        if type_ == WEBHOOK or (type_ == NODE and node_of(user) is not None):
            why = f"{type_.lower()} authorizer does not support user rule resolution"
            return Held(incomplete=True, error=why)
        return Held()

    def _types(self) -> tuple[str, ...]:
        """The authorizers that are configured now, in their order."""
        return tuple(plan.type for plan in self.authorizer.plans)

    def _take_role(self, namespace: str, name: str, role: Any) -> None:
        if role is None:
            self.policies.drop_role(namespace, name)
        else:
            self.policies.put_role(namespace, name, role.rules)

    def _take_binding(self, namespace: str, name: str, binding: Any) -> None:
        if binding is None:
            self.policies.drop_binding(namespace, name)
        else:
            self.policies.put_binding(namespace, name, binding.roleRef, binding.subjects)
