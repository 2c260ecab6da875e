"""Roles and bindings, kept so that a question costs what concerns the asker, and no more.

Bindings are found by who they name and where, roles by their name. A role is read once, when it
changes. A binding may be here before its role, or outlive it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from strongroom.access.user import User
from strongroom.api.gotext import quote
from strongroom.resources.rbac import (
    CLUSTER_ROLE,
    GROUP_KIND,
    ROLE,
    SERVICE_ACCOUNT,
    USER,
    PolicyRule,
    RoleRef,
    Subject,
)
from strongroom.resources.rbac_rules import Rule, compiled

_Key = tuple[bool, str]
"""Whether it is a group, and its name; a service account is the user that its tokens name."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One binding: its role by namespace ("" of a ClusterRole) and name, and whom it names."""

    name: str
    namespace: str
    role: tuple[str, str]
    role_kind: str
    subjects: tuple[Subject, ...]

    def described(self, subject: int) -> str:
        """As upstream names the source of a right: binding, role and the subject that matched."""
        if self.namespace:
            kind, where = "RoleBinding", f"{self.name}/{self.namespace}"
        else:
            kind, where = "ClusterRoleBinding", self.name
        role = f"{self.role_kind} {quote(self.role[1])}"
        whom = _subject_text(self.subjects[subject], self.namespace)
        return f"{kind} {quote(where)} of {role} to {whom}"


@dataclass(frozen=True, slots=True)
class Grant:
    """A binding that applies to a user, with the index of the first of its subjects that does."""

    binding: Bound
    subject: int


@dataclass(slots=True)
class _Bindings:
    """The bindings of one namespace, or those of the cluster."""

    by_name: dict[str, Bound] = field(default_factory=dict)
    by_subject: dict[_Key, dict[str, int]] = field(default_factory=dict)


class Policies:
    """What roles and bindings say now. ``generation`` grows with each change."""

    def __init__(self) -> None:
        self.generation = 0
        self._roles: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self._written: dict[tuple[str, str], Sequence[PolicyRule]] = {}
        self._bindings: dict[str, _Bindings] = {}

    def put_role(self, namespace: str, name: str, rules: Sequence[PolicyRule]) -> None:
        """A Role, or a ClusterRole where ``namespace`` is empty."""
        self._written[namespace, name] = rules
        self._roles[namespace, name] = tuple(map(compiled, rules))
        self.generation += 1

    def drop_role(self, namespace: str, name: str) -> None:
        """It is gone, or cannot be read."""
        self._written.pop((namespace, name), None)
        self._roles.pop((namespace, name), None)
        self.generation += 1

    def put_binding(
        self, namespace: str, name: str, role: RoleRef, subjects: Iterable[Subject]
    ) -> None:
        """A RoleBinding, or a ClusterRoleBinding where ``namespace`` is empty."""
        self.drop_binding(namespace, name)
        where = namespace if role.kind == ROLE else ""
        kind = role.kind if role.kind in (ROLE, CLUSTER_ROLE) else ""
        bound = Bound(name, namespace, (where, role.name), kind, tuple(subjects))
        here = self._bindings.setdefault(namespace, _Bindings())
        here.by_name[name] = bound
        for i, subject in enumerate(bound.subjects):
            key = _key(subject, namespace)
            if key is not None:
                here.by_subject.setdefault(key, {}).setdefault(name, i)

    def drop_binding(self, namespace: str, name: str) -> None:
        """It is gone, or cannot be read."""
        self.generation += 1
        here = self._bindings.get(namespace)
        bound = here.by_name.pop(name, None) if here is not None else None
        if here is None or bound is None:
            return
        for subject in bound.subjects:
            key = _key(subject, namespace)
            named = here.by_subject.get(key) if key is not None else None
            if key is not None and named is not None:
                named.pop(name, None)
                if not named:
                    del here.by_subject[key]
        if not here.by_name:
            del self._bindings[namespace]

    def rules(self, role: tuple[str, str]) -> tuple[Rule, ...] | None:
        """The rules of a role, ready to be asked; None when there is no such role."""
        return self._roles.get(role)

    def written(self, role: tuple[str, str]) -> Sequence[PolicyRule] | None:
        """The rules of a role as they were written; None when there is no such role."""
        return self._written.get(role)

    def grants(self, user: User, namespace: str) -> list[Grant]:
        """The bindings that apply to a user, those of the cluster first, each lot by name."""
        found = self._granted("", user)
        return found + self._granted(namespace, user) if namespace else found

    def _granted(self, namespace: str, user: User) -> list[Grant]:
        here = self._bindings.get(namespace)
        if here is None:
            return []
        first: dict[str, int] = {}
        for key in ((False, user.name), *((True, group) for group in user.groups)):
            for name, i in here.by_subject.get(key, {}).items():
                first[name] = min(i, first.get(name, i))
        return [Grant(here.by_name[name], first[name]) for name in sorted(first)]


def missing(role: tuple[str, str]) -> str:
    """What upstream says of a role that a binding names and that is not there."""
    kind = "role" if role[0] else "clusterrole"
    return f'{kind}.rbac.authorization.k8s.io "{role[1]}" not found'


def aggregate(errors: list[str]) -> str:
    """Several errors as upstream prints them: one as it is, more in brackets."""
    return errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]"


def _key(subject: Subject, namespace: str) -> _Key | None:
    if subject.kind == USER:
        return False, subject.name
    if subject.kind == GROUP_KIND:
        return True, subject.name
    where = subject.namespace or namespace
    if subject.kind == SERVICE_ACCOUNT and where:
        return False, f"system:serviceaccount:{where}:{subject.name}"
    return None


def _subject_text(subject: Subject, namespace: str) -> str:
    if subject.kind != SERVICE_ACCOUNT:
        return f"{subject.kind} {quote(subject.name)}"
    return f"{subject.kind} {quote(f'{subject.name}/{subject.namespace or namespace}')}"
