"""Clusters in a few words, for tables of cases.

::

    Role shop/reader: get,list secrets (db); create pods/exec
    ClusterRole actor: impersonate users
    Bind shop/readers: Role reader to User jane, Group auditors, ServiceAccount shop/robot
    Bind actors: ClusterRole actor to User boss
    Pod shop/app on n1: db
    Share shop/grant with front: db

A pod "on -" is on no node yet. What follows ``default`` bears the label of what every cluster has.
"""

from __future__ import annotations

from strongroom.api.meta import ObjectMeta
from strongroom.cli.rights.facts import Facts, Using
from strongroom.cli.rights.held import grants_of, roles_of
from strongroom.resources.clusterrole import ClusterRole
from strongroom.resources.clusterrolebinding import ClusterRoleBinding
from strongroom.resources.rbac import BOOTSTRAPPING, GROUP, PolicyRule, RoleRef, Subject
from strongroom.resources.role import Role
from strongroom.resources.rolebinding import RoleBinding
from strongroom.resources.secretgrant import (
    GrantedSecret,
    GrantTarget,
    SecretGrant,
    SecretGrantSpec,
)


def cluster(text: str) -> Facts:
    """The facts of a cluster that is written down like this."""
    roles: list[Role] = []
    wide: list[ClusterRole] = []
    bindings: list[RoleBinding | ClusterRoleBinding] = []
    pods: list[Using] = []
    shares: list[SecretGrant] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        head, _, body = line.partition(": ")
        words = head.split()
        default = words[0] == "default" and bool(words.pop(0))
        namespace, _, name = words[1].rpartition("/")
        made: Role | ClusterRole | RoleBinding | ClusterRoleBinding
        match words[0]:
            case "Role":
                made = Role(rules=[_rule(part) for part in body.split("; ")])
                roles.append(made)
            case "ClusterRole":
                made = ClusterRole(rules=[_rule(part) for part in body.split("; ")])
                wide.append(made)
            case "Bind":
                made = _binding(namespace, body)
                bindings.append(made)
            case "Share":
                shares.append(_share(namespace, words[3], body))
                continue
            case _:
                node = words[3].strip("-")
                pods.append(Using(namespace, name, node, frozenset(body.split(","))))
                continue
        made.metadata.namespace, made.metadata.name = namespace, name
        if default:
            made.metadata.labels[BOOTSTRAPPING] = "rbac-defaults"
    known = roles_of(roles, wide)
    return Facts(known, list(grants_of(bindings, known)), pods, shares=shares)


def _share(namespace: str, to: str, secrets: str) -> SecretGrant:
    given = [GrantedSecret(name, ["*"]) for name in secrets.split(",")]
    spec = SecretGrantSpec(given, [GrantTarget(to, ["*"])])
    return SecretGrant(metadata=ObjectMeta(namespace=namespace), spec=spec)


def _rule(text: str) -> PolicyRule:
    verbs, things, *names = text.split()
    rule = PolicyRule(verbs=verbs.split(","))
    if things.startswith("/"):
        rule.nonResourceURLs = things.split(",")
        return rule
    for thing in things.split(","):
        resource, _, group = thing.partition(".")
        rule.resources.append(resource)
        rule.apiGroups = [*{*rule.apiGroups, group}]
    rule.resourceNames = names[0].strip("()").split(",") if names else []
    return rule


def _binding(namespace: str, text: str) -> RoleBinding | ClusterRoleBinding:
    of, _, to = text.partition(" to ")
    kind, role = of.split()
    ref = RoleRef(apiGroup=GROUP, kind=kind, name=role)
    made = [_subject(*subject.split()) for subject in to.split(", ")]
    if namespace:
        return RoleBinding(subjects=made, roleRef=ref)
    return ClusterRoleBinding(subjects=made, roleRef=ref)


def _subject(kind: str, name: str) -> Subject:
    where, _, last = name.rpartition("/")
    return Subject(kind=kind, name=last, namespace=where)
