"""Short words to write roles and bindings in: names are separated by spaces."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.api.meta import LabelSelector, ObjectMeta
from strongroom.resources.clusterrole import AggregationRule, ClusterRole
from strongroom.resources.clusterrolebinding import ClusterRoleBinding
from strongroom.resources.rbac import (
    AUTOUPDATE,
    BOOTSTRAPPING,
    CLUSTER_ROLE,
    GROUP,
    GROUP_KIND,
    ROLE,
    SERVICE_ACCOUNT,
    USER,
    PolicyRule,
    RoleRef,
    Subject,
)
from strongroom.resources.role import Role
from strongroom.resources.rolebinding import RoleBinding

READ = "get list watch"
WRITE = "create update patch delete deletecollection"
READ_WRITE = f"{READ} {WRITE}"
READ_UPDATE = f"{READ} update patch"
CORE = "core"
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"


def can(verbs: str, resources: str, groups: str = CORE, *, names: str = "") -> PolicyRule:
    """Verbs on resources of these API groups, limited to ``names`` if there are any."""
    return PolicyRule(
        verbs=sorted(verbs.split()),
        apiGroups=sorted("" if group == CORE else group for group in groups.split()),
        resources=sorted(resources.split()),
        resourceNames=sorted(names.split()),
    )


def visit(paths: str, verbs: str = "get") -> PolicyRule:
    """Verbs on paths that are no resources."""
    return PolicyRule(verbs=verbs.split(), nonResourceURLs=sorted(paths.split()))


EVENTS = can("create update patch", "events", "core events.k8s.io")
"""What everybody needs who tells of what they do."""


def cluster_role(name: str, *rules: PolicyRule, labels: str = "") -> ClusterRole:
    """A ClusterRole; ``labels`` are those that have it aggregated, by the word they end with."""
    role = ClusterRole(metadata=_meta(name), rules=list(rules))
    role.metadata.labels |= {AGGREGATE + label: "true" for label in labels.split()}
    return role


def aggregated(name: str, *, labels: str = "") -> ClusterRole:
    """A ClusterRole that consists of all that say that they belong to it."""
    role = cluster_role(name, labels=labels)
    chosen = LabelSelector(matchLabels={AGGREGATE + name: "true"})
    role.aggregationRule = AggregationRule(clusterRoleSelectors=[chosen])
    return role


def role(namespace: str, name: str, *rules: PolicyRule) -> Role:
    """A Role."""
    return Role(metadata=_meta(name, namespace), rules=list(rules))


def to_all(name: str, *subjects: Subject, of: str = "") -> ClusterRoleBinding:
    """Give the ClusterRole ``of``, by default the one of the binding's own name, everywhere."""
    ref = RoleRef(apiGroup=GROUP, kind=CLUSTER_ROLE, name=of or name)
    return ClusterRoleBinding(metadata=_meta(name), subjects=list(subjects), roleRef=ref)


def within(namespace: str, name: str, *subjects: Subject, of: str = "") -> RoleBinding:
    """Give the Role ``of``, by default the one of the binding's own name, in a namespace."""
    ref = RoleRef(apiGroup=GROUP, kind=ROLE, name=of or name)
    return RoleBinding(metadata=_meta(name, namespace), subjects=list(subjects), roleRef=ref)


def users(*names: str) -> Sequence[Subject]:
    """These users."""
    return [Subject(kind=USER, apiGroup=GROUP, name=name) for name in names]


def groups(*names: str) -> Sequence[Subject]:
    """These groups."""
    return [Subject(kind=GROUP_KIND, apiGroup=GROUP, name=name) for name in names]


def accounts(*names: str) -> Sequence[Subject]:
    """These service accounts of kube-system."""
    return [Subject(kind=SERVICE_ACCOUNT, name=name, namespace="kube-system") for name in names]


def _meta(name: str, namespace: str = "") -> ObjectMeta:
    return ObjectMeta(
        name=name,
        namespace=namespace,
        labels={BOOTSTRAPPING: "rbac-defaults"},
        annotations={AUTOUPDATE: "true"},
    )
