"""Who decides whether a request may proceed in this server, and what they know."""

from __future__ import annotations

from strongroom.access.authz.components import COMPONENTS
from strongroom.access.authz.policies import Policies
from strongroom.access.authz.rbac import RBACAuthorizer
from strongroom.access.authz.union import MastersAuthorizer, UnionAuthorizer
from strongroom.server.kinds import Kinds
from strongroom.server.rbac import EscalationCheck, PolicyFeed
from strongroom.storage.port import Store


class Authorization:
    """The authorizers in their order. They know of no role until the kinds are attached."""

    def __init__(self, store: Store) -> None:
        self.policies = Policies()
        self._feed = PolicyFeed(self.policies, store)
        self.rbac = RBACAuthorizer(self.policies, self._feed.refresh)
        self.authorizer = UnionAuthorizer([MastersAuthorizer(), COMPONENTS, self.rbac])
        self.escalation = EscalationCheck(self.policies, self.authorizer)
        """The last plugin of admission that changes objects, which it does not."""

    def attach(self, kinds: Kinds) -> None:
        """Follow what the registries have, which must have been started."""
        self._feed.attach(kinds)
