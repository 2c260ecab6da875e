"""Ways to become somebody who may, or to give oneself the right: those of one step, no chains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from strongroom.cli.rights.case import Case, Place, holding
from strongroom.cli.rights.held import MASTERS, Grant, Right, Whom, right
from strongroom.cli.rights.paths import Path, Way
from strongroom.cli.rights.reading import MAKE_CONTROLLERS, MAKE_PODS
from strongroom.cli.rights.standards import (
    APPROVAL,
    AUTHENTICATION,
    BECOME_OTHERS,
    CREATE_PODS,
    TOKENS,
    Numbers,
)
from strongroom.resources.rbac import GROUP, GROUP_KIND, USER
from strongroom.resources.rbac_rules import Rule

IMPERSONATE = Way("impersonate", "act as who may", Numbers(BECOME_OTHERS))
ESCALATE = Way("escalate", "give a role what it lacks", Numbers(BECOME_OTHERS))
BIND = Way("bind", "bind a role that may", Numbers(BECOME_OTHERS))
TOKEN = Way("token", "get a token of who may", Numbers(TOKENS, AUTHENTICATION))
POD_AS = Way("pods-as", "run pods as who may", Numbers(CREATE_PODS))
APPROVE = Way("csr", "have a certificate of who may", Numbers(APPROVAL, AUTHENTICATION))

_CERTIFICATES = "certificates.k8s.io"
_CLIENTS = "kubernetes.io/kube-apiserver-client"

ANY_IMPERSONATION = tuple(
    right("impersonate", what, any_name=True) for what in ("users", "serviceaccounts")
)
APPROVALS = tuple(
    right(verb, "certificatesigningrequests/approval", _CERTIFICATES, any_name=True)
    for verb in ("update", "patch")
)
_SIGNERS = tuple(
    right("approve", "signers", _CERTIFICATES, name=name) for name in (_CLIENTS, "kubernetes.io/*")
)
_ASK = (right("create", "certificatesigningrequests", _CERTIFICATES),)


def becoming_ways(case: Case, whom: Whom, grants: Sequence[Grant]) -> Iterator[Path]:
    """The ways that are open to a subject with these grants."""
    yield from case.paths(whom, IMPERSONATE, grants, _impersonated(case, grants))
    yield from _escalating(case, whom, grants)
    yield from _binding(case, whom, grants)
    yield from case.paths(whom, TOKEN, grants, _tokens(case))
    yield from case.paths(whom, POD_AS, grants, _pods_as(case))
    if _holds(grants, "", _SIGNERS) and _holds(grants, "", _ASK):
        yield from case.paths(whom, APPROVE, grants, [Place("", APPROVALS)])


def _impersonated(case: Case, grants: Sequence[Grant]) -> Iterator[Place]:
    """Users and groups are of no namespace; a group is taken on along with some user."""
    subjects = dict.fromkeys(path.whom for path in case.direct)
    for user in (whom for whom in subjects if whom.kind == USER):
        yield Place("", (right("impersonate", "users", name=user.name),), str(user))
    for account in case.accounts():
        wanted = right(
            "impersonate", "serviceaccounts", name=account.name, any_name=not account.name
        )
        yield Place(account.namespace, (wanted,), str(account))
    if any(grant.held.covering(wanted) for grant in grants for wanted in ANY_IMPERSONATION):
        groups = {MASTERS, *(whom.name for whom in subjects if whom.kind == GROUP_KIND)}
        for name in sorted(groups):
            yield Place("", (right("impersonate", "groups", name=name),), f"Group {name}")


def _escalating(case: Case, whom: Whom, grants: Sequence[Grant]) -> Iterator[Path]:
    for kind, namespace in (("roles", case.asked.namespace), ("clusterroles", "")):
        if _holds(grants, namespace, _writing(kind, "update", "patch")):
            place = Place(namespace, (right("escalate", kind, GROUP, any_name=True),))
            yield from case.paths(whom, ESCALATE, grants, [place])


def _binding(case: Case, whom: Whom, grants: Sequence[Grant]) -> Iterator[Path]:
    """``bind`` on a role that may, or on all, with the right to write a binding."""
    namespace, opened = case.asked.namespace, set[Grant]()
    for kind, bindings, where in (
        ("roles", "rolebindings", namespace),
        ("clusterroles", "rolebindings", namespace),
        ("clusterroles", "clusterrolebindings", ""),
    ):
        if not _holds(grants, where, _writing(bindings, "create", "update", "patch")):
            continue
        for grant, rule in holding(grants, where, right("bind", kind, GROUP, any_name=True)):
            targets = _bindable(case, rule, namespace if kind == "roles" else "")
            if grant not in opened and targets is not None:
                opened.add(grant)
                yield Path(whom, BIND, grant, rule, targets)


def _bindable(case: Case, rule: Rule, namespace: str) -> tuple[str, ...] | None:
    """The roles that a rule is limited to and that may; none if any may be bound, else None."""
    asked = case.asked
    wanted = right(asked.verb, "secrets", name=asked.name, any_name=not asked.name)
    found = [
        f"{'Role' if namespace else 'ClusterRole'} {name}"
        for name in rule.names
        if (held := case.facts.roles.get((namespace, name))) and held.covering(wanted)
    ]
    return tuple(found) if found or not rule.names else None


def _tokens(case: Case) -> Iterator[Place]:
    for account in case.accounts():
        wanted = right(
            "create", "serviceaccounts/token", name=account.name, any_name=not account.name
        )
        yield Place(account.namespace, (wanted,), str(account))


def _pods_as(case: Case) -> Iterator[Place]:
    """Where pods of the Secret's own namespace read it anyway, that is told once."""
    for account in case.accounts():
        if not (case.asked.reads and account.namespace == case.asked.namespace):
            yield Place(account.namespace, MAKE_PODS + MAKE_CONTROLLERS, str(account))


def _writing(resource: str, *verbs: str) -> tuple[Right, ...]:
    return tuple(right(verb, resource, GROUP, any_name=True) for verb in verbs)


def _holds(grants: Sequence[Grant], namespace: str, rights: tuple[Right, ...]) -> bool:
    return any(True for _ in holding(grants, namespace, *rights))
