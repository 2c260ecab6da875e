"""The rules that are on without a file.

Exceptions say what the parts of a cluster do when nothing is wrong, not who they are: a node that
lists Secrets, or a controller that reads one by name, is seen.
"""

from __future__ import annotations

from strongroom.server.alerts.policy_file import (
    ACTING,
    ANYTHING,
    CREDENTIALS,
    EVERYWHERE,
    FIRST,
    MANY,
    OTHERS_TOKEN,
    REFUSED,
    SECRETS,
    TOKEN,
    WHOLE,
    Match,
    Rule,
)

_NODES = Match(groups=["system:nodes"], verbs=["get", "list", "watch"], named=True)
"""Nodes read the Secrets of their pods one by one; others the Node authorizer refuses them."""

_MANAGER = Match(
    users=["system:kube-controller-manager", "system:serviceaccount:kube-system:*"],
    verbs=["list", "watch"],
)
"""Controllers follow kinds as a whole."""

_ACCOUNTS = Match(
    groups=["system:nodes"],
)
"""Nodes have tokens made for their pods; NodeRestriction refuses them others."""

DEFAULT_RULES = (
    Rule(
        name="many-secrets",
        type=MANY,
        severity="high",
        threshold=25,
        window="5m",
        exceptions=[_NODES, _MANAGER],
    ),
    Rule(
        name="first-read",
        type=FIRST,
        severity="low",
        exceptions=[_NODES, _MANAGER],
    ),
    Rule(
        name="all-namespaces",
        type=EVERYWHERE,
        severity="high",
        exceptions=[_MANAGER],
    ),
    Rule(
        name="refused-secrets",
        type=REFUSED,
        refused=SECRETS,
        severity="medium",
        threshold=10,
        window="10m",
    ),
    Rule(
        name="refused-often",
        type=REFUSED,
        refused=ANYTHING,
        severity="low",
        threshold=100,
        window="10m",
    ),
    Rule(
        name="bad-credentials",
        type=REFUSED,
        refused=CREDENTIALS,
        severity="medium",
        threshold=20,
        window="10m",
    ),
    Rule(name="token-from-new-address", type=TOKEN, severity="high"),
    Rule(name="whole-store", type=WHOLE, severity="medium"),
    Rule(name="read-as-another", type=ACTING, severity="low"),
    Rule(
        name="token-for-another",
        type=OTHERS_TOKEN,
        severity="low",
        exceptions=[
            _ACCOUNTS,
            Match(
                users=["system:kube-controller-manager"],
                namespaces=["kube-system"],
            ),
        ],
    ),
)


def rules_in_force(given: list[Rule], *, defaults: bool) -> list[Rule]:
    """The given rules, and the default ones that none of them replaces; those that are on."""
    names = {rule.name for rule in given}
    kept = [rule for rule in DEFAULT_RULES if defaults and rule.name not in names]
    return [rule for rule in (*kept, *given) if rule.enabled]
