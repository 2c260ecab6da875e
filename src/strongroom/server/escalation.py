"""Who may write roles and bindings: only who has the rights that they give, or may escalate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.authz.escalation import EVERYTHING, escalation
from strongroom.access.authz.policies import Policies, missing
from strongroom.access.authz.port import Authorizer, Verdict
from strongroom.access.user import MASTERS, Attributes, User
from strongroom.api.errors import StatusError, forbidden
from strongroom.api.meta import Object
from strongroom.resources.clusterrole import ClusterRole
from strongroom.resources.clusterrolebinding import ClusterRoleBinding
from strongroom.resources.rbac import CLUSTER_ROLE, GROUP, ROLE, PolicyRule, RoleRef
from strongroom.resources.role import Role
from strongroom.resources.rolebinding import RoleBinding


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
