"""What can be imported, what of it belongs to the old cluster, and what an object is without that.

What is left out is told with the reason. Metadata that the server sets is set anew; owners and
finalizers name objects and controllers of the old cluster, which are not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click

from strongroom.api import codec
from strongroom.api.apply.last_applied import ANNOTATION as LAST_APPLIED
from strongroom.api.meta import Object
from strongroom.resources.clusterrole import CLUSTER_ROLES
from strongroom.resources.clusterrolebinding import CLUSTER_ROLE_BINDINGS
from strongroom.resources.configmap import CONFIG_MAPS
from strongroom.resources.limitrange import LIMIT_RANGES
from strongroom.resources.namespace import NAMESPACES
from strongroom.resources.resource import Resource
from strongroom.resources.resourcequota import RESOURCE_QUOTAS
from strongroom.resources.role import ROLES
from strongroom.resources.rolebinding import ROLE_BINDINGS
from strongroom.resources.secret import BOOTSTRAP_TOKEN, SECRETS, SERVICE_ACCOUNT_TOKEN, Secret
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS

KINDS: Mapping[str, Resource[Any]] = {
    resource.plural: resource
    for resource in (
        SECRETS,
        CONFIG_MAPS,
        SERVICE_ACCOUNTS,
        ROLES,
        ROLE_BINDINGS,
        CLUSTER_ROLES,
        CLUSTER_ROLE_BINDINGS,
        LIMIT_RANGES,
        RESOURCE_QUOTAS,
    )
}
"""By name: what is data or rights, and means the same on another cluster."""

SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")
_HELM = "helm.sh/release.v1"
_BOOTSTRAPPING = "kubernetes.io/bootstrapping"
_OWN_AUTHORITY = "kube-root-ca.crt"
_LEFT = ("kind", "apiVersion", "metadata", "status")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which objects are to be imported: of these namespaces, or of all when there are none."""

    resources: tuple[Resource[Any], ...]
    namespaces: tuple[str, ...] = ()
    selector: str = ""
    helm: bool = False

    def left_namespace(self, namespace: str) -> str:
        """Why everything of a namespace stays behind; "" for one that is to be imported."""
        if not self.namespaces and namespace in SYSTEM_NAMESPACES:
            return f"of {namespace}, which each cluster fills itself (-n names it)"
        return ""

    def left_out(self, resource: Resource[Any], obj: Object) -> str:
        """Why an object stays behind; "" for one that is to be imported."""
        meta = obj.metadata
        if meta.deletionTimestamp:
            return "being deleted there"
        if isinstance(obj, Secret):
            return self._left_secret(obj)
        if resource is CONFIG_MAPS and meta.name == _OWN_AUTHORITY:
            return "the old cluster's authority"
        if _BOOTSTRAPPING in meta.labels or meta.name.startswith("system:"):
            return "what every cluster has"
        return ""

    def _left_secret(self, secret: Secret) -> str:
        if secret.type == SERVICE_ACCOUNT_TOKEN:
            return "tokens of service accounts, which the old cluster has signed"
        if secret.type == BOOTSTRAP_TOKEN:
            return "tokens by which nodes join the old cluster"
        if secret.type == _HELM and not self.helm:
            return "history of helm's releases (--helm-releases)"
        return ""


def wanted_resources(names: str) -> tuple[Resource[Any], ...]:
    """The resources of ``NAME,…``. Raises click.UsageError."""
    for name in names.split(","):
        if name not in KINDS:
            raise click.UsageError(f"cannot import {name!r}; what can be: {', '.join(KINDS)}")
    return tuple(KINDS[name] for name in dict.fromkeys(names.split(",")))


@dataclass(frozen=True, slots=True)
class Cleaned:
    """An object for another cluster, and what was taken from it that somebody may miss."""

    obj: Object = field(repr=False)
    lost: tuple[str, ...]


def cleaned(resource: Resource[Any], obj: Object) -> Cleaned:
    """The object without what only the old cluster gives a meaning."""
    meta = obj.metadata
    kept = {key: text for key, text in meta.annotations.items() if key != LAST_APPLIED}
    tree = {"metadata": {"name": meta.name, "labels": dict(meta.labels), "annotations": kept}}
    if meta.namespace:
        tree["metadata"]["namespace"] = meta.namespace
    made: Object = codec.from_tree({**content(resource, obj), **tree}, resource.type)
    # As a server does that stores it, so that it is found to be the same the next time.
    resource.default(made)
    resource.prepare_for_create(made, datetime.now(UTC))
    lost = [name for name in ("ownerReferences", "finalizers") if getattr(meta, name)]
    return Cleaned(made, tuple(lost))


def content(resource: Resource[Any], obj: Object) -> dict[str, Any]:
    """All that an object says beside its metadata, as a plain tree."""
    tree = {key: value for key, value in codec.to_tree(obj).items() if key not in _LEFT}
    if resource is NAMESPACES:
        tree.pop("spec", None)  # Finalizers, which the server sets.
    if resource is SERVICE_ACCOUNTS:
        tree.pop("secrets", None)  # Tokens, which stay behind.
    if resource is CLUSTER_ROLES and tree.get("aggregationRule"):
        tree.pop("rules", None)  # Filled from what else there is.
    return tree


def same(resource: Resource[Any], there: Object, wanted: Object) -> bool:
    """Whether what is there says what is wanted; it may have more labels and annotations."""
    if content(resource, there) != content(resource, wanted):
        return False
    pairs = (
        (there.metadata.labels, wanted.metadata.labels),
        (there.metadata.annotations, wanted.metadata.annotations),
    )
    return all(more.items() >= less.items() for more, less in pairs)
