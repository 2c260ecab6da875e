"""Priority levels: which requests share seats, and how many.

The levels, their shares and who belongs to which are upstream's defaults
(``k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go``), as far as requests can be told
apart by user and resource. They are fixed here, not objects of the API.
"""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.access.user import ANONYMOUS, MASTERS, NODES, User
from strongroom.server.urls import Target


@dataclass(frozen=True, slots=True)
class LevelSpec:
    """A level by name, the flow schema that leads to it, and its share of all seats."""

    name: str
    schema: str
    shares: int
    exempt: bool = False


EXEMPT = LevelSpec("exempt", "exempt", 0, exempt=True)
LEADER_ELECTION = LevelSpec("leader-election", "system-leader-election", 10)
NODE_HIGH = LevelSpec("node-high", "system-node-high", 40)
SYSTEM = LevelSpec("system", "system-nodes", 30)
WORKLOAD_HIGH = LevelSpec("workload-high", "kube-controller-manager", 40)
WORKLOAD_LOW = LevelSpec("workload-low", "service-accounts", 100)
GLOBAL_DEFAULT = LevelSpec("global-default", "global-default", 20)
CATCH_ALL = LevelSpec("catch-all", "catch-all", 5)

LEVELS = (
    EXEMPT,
    LEADER_ELECTION,
    NODE_HIGH,
    SYSTEM,
    WORKLOAD_HIGH,
    WORKLOAD_LOW,
    GLOBAL_DEFAULT,
    CATCH_ALL,
)

PROBES = ("/healthz", "/livez", "/readyz")
"""Paths that are exempt whoever asks, with everything below them."""

_COMPONENTS = frozenset({"system:kube-controller-manager", "system:kube-scheduler"})
_KUBE_SYSTEM = "system:serviceaccounts:kube-system"
_SERVICE_ACCOUNTS = "system:serviceaccounts"
SPECIAL = frozenset({"leases", "nodes"})
"""Resources that some users' requests are on another level for: elections and signs of life."""


def is_probe(path: str) -> bool:
    """Whether a path is a health check."""
    return path.startswith(PROBES) and path.split("/")[1] in ("healthz", "livez", "readyz")


def level_of(user: User, target: Target) -> LevelSpec:
    """The level of a user's request."""
    groups = user.groups
    if MASTERS in groups:
        return EXEMPT
    if user.name in _COMPONENTS:
        return LEADER_ELECTION if target.resource == "leases" else WORKLOAD_HIGH
    if NODES in groups:
        return NODE_HIGH if target.resource in SPECIAL else SYSTEM
    if _KUBE_SYSTEM in groups:
        return LEADER_ELECTION if target.resource == "leases" else WORKLOAD_HIGH
    if _SERVICE_ACCOUNTS in groups:
        return WORKLOAD_LOW
    return CATCH_ALL if user.name == ANONYMOUS else GLOBAL_DEFAULT
