"""Ways to become somebody who may, or to give oneself the right: those of one step, no chains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from strongroom.cli.rights.case import Case, Place
from strongroom.cli.rights.held import MASTERS, right
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
_UPDATE = {
    kind: tuple(right(verb, kind, GROUP, any_name=True) for verb in ("update", "patch"))
    for kind in ("roles", "clusterroles")
}
_WRITE = {
    kind: tuple(right(verb, kind, GROUP, any_name=True) for verb in ("create", "update", "patch"))
    for kind in ("rolebindings", "clusterrolebindings")
}
_ASK = (right("create", "certificatesigningrequests", _CERTIFICATES),)


def becoming_ways(case: Case) -> Iterator[Path]:
    """The ways that are open to anybody."""
    holds = case.facts.holds
    yield from case.paths(IMPERSONATE, _users(case))
    yield from case.paths(
        IMPERSONATE, _groups(case), given=lambda whom: holds(whom, None, ANY_IMPERSONATION)
    )
    yield from _escalating(case)
    yield from _binding(case)
    yield from case.paths(TOKEN, _tokens(case))
    yield from case.paths(POD_AS, _pods_as(case))
    yield from case.paths(
        APPROVE,
        [Place("", APPROVALS)],
        given=lambda whom: holds(whom, "", _SIGNERS) and holds(whom, "", _ASK),
    )


def _users(case: Case) -> Iterator[Place]:
    """Users are of no namespace; accounts are of theirs."""
    for user in (whom for whom in case.subjects if whom.kind == USER):
        yield Place("", (right("impersonate", "users", name=user.name),), str(user))
    for account in case.accounts():
        wanted = right(
            "impersonate", "serviceaccounts", name=account.name, any_name=not account.name
        )
        yield Place(account.namespace, (wanted,), str(account))


def _groups(case: Case) -> Iterator[Place]:
    """A group is taken on along with some user."""
    for name in sorted({MASTERS, *(w.name for w in case.subjects if w.kind == GROUP_KIND)}):
        yield Place("", (right("impersonate", "groups", name=name),), f"Group {name}")


def _escalating(case: Case) -> Iterator[Path]:
    for kind, namespace in (("roles", case.asked.namespace), ("clusterroles", "")):
        change = partial(case.facts.holds, namespace=namespace, rights=_UPDATE[kind])
        place = Place(namespace, (right("escalate", kind, GROUP, any_name=True),))
        yield from case.paths(ESCALATE, [place], given=change)


def _binding(case: Case) -> Iterator[Path]:
    """``bind`` on a role that may, or on all, with the right to write a binding."""
    namespace = case.asked.namespace
    for kind, bindings, where in (
        ("roles", "rolebindings", namespace),
        ("clusterroles", "rolebindings", namespace),
        ("clusterroles", "clusterrolebindings", ""),
    ):
        write = partial(case.facts.holds, namespace=where, rights=_WRITE[bindings])
        place = Place(where, (right("bind", kind, GROUP, any_name=True),))
        for path in case.paths(BIND, [place], given=write):
            roles = _bindable(case, path.rule, namespace if kind == "roles" else "")
            if roles is not None:
                yield replace(path, targets=roles)


def _bindable(case: Case, rule: Rule | None, namespace: str) -> tuple[str, ...] | None:
    """The roles that a rule is limited to and that may; none if any may be bound, else None."""
    names, asked = rule.names if rule else (), case.asked
    wanted = right(asked.verb, "secrets", name=asked.name, any_name=not asked.name)
    found = [
        f"{'Role' if namespace else 'ClusterRole'} {name}"
        for name in names
        if (held := case.facts.roles.get((namespace, name))) and held.covering(wanted)
    ]
    return tuple(found) if found or not names else None


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
