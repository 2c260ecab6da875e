"""RBAC in this server: what the authorizer knows of roles and bindings, and who may write them.

The caches of the four kinds tell each change in the step in which they show it. So an answer is as
new as a read of these kinds, and costs no read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.authz.escalation import EVERYTHING, escalation
from strongroom.access.authz.policies import Policies, missing
from strongroom.access.authz.port import Authorizer, Verdict
from strongroom.access.user import MASTERS, Attributes, User
from strongroom.api.errors import StatusError, forbidden
from strongroom.api.meta import Object
from strongroom.registry.registry import Registry
from strongroom.registry.view import View
from strongroom.resources.clusterrole import ClusterRole
from strongroom.resources.clusterrolebinding import ClusterRoleBinding
from strongroom.resources.rbac import CLUSTER_ROLE, GROUP, ROLE, PolicyRule, RoleRef
from strongroom.resources.role import Role
from strongroom.resources.rolebinding import RoleBinding
from strongroom.server.kinds import Kinds
from strongroom.storage.cache import Cached, Change
from strongroom.storage.port import EventType, Store

_ROLES = ("roles", "clusterroles")
_BINDINGS = ("rolebindings", "clusterrolebindings")


class PolicyFeed:
    """Keeps ``policies`` as the registries of roles and bindings are, from ``attach`` on."""

    def __init__(self, policies: Policies, store: Store) -> None:
        self._policies = policies
        self._store = store
        self._registries: tuple[Registry[Any], ...] = ()
        self._seen = 0

    def attach(self, kinds: Kinds) -> None:
        """Take in what is there, and follow it. The registries must have been started."""
        self._registries = tuple(kinds.registry(GROUP, plural) for plural in _ROLES + _BINDINGS)
        for registry in self._registries:
            role = registry.resource.plural in _ROLES
            take = self._take_role if role else self._take_binding
            for entry in registry.cache.listen(_listener(registry, take)):
                take(*_told(registry, entry))

    async def refresh(self) -> None:
        """Wait until every acknowledged write of these kinds shows. Raises StatusError 504."""
        revision = self._store.current_revision
        if revision <= self._seen:
            return
        for registry in self._registries:
            if registry.cache.revision < revision:
                await registry.catch_up()
        self._seen = max(self._seen, revision)

    def _take_role(self, namespace: str, name: str, obj: Any) -> None:
        if obj is None:
            self._policies.drop_role(namespace, name)
        else:
            self._policies.put_role(namespace, name, obj.rules)

    def _take_binding(self, namespace: str, name: str, obj: Any) -> None:
        if obj is None:
            self._policies.drop_binding(namespace, name)
        else:
            self._policies.put_binding(namespace, name, obj.roleRef, obj.subjects)


_Take = Callable[[str, str, Any], None]


def _listener(
    registry: Registry[Any], take: _Take
) -> Callable[[Sequence[Change[View[Any]]]], None]:
    def tell(changes: Sequence[Change[View[Any]]]) -> None:
        for change in changes:
            take(*_told(registry, change))

    return tell


def _told(
    registry: Registry[Any], entry: Cached[View[Any]] | Change[View[Any]]
) -> tuple[str, str, Object | None]:
    """Namespace, name and object; None for one that is gone, or whose value cannot be read."""
    namespace, name = registry.form.names(entry.key)
    gone = isinstance(entry, Change) and entry.type is EventType.DELETE
    return namespace, name, None if gone or entry.error is not None else entry.item.peek()


class EscalationCheck:
    """Refuses to write roles and bindings that give more than their writer has.

    Upstream checks in the storage of these kinds (``pkg/registry/rbac/*/policybased``), after
    what changes objects and before validation, as the last of the mutating plugins does.
    """

    name = "RBACEscalation"

    def __init__(self, policies: Policies, authorizer: Authorizer) -> None:
        self._policies = policies
        self._authorizer = authorizer

    async def mutate(self, request: AdmissionRequest) -> None:
        """Refuse, or do nothing. Raises StatusError 403, and 404 for a binding to no role."""
        obj, user = request.obj, request.attributes.user
        if request.resource.group != GROUP or obj is None or MASTERS in user.groups:
            return
        if request.old is not None and _only_owners_changed(obj, request.old):
            return
        if isinstance(obj, Role | ClusterRole):
            await self._check_role(request, obj, user)
        elif isinstance(obj, RoleBinding | ClusterRoleBinding):
            await self._check_binding(request, obj, user)

    async def validate(self, request: AdmissionRequest) -> None:
        """Nothing more: no plugin changes the object between the two."""

    async def _check_role(
        self, request: AdmissionRequest, role: Role | ClusterRole, user: User
    ) -> None:
        if await self._allowed(replace(_asked(request), verb="escalate", subresource="")):
            return
        self._confirm(request, user, role.rules)
        if _aggregated(role) or _aggregated(request.old):
            text = escalation(self._policies, user, "", EVERYTHING)
            if text is not None:
                why = "must have cluster-admin privileges to use the aggregationRule"
                raise _forbidden(request, why)

    async def _check_binding(
        self, request: AdmissionRequest, binding: RoleBinding | ClusterRoleBinding, user: User
    ) -> None:
        ref, namespace = binding.roleRef, request.namespace
        if await self._allowed(_bind(_asked(request), ref, namespace)):
            return
        role = (namespace if ref.kind == ROLE else "", ref.name)
        rules = self._policies.written(role) if ref.kind in (ROLE, CLUSTER_ROLE) else None
        if rules is None:
            raise _no_role(ref, role)
        self._confirm(request, user, rules)

    async def _allowed(self, attributes: Attributes) -> bool:
        return (await self._authorizer.authorize(attributes)).verdict is Verdict.ALLOW

    def _confirm(self, request: AdmissionRequest, user: User, rules: Iterable[PolicyRule]) -> None:
        namespace = request.namespace if request.resource.namespaced else ""
        text = escalation(self._policies, user, namespace, rules)
        if text is not None:
            raise _forbidden(request, text)


def _asked(request: AdmissionRequest) -> Attributes:
    attributes: Attributes = request.attributes
    return replace(attributes, is_resource=True, version="*")


def _bind(asked: Attributes, ref: RoleRef, namespace: str) -> Attributes:
    resource = {ROLE: "roles", CLUSTER_ROLE: "clusterroles"}.get(ref.kind, "")
    return replace(
        asked,
        verb="bind",
        group=ref.apiGroup,
        resource=resource,
        subresource="",
        namespace=namespace,
        name=ref.name,
    )


def _no_role(ref: RoleRef, role: tuple[str, str]) -> StatusError:
    if ref.kind not in (ROLE, CLUSTER_ROLE):
        return StatusError(500, "InternalError", f'unsupported role reference kind: "{ref.kind}"')
    return StatusError(404, "NotFound", missing(role))


def _forbidden(request: AdmissionRequest, why: str) -> StatusError:
    return forbidden(request.resource.group_resource, request.name, why)


def _aggregated(role: Object | None) -> bool:
    return isinstance(role, ClusterRole) and role.aggregationRule is not None


def _only_owners_changed(new: Object, old: Object) -> bool:
    """Whether a change is the garbage collector's kind: owners and finalizers alone."""
    kept = ("finalizers", "ownerReferences", "managedFields", "resourceVersion")
    meta, before = new.metadata, old.metadata
    same = all(
        getattr(meta, name) == getattr(before, name)
        for name in meta.__struct_fields__
        if name not in kept
    )
    return same and all(
        getattr(new, name) == getattr(old, name)
        for name in new.__struct_fields__
        if name not in ("metadata", "kind", "apiVersion")
    )
