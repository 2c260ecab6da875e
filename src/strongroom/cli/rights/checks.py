"""What to look for in the bindings of a cluster, how bad it is there, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from strongroom.cli.rights import becoming, reading
from strongroom.cli.rights import standards as numbers
from strongroom.cli.rights.held import Grant, Right, Whom, right
from strongroom.cli.rights.paths import READING
from strongroom.cli.rights.standards import Numbers
from strongroom.cli.rights.subjects import is_anonymous, is_default_account, is_everybody
from strongroom.resources.rbac import GROUP
from strongroom.resources.rbac_rules import ALL, Rule

LEVELS = ("low", "medium", "high", "critical")
"""From the least to the worst."""

_OF_NO_NAMESPACE = frozenset({"users", "groups", "clusterroles"})
"""A RoleBinding gives no right to them, except to bind a ClusterRole in its namespace."""
_OWN = "strongroom.io"
_ALTERING = ("update", "patch", "delete", "deletecollection")
_TELLTALE = ("*", "/*", "/metrics", "/debug", "/logs", "/configz", "/flagz", "/statusz")
"""Paths that are not for everybody."""

Found = Callable[[Grant], Rule | None]


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look for in grants.

    ``everywhere`` is how bad it is of a ClusterRoleBinding, ``within`` of a RoleBinding; empty
    where a RoleBinding has no such effect.
    """

    key: str
    title: str
    advice: str
    everywhere: str
    within: str
    numbers: Numbers
    found: Found

    def severity(self, grant: Grant) -> str:
        """One of LEVELS, or empty."""
        return self.within if grant.namespace else self.everywhere


def _any_of(*rights: Right) -> Found:
    """Whether any of these rights is given, and by which rule."""
    within = [r for r in rights if r.what.verb == "bind" or r.what.resource not in _OF_NO_NAMESPACE]

    def found(grant: Grant) -> Rule | None:
        asked = within if grant.namespace else rights
        return next((rule for r in asked if (rule := grant.held.covering(r))), None)

    return found


def _everything(grant: Grant) -> Rule | None:
    rules = grant.held.rules
    return next(
        (r for r in rules if ALL in r.verbs and ALL in r.resources and ALL in r.groups), None
    )


def _editing(grant: Grant) -> Rule | None:
    """Upstream's roles for people that show Secrets and run pods."""
    if grant.held.is_default and grant.role in ("admin", "edit"):
        return grant.held.covering(right("get", "secrets"))
    return None


def _wildcard(grant: Grant) -> Rule | None:
    return next((r for r in grant.held.rules if ALL in (*r.verbs, *r.resources)), None)


def _harmful(grant: Grant) -> Rule | None:
    """The first rule that is more than everybody has in every cluster."""
    return next((rule for rule in grant.held.rules if not _is_harmless(rule)), None)


def _is_harmless(rule: Rule) -> bool:
    if rule.paths:
        harmless = not any(path.startswith(_TELLTALE) for path in rule.paths)
        return harmless and set(rule.verbs) <= {"get", "head"}
    if all(what.startswith("selfsubject") for what in rule.resources):
        return True
    if set(rule.resources) <= {"clustertrustbundles"}:
        return set(rule.verbs) <= set(READING)
    named = set(rule.verbs) <= {"get"} and bool(rule.names)
    return named and set(rule.resources) <= {"configmaps"}


def _of(whom: Callable[[Whom], bool], found: Found) -> Found:
    return lambda grant: found(grant) if whom(grant.whom) else None


WHOM = (
    Check(
        "anonymous",
        "who is not known at all is given something",
        "Delete the binding, or bind groups of people who log in.",
        "critical",
        "critical",
        Numbers(owasp=numbers.AUTHENTICATION),
        _of(is_anonymous, _harmful),
    ),
    Check(
        "everybody",
        "everybody who logs in, or every service account, is given something",
        "Bind a group of those who need it, or the accounts themselves.",
        "high",
        "medium",
        Numbers(),
        _of(is_everybody, _harmful),
    ),
    Check(
        "default-account",
        "service accounts that pods have without naming them are given something",
        "Make an account for the pods that need it, name it in them, and bind it.",
        "high",
        "medium",
        Numbers(numbers.DEFAULT_ACCOUNTS),
        _of(is_default_account, _harmful),
    ),
)
"""Looked at whatever else is found."""

WHOLE = (
    Check(
        "everything",
        "every right there is",
        "Bind a role of what is needed; keep this one for emergencies, with credentials that end.",
        "high",
        "medium",
        Numbers(numbers.CLUSTER_ADMIN),
        _everything,
    ),
    Check(
        "edit",
        "admin or edit, which read Secrets and run pods",
        "Bind it by a RoleBinding in the namespaces that need it.",
        "high",
        "low",
        Numbers(numbers.READ_SECRETS),
        _editing,
    ),
)

PARTS = (
    Check(
        "secrets",
        "all Secrets can be read",
        "Bind a Role in the namespaces that need it, and name the Secrets (resourceNames).",
        "high",
        "low",
        Numbers(numbers.READ_SECRETS, f"{numbers.RBAC} {numbers.SECRETS}"),
        _any_of(*(right(verb, what) for what in ("secrets", "secrets/keys") for verb in READING)),
    ),
    Check(
        "escalate",
        "roles can be given what their giver lacks",
        "Take the verb escalate away: who writes roles has the rights that they give.",
        "high",
        "high",
        Numbers(numbers.BECOME_OTHERS),
        _any_of(*(right("escalate", kind, GROUP) for kind in ("roles", "clusterroles"))),
    ),
    Check(
        "bind",
        "roles can be bound whose rights the binder lacks",
        "Limit the verb bind to roles by resourceNames.",
        "high",
        "high",
        Numbers(numbers.BECOME_OTHERS),
        _any_of(*(right("bind", kind, GROUP) for kind in ("roles", "clusterroles"))),
    ),
    Check(
        "impersonate",
        "one can act as anybody",
        "Limit the verb impersonate to users, groups or accounts by resourceNames.",
        "high",
        "medium",
        Numbers(numbers.BECOME_OTHERS),
        _any_of(*(right("impersonate", what) for what in ("users", "groups", "serviceaccounts"))),
    ),
    Check(
        "tokens",
        "tokens can be made of any service account",
        "Limit serviceaccounts/token to accounts by resourceNames.",
        "high",
        "medium",
        Numbers(numbers.TOKENS, f"{numbers.RBAC} {numbers.AUTHENTICATION}"),
        _any_of(right("create", "serviceaccounts/token")),
    ),
    Check(
        "node-proxy",
        "the kubelets' API can be reached, past authorization and audit of what it does to pods",
        "Give nodes/metrics, nodes/stats, nodes/log or nodes/healthz instead of nodes/proxy.",
        "high",
        "",
        Numbers(numbers.NODE_PROXY),
        _any_of(right("get", "nodes/proxy"), right("create", "nodes/proxy")),
    ),
    Check(
        "csr-approval",
        "certificates can be approved that make one anybody",
        "Limit the verb approve to signers by resourceNames.",
        "high",
        "",
        Numbers(numbers.APPROVAL),
        _any_of(*becoming.APPROVALS),
    ),
    Check(
        "webhooks",
        "all that is written can be sent elsewhere, and changed",
        "Leave webhook configurations to who administers the cluster.",
        "high",
        "",
        Numbers(numbers.WEBHOOKS),
        _any_of(*reading.WRITE_HOOKS),
    ),
    Check(
        "encryption",
        "keys that the store is encrypted with can be changed and thrown away",
        "Leave encryptionoperations to who administers the server.",
        "high",
        "",
        Numbers(owasp=numbers.SECRETS),
        _any_of(right("create", "encryptionoperations", _OWN)),
    ),
    Check(
        "unreadable",
        "objects can be deleted that nobody can read any more, past what guards them",
        "Give the verb unsafe-delete-ignore-read-errors for as long as it is needed.",
        "medium",
        "low",
        Numbers(owasp=f"{numbers.RBAC} {numbers.SECRETS}"),
        _any_of(right("unsafe-delete-ignore-read-errors", "secrets")),
    ),
    Check(
        "alerts",
        "alerts about the use of Secrets can be changed or deleted",
        "Give get, list and watch on secretalerts: only the server writes them.",
        "medium",
        "medium",
        Numbers(owasp=numbers.RBAC),
        _any_of(*(right(verb, "secretalerts", _OWN) for verb in _ALTERING)),
    ),
    Check(
        "wildcard",
        "a rule with *, which grows with every kind that is added",
        "Name the verbs and the resources.",
        "medium",
        "low",
        Numbers(numbers.WILDCARDS),
        _wildcard,
    ),
    Check(
        "volumes",
        "volumes can be made, of directories of nodes too",
        "Let a storage class make them.",
        "medium",
        "",
        Numbers(numbers.VOLUMES),
        _any_of(right("create", "persistentvolumes")),
    ),
    Check(
        "exec",
        "pods can be entered, with the Secrets that they use",
        "Bind it in the namespaces that need it, for as long as it is needed.",
        "medium",
        "low",
        Numbers(),
        _any_of(*reading.enter()),
    ),
    Check(
        "pods",
        "pods can be run that use any Secret of their namespace",
        "Bind it in the namespaces that need it; keep Secrets of others in other namespaces.",
        "medium",
        "low",
        Numbers(numbers.CREATE_PODS),
        _any_of(*reading.MAKE_PODS, *reading.MAKE_CONTROLLERS),
    ),
)
