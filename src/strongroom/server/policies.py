"""What judging by policies asks of the server: policies, parameters, namespaces, rights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from strongroom.access.admission.policy.port import Tree
from strongroom.access.authz.port import Authorizer, Verdict
from strongroom.access.user import Attributes, User
from strongroom.api.clock import Clock
from strongroom.api.codec import to_tree
from strongroom.api.errors import StatusError
from strongroom.registry.options import ListOptions
from strongroom.registry.registry import Registry
from strongroom.resources.validating_policy import (
    VALIDATING_POLICIES,
    VALIDATING_POLICY_BINDINGS,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)
from strongroom.server.bootstrap import own_context

if TYPE_CHECKING:
    from strongroom.api.cel.functions.authorizer import Answer, Check
    from strongroom.server.admission import Cluster

_SERVICE_ACCOUNTS = "system:serviceaccounts"


class RegistryParams:
    """The objects of one kind, by way of its registry."""

    def __init__(self, registry: Registry[Any], clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self.namespaced = registry.resource.namespaced
        self.plural = registry.resource.plural

    async def get(self, namespace: str, name: str) -> Tree | None:
        """The tree of an object as of now; None when there is none."""
        ctx = own_context(self._clock, "get", self.plural, namespace=namespace)
        try:
            view = await self._registry.get(ctx, namespace, name)
        except StatusError as error:
            if error.code != 404:
                raise
            return None
        return self._tree(view.obj)

    async def list(self, namespace: str) -> Sequence[Tree]:
        """The trees of all objects of a namespace, or of a kind without."""
        ctx = own_context(self._clock, "list", self.plural, namespace=namespace)
        found = await self._registry.list(ctx, namespace, ListOptions())
        return [self._tree(view.obj) for view in found.items]

    def _tree(self, obj: Any) -> Tree:
        resource = self._registry.resource
        return to_tree(obj) | {"apiVersion": resource.api_version, "kind": resource.kind}


class PolicySurroundings:
    """Answers the questions of policies from the registries and the authorizer."""

    def __init__(self, cluster: Cluster, authorizer: Authorizer, clock: Clock) -> None:
        self._cluster = cluster
        self._authorizer = authorizer
        self._clock = clock

    def policies(self) -> Sequence[ValidatingAdmissionPolicy]:
        """All policies, as the cache has them."""
        return self._cluster.held(VALIDATING_POLICIES)  # type: ignore[return-value]  # of this kind

    def bindings(self) -> Sequence[ValidatingAdmissionPolicyBinding]:
        """All bindings, as the cache has them."""
        return self._cluster.held(VALIDATING_POLICY_BINDINGS)  # type: ignore[return-value]  # as above

    async def param_kind(self, api_version: str, kind: str) -> RegistryParams | None:
        """The kind of parameters; None when it is not served."""
        kinds = self._cluster.kinds
        await kinds.refresh()
        for resource in kinds.resources():
            if resource.api_version == api_version and resource.kind == kind:
                found = await kinds.find(resource.group, resource.version, resource.plural)
                return None if found is None else RegistryParams(found, self._clock)
        return None

    async def namespace_object(self, name: str) -> Tree | None:
        """The tree of a namespace; None when there is none."""
        registry = self._cluster.registry("", "namespaces")
        if registry is None:
            return None
        return await RegistryParams(registry, self._clock).get("", name)

    async def decide(self, user: User, check: Check) -> Answer:
        """Whether the user (or the check's service account) may do what the check says."""
        from strongroom.api.cel.functions.authorizer import Answer

        decision = await self._authorizer.authorize(_attributes(user, check))
        return Answer(decision.verdict is Verdict.ALLOW, decision.reason, decision.error)


def _attributes(user: User, check: Check) -> Attributes:
    if check.service_account is not None:
        namespace, name = check.service_account
        groups = (_SERVICE_ACCOUNTS, f"{_SERVICE_ACCOUNTS}:{namespace}", "system:authenticated")
        user = User(f"system:serviceaccount:{namespace}:{name}", "", groups)
    if check.path:
        return Attributes(user, check.verb, check.path)
    return Attributes(
        user,
        check.verb,
        "",
        is_resource=True,
        group=check.group,
        version=check.version,
        resource=check.resource,
        subresource=check.subresource,
        namespace=check.namespace,
        name=check.name,
        label_selector=check.label_selector,
        field_selector=check.field_selector,
    )
