"""Who holds which role by which binding, and which rule of it covers a right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from strongroom.api.meta import ObjectMeta
from strongroom.resources.clusterrole import ClusterRole
from strongroom.resources.clusterrolebinding import ClusterRoleBinding
from strongroom.resources.rbac import (
    BOOTSTRAPPING,
    CLUSTER_ROLE,
    GROUP_KIND,
    ROLE,
    SERVICE_ACCOUNT,
    USER,
    Subject,
)
from strongroom.resources.rbac_rules import ALL, Rule, compiled
from strongroom.resources.role import Role
from strongroom.resources.rolebinding import RoleBinding

MASTERS = "system:masters"
_ACCOUNT = "system:serviceaccount:"
_PARTS = ("system:", "strongroom:")
"""How the roles of a cluster's own parts are called."""
_ORDER = {USER: 0, GROUP_KIND: 1, SERVICE_ACCOUNT: 2}


@dataclass(frozen=True, slots=True, eq=False)
class What:
    """A verb on a resource, in the form in which rules are asked. Equal ones are one."""

    verb: str
    resource: str
    subresource: str
    group: str
    name: str = ""
    is_resource: bool = True
    path: str = ""


@dataclass(frozen=True, slots=True)
class Right:
    """Something to be allowed. With ``any_name``, rules that are limited to names do too."""

    what: What
    name: str = ""
    any_name: bool = False


def right(
    verb: str, resource: str, group: str = "", *, name: str = "", any_name: bool = False
) -> Right:
    """A right on ``RESOURCE`` or ``RESOURCE/SUBRESOURCE``."""
    return Right(_what(verb, resource, group), name, any_name)


@cache
def _what(verb: str, resource: str, group: str) -> What:
    plural, _, subresource = resource.partition("/")
    return What(verb, plural, subresource, group)


@dataclass(frozen=True, slots=True)
class Whom:
    """A user, a group or a service account, which is the user that its tokens name too."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else self.short

    @property
    def short(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def order(self) -> tuple[int, str, str]:
        """Users first, then groups, then accounts, each by name."""
        return _ORDER.get(self.kind, 3), self.namespace, self.name

    def facts(self) -> dict[str, str]:
        """For programs."""
        told = {"kind": self.kind, "name": self.name}
        return told | ({"namespace": self.namespace} if self.namespace else {})


@dataclass(eq=False, slots=True)
class Held:
    """A role's rules, asked about the same few rights for every binding to it."""

    rules: tuple[Rule, ...]
    is_default: bool = False
    """Whether it is one of those that every cluster has."""
    changed: str = ""
    """When the role was last written, as a wire time; empty where that is not known."""
    _known: dict[What, tuple[Rule | None, tuple[Rule, ...]]] = field(
        default_factory=dict, repr=False
    )

    def covering(self, wanted: Right) -> Rule | None:
        """The first rule that covers a right; one without names before one that is limited."""
        known = self._known.get(wanted.what)
        if known is None:
            known = self._known[wanted.what] = self._found(wanted.what)
        whole, limited = known
        if whole is not None:
            return whole
        return next((r for r in limited if wanted.any_name or wanted.name in r.names), None)

    def _found(self, what: What) -> tuple[Rule | None, tuple[Rule, ...]]:
        """The rule that covers it for any name, and those that do for some."""
        whole = next((rule for rule in self.rules if rule.allows(what)), None)
        limited = [r for r in self.rules if r.names and replace(r, names=()).allows(what)]
        return whole, tuple(limited)


@dataclass(frozen=True, slots=True, eq=False)
class Grant:
    """One subject of one binding. ``namespace`` is where it holds, empty for everywhere."""

    whom: Whom
    binding: str
    namespace: str
    role_kind: str
    role: str
    held: Held
    built_in: bool = False
    """Whether it gives a part of Kubernetes what every cluster gives it."""
    is_default: bool = False
    """Whether every cluster has such a binding to this role."""
    changed: str = ""
    """When the binding or its role was last written; empty where that is not known."""

    @property
    def through(self) -> str:
        if self.namespace:
            return f"RoleBinding {self.namespace}/{self.binding}"
        return f"ClusterRoleBinding {self.binding}"

    @property
    def role_text(self) -> str:
        return f"{self.role_kind} {self.role}"

    def facts(self) -> dict[str, Any]:
        """For programs: the binding and the role."""
        kind = "RoleBinding" if self.namespace else "ClusterRoleBinding"
        binding = {"kind": kind, "name": self.binding}
        if self.namespace:
            binding["namespace"] = self.namespace
        return {"binding": binding, "role": {"kind": self.role_kind, "name": self.role}}


def rule_text(rule: Rule, resource: str) -> str:
    """What a rule says of a resource, in a few words: ``get,list secrets (db)``."""
    what = resource if resource in rule.resources else ALL
    names = f" ({','.join(rule.names)})" if rule.names else ""
    return f"{','.join(rule.verbs)} {what}{names}"


def rule_facts(rule: Rule) -> dict[str, list[str]]:
    """A rule as it stands in a role."""
    facts = {
        "verbs": rule.verbs,
        "apiGroups": rule.groups,
        "resources": rule.resources,
        "resourceNames": rule.names,
        "nonResourceURLs": rule.paths,
    }
    return {key: list(values) for key, values in facts.items() if values}


RoleKey = tuple[str, str]
"""Namespace ("" of a ClusterRole) and name."""


def roles_of(roles: Iterable[Role], cluster_roles: Iterable[ClusterRole]) -> dict[RoleKey, Held]:
    """All roles, ready to be asked."""
    every: list[Role | ClusterRole] = [*roles, *cluster_roles]
    return {
        (role.metadata.namespace, role.metadata.name): Held(
            tuple(map(compiled, role.rules)),
            BOOTSTRAPPING in role.metadata.labels,
            _changed(role.metadata),
        )
        for role in every
    }


def grants_of(
    bindings: Sequence[RoleBinding | ClusterRoleBinding], roles: dict[RoleKey, Held]
) -> Iterator[Grant]:
    """What bindings give, once for each subject; a role that is not there gives nothing."""
    for binding in bindings:
        meta, ref = binding.metadata, binding.roleRef
        if ref.kind not in (ROLE, CLUSTER_ROLE):
            continue
        held = roles.get((meta.namespace if ref.kind == ROLE else "", ref.name))
        if held is None:
            continue
        default = BOOTSTRAPPING in meta.labels and held.is_default
        for subject in binding.subjects:
            whom = _whom(subject, meta.namespace)
            if whom is not None:
                part = default and _is_part_of_kubernetes(whom, ref.name)
                changed = max(held.changed, _changed(meta))
                yield Grant(
                    whom,
                    meta.name,
                    meta.namespace,
                    ref.kind,
                    ref.name,
                    held,
                    part,
                    default,
                    changed,
                )


def _changed(meta: ObjectMeta) -> str:
    """When an object was last written. Wire times sort as text."""
    return max([meta.creationTimestamp, *(entry.time for entry in meta.managedFields or ())])


def _whom(subject: Subject, namespace: str) -> Whom | None:
    if subject.kind == USER and subject.name.startswith(_ACCOUNT):
        where, _, name = subject.name.removeprefix(_ACCOUNT).partition(":")
        return Whom(SERVICE_ACCOUNT, name, where)
    if subject.kind in (USER, GROUP_KIND):
        return Whom(subject.kind, subject.name)
    where = subject.namespace or namespace
    if subject.kind == SERVICE_ACCOUNT and where:
        return Whom(SERVICE_ACCOUNT, subject.name, where)
    return None


def _is_part_of_kubernetes(whom: Whom, role: str) -> bool:
    """Not by labels alone, which anybody can write who may write a binding."""
    if whom.kind == GROUP_KIND:
        return whom.name == MASTERS
    if not role.startswith(_PARTS):
        return False
    if whom.kind == USER:
        return whom.name.startswith("system:kube-")
    return whom.namespace == "kube-system" and whom.name != "default"
