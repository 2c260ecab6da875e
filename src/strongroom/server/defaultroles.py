"""The default roles and bindings: made at start where they are missing, and brought up to date.

What somebody added to one stays, and one that is annotated
``rbac.authorization.kubernetes.io/autoupdate: "false"`` is left alone, as upstream reconciles them
(``k8s.io/component-helpers/auth/rbac/reconciliation``).
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterable
from typing import Any

from strongroom.access.authz.defaults import components, controllers, namespaced, own, people
from strongroom.access.authz.escalation import compact, uncovered
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, Object
from strongroom.registry.registry import Registry
from strongroom.resources.clusterrole import CLUSTER_ROLES, ClusterRole
from strongroom.resources.clusterrolebinding import CLUSTER_ROLE_BINDINGS, ClusterRoleBinding
from strongroom.resources.rbac import AUTOUPDATE
from strongroom.resources.resource import Resource
from strongroom.resources.role import ROLES, Role
from strongroom.resources.rolebinding import ROLE_BINDINGS, RoleBinding
from strongroom.server.bootstrap import own_context
from strongroom.server.kinds import Kinds

_KINDS: dict[type[Object], Resource[Any]] = {
    Role: ROLES,
    ClusterRole: CLUSTER_ROLES,
    RoleBinding: ROLE_BINDINGS,
    ClusterRoleBinding: CLUSTER_ROLE_BINDINGS,
}
_PARTS = (people, components, controllers, namespaced, own)


async def ensure_default_roles(kinds: Kinds, clock: Clock) -> None:
    """Reconcile all of them, all at once, which takes a commit or two.

    The namespaces must be there. Raises StatusError when the store refuses a write.
    """
    await asyncio.gather(*(_ensure(_registry(kinds, obj), clock, obj) for obj in _defaults()))


def _defaults() -> Iterable[Object]:
    for part in _PARTS:
        yield from part.ROLES
        yield from part.BINDINGS


def _registry(kinds: Kinds, obj: Object) -> Registry[Any]:
    resource = _KINDS[type(obj)]
    return kinds.registry(resource.group, resource.plural)


async def _ensure(registry: Registry[Any], clock: Clock, wanted: Any) -> None:
    meta, resource = wanted.metadata, registry.resource
    entry = registry.cache.get(resource.key(meta.namespace, meta.name))
    if entry is None:
        await _create(registry, clock, wanted)
        return
    if entry.error is not None:
        return
    found = entry.item.decode()
    if found.metadata.annotations.get(AUTOUPDATE) == "false":
        return
    if isinstance(found, RoleBinding | ClusterRoleBinding) and found.roleRef != wanted.roleRef:
        ctx = own_context(clock, "delete", resource.plural, group=resource.group)
        await registry.delete(ctx, meta.namespace, meta.name, DeleteOptions())
        await _create(registry, clock, wanted)
    elif _complete(found, wanted):
        ctx = own_context(clock, "update", resource.plural, group=resource.group)
        await registry.update(ctx, meta.namespace, meta.name, found)


async def _create(registry: Registry[Any], clock: Clock, wanted: Object) -> None:
    resource, namespace = registry.resource, wanted.metadata.namespace
    ctx = own_context(clock, "create", resource.plural, group=resource.group, namespace=namespace)
    try:
        await registry.create(ctx, namespace, registry.form.copy(wanted))
    except StatusError as error:
        if error.reason != "AlreadyExists":
            raise


def _complete(found: Any, wanted: Any) -> bool:
    """Add to an object what it lacks of another; whether it lacked anything."""
    labels = wanted.metadata.labels | found.metadata.labels
    annotations = wanted.metadata.annotations | found.metadata.annotations
    changed = bool(labels != found.metadata.labels or annotations != found.metadata.annotations)
    found.metadata.labels, found.metadata.annotations = labels, annotations
    if isinstance(found, Role | ClusterRole):
        return _complete_rules(found, wanted) or changed
    lacking = [subject for subject in wanted.subjects if subject not in found.subjects]
    found.subjects += lacking
    return bool(lacking) or changed


def _complete_rules(found: Any, wanted: Any) -> bool:
    lacking = compact(uncovered(found.rules, wanted.rules))
    found.rules += lacking
    changed = bool(lacking)
    if isinstance(found, ClusterRole) and wanted.aggregationRule is not None:
        changed |= _complete_selectors(found, wanted)
    return changed


def _complete_selectors(found: ClusterRole, wanted: ClusterRole) -> bool:
    if wanted.aggregationRule is None:
        return False
    if found.aggregationRule is None:
        found.aggregationRule = copy.deepcopy(wanted.aggregationRule)
        return True
    have = found.aggregationRule.clusterRoleSelectors
    lacking = [s for s in wanted.aggregationRule.clusterRoleSelectors if s not in have]
    have += copy.deepcopy(lacking)
    return bool(lacking)
