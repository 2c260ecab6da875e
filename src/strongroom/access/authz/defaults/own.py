"""What strongroom's own parts need beyond upstream's roles, whose contents stay upstream's.

All controllers run as one user, which has this one role for what any of them does.
"""

from __future__ import annotations

from strongroom.access.authz.defaults.components import CONTROLLER_MANAGER
from strongroom.access.authz.defaults.words import (
    EVENTS,
    READ,
    can,
    cluster_role,
    to_all,
    users,
    visit,
)

_NAME = "strongroom:controller-manager"

ROLES = (
    cluster_role(
        _NAME,
        EVENTS,
        # Deletion knows no kinds: what is owned, or is in a namespace, may be of any. The
        # controllers ask for metadata only, which an authorizer is not told of.
        can(f"{READ} patch delete deletecollection", "*", "*"),
        can(
            "patch update",
            "namespaces/finalize namespaces/status nodes/status pods/status resourcequotas/status",
        ),
        can("create", "pods/binding serviceaccounts"),
        can("create update", "configmaps"),
        can("escalate update", "clusterroles", "rbac.authorization.k8s.io"),
        visit("/metrics"),
    ),
)

BINDINGS = (to_all(_NAME, *users(CONTROLLER_MANAGER)),)
