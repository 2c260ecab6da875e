"""What roles and bindings are made of: rules, subjects, and the reference to a role.

Rules: ``pkg/apis/rbac/validation/validation.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from strongroom.api.errors import FieldError
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import (
    Path,
    dns_subdomain,
    invalid_value,
    not_supported,
    path_segment,
    required,
)
from strongroom.resources.resource import Column

API_PACKAGE = "io.k8s.api.rbac.v1"
"""Where OpenAPI places the types of this module."""

GROUP = "rbac.authorization.k8s.io"
ROLE, CLUSTER_ROLE = "Role", "ClusterRole"
SERVICE_ACCOUNT, USER, GROUP_KIND = "ServiceAccount", "User", "Group"
BOOTSTRAPPING = "kubernetes.io/bootstrapping"
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"


class PolicyRule(Struct):
    """What may be done with which resources, or with which paths that are no resources."""

    verbs: Annotated[
        list[str], F(1, "What may be done; * is everything.", required=True, list_type="atomic")
    ] = always(list)
    apiGroups: Annotated[
        list[str],
        F(2, "Groups of the resources; an empty one is core, * is all.", list_type="atomic"),
    ] = []
    resources: Annotated[
        list[str],
        F(3, "Plural names, or NAME/SUBRESOURCE; * is all.", list_type="atomic"),
    ] = []
    resourceNames: Annotated[
        list[str], F(4, "Names that the rule is limited to; none means all.", list_type="atomic")
    ] = []
    nonResourceURLs: Annotated[
        list[str],
        F(
            5,
            "Paths that are no resources, of ClusterRoles only; a * may end one.",
            list_type="atomic",
        ),
    ] = []


class Subject(Struct):
    """Whom a binding gives a role: a user, a group or a service account."""

    owned_whole: ClassVar[bool] = True

    kind: Annotated[str, F(1, "User, Group or ServiceAccount.", required=True)] = always(str)
    apiGroup: Annotated[
        str, F(2, "Group of the kind: rbac.authorization.k8s.io, or none for ServiceAccount.")
    ] = ""
    name: Annotated[str, F(3, "Name of the subject.", required=True)] = always(str)
    namespace: Annotated[str, F(4, "Namespace of a service account.")] = ""


class RoleRef(Struct):
    """The role that a binding gives; it cannot be changed."""

    owned_whole: ClassVar[bool] = True

    apiGroup: Annotated[str, F(1, "Group of the role's kind.")] = always(str)
    kind: Annotated[str, F(2, "Role or ClusterRole.", required=True)] = always(str)
    name: Annotated[str, F(3, "Name of the role.", required=True)] = always(str)


def rule_errors(rules: Sequence[PolicyRule], *, namespaced: bool) -> list[FieldError]:
    """All findings on the rules of a role."""
    errors = []
    for i, rule in enumerate(rules):
        errors += _rule_errors(rule, Path("rules").index(i), namespaced=namespaced)
    return errors


def _rule_errors(rule: PolicyRule, path: Path, *, namespaced: bool) -> list[FieldError]:
    errors = []
    if not rule.verbs:
        errors.append(required(path / "verbs", "verbs must contain at least one value"))
    if rule.nonResourceURLs:
        return errors + _path_errors(rule, path / "nonResourceURLs", namespaced=namespaced)
    if not rule.apiGroups:
        text = "resource rules must supply at least one api group"
        errors.append(required(path / "apiGroups", text))
    if not rule.resources:
        text = "resource rules must supply at least one resource"
        errors.append(required(path / "resources", text))
    return errors


def _path_errors(rule: PolicyRule, path: Path, *, namespaced: bool) -> list[FieldError]:
    errors = []
    if namespaced:
        text = "namespaced rules cannot apply to non-resource URLs"
        errors.append(invalid_value(path, rule.nonResourceURLs, text))
    if rule.apiGroups or rule.resources or rule.resourceNames:
        text = "rules cannot apply to both regular resources and non-resource URLs"
        errors.append(invalid_value(path, rule.nonResourceURLs, text))
    return errors


def default_binding(role: RoleRef, subjects: Sequence[Subject]) -> None:
    """Fill in the groups that are left out (``pkg/apis/rbac/v1/defaults.go``)."""
    role.apiGroup = role.apiGroup or GROUP
    for subject in subjects:
        if not subject.apiGroup and subject.kind in (USER, GROUP_KIND):
            subject.apiGroup = GROUP


def binding_errors(
    role: RoleRef, subjects: Sequence[Subject], kinds: Sequence[str]
) -> list[FieldError]:
    """All findings on a binding that may refer to roles of these kinds."""
    path, errors = Path("roleRef"), []
    if role.apiGroup != GROUP:
        errors.append(not_supported(path / "apiGroup", role.apiGroup, (GROUP,)))
    if role.kind not in kinds:
        errors.append(not_supported(path / "kind", role.kind, kinds))
    if not role.name:
        errors.append(required(path / "name"))
    errors += [invalid_value(path / "name", role.name, text) for text in path_segment(role.name)]
    for i, subject in enumerate(subjects):
        errors += _subject_errors(subject, Path("subjects").index(i), local=ROLE in kinds)
    return errors


def role_change_errors(new: RoleRef, old: RoleRef) -> list[FieldError]:
    """The finding on a changed reference: who may do what is not to change behind subjects."""
    if new == old:
        return []
    # Upstream prints its internal type, whose fields have no names for JSON but their own.
    told = {"APIGroup": new.apiGroup, "Kind": new.kind, "Name": new.name}
    return [invalid_value(Path("roleRef"), told, "cannot change roleRef")]


def _subject_errors(subject: Subject, path: Path, *, local: bool) -> list[FieldError]:
    errors = [] if subject.name else [required(path / "name")]
    if subject.kind == SERVICE_ACCOUNT:
        if subject.name:
            found = dns_subdomain(subject.name)
            errors += [invalid_value(path / "name", subject.name, text) for text in found]
        if subject.apiGroup:
            errors.append(not_supported(path / "apiGroup", subject.apiGroup, ("",)))
        if not (local or subject.namespace):
            errors.append(required(path / "namespace"))
    elif subject.kind in (USER, GROUP_KIND):
        if subject.apiGroup != GROUP:
            errors.append(not_supported(path / "apiGroup", subject.apiGroup, (GROUP,)))
    else:
        kinds = (SERVICE_ACCOUNT, USER, GROUP_KIND)
        errors.append(not_supported(path / "kind", subject.kind, kinds))
    return errors


def role_column() -> Column[Any]:
    """The column of a binding that names its role."""
    return Column(
        "Role", lambda obj, now: f"{obj.roleRef.kind}/{obj.roleRef.name}", description="The role."
    )


def subject_columns() -> tuple[Column[Any], ...]:
    """The columns of a binding that name its subjects, shown with ``-o wide``."""

    def column(title: str, kind: str) -> Column[Any]:
        return Column(
            title,
            lambda obj, now: ", ".join(_named(s) for s in obj.subjects if s.kind == kind),
            description=f"{title} that have the role.",
            priority=1,
        )

    return (
        column("Users", USER),
        column("Groups", GROUP_KIND),
        column("ServiceAccounts", SERVICE_ACCOUNT),
    )


def _named(subject: Subject) -> str:
    if subject.kind == SERVICE_ACCOUNT:
        return f"{subject.namespace}/{subject.name}"
    return subject.name
