"""Who makes a policy judge by objects must be allowed to read them.

Expressions can tell what is in their parameters; without this, whoever may write policies could
read any Secret. Upstream asks in the strategies of the two kinds
(``pkg/registry/admissionregistration/validatingadmissionpolicy/authz.go``).
"""

from __future__ import annotations

from strongroom.access.admission.policy.port import Policies, Surroundings
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.user import MASTERS, User
from strongroom.api.errors import invalid
from strongroom.api.validation import Path, forbidden_field
from strongroom.resources.admission_policy import ParamKind
from strongroom.resources.validating_policy import (
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)

_EVERYTHING = ("*", "*", "*")


class ParamReaders:
    """Refuses policies and bindings whose writer may not read what they name."""

    name = "ValidatingAdmissionPolicyParams"

    def __init__(self, policies: Policies, around: Surroundings) -> None:
        self._policies = policies
        self._around = around

    async def mutate(self, request: AdmissionRequest) -> None:
        """Nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        """Raises StatusError 422 for what the user may not read."""
        obj, old = request.obj, request.old
        if request.attributes.subresource or MASTERS in request.attributes.user.groups:
            return
        if isinstance(obj, ValidatingAdmissionPolicy):
            kind = obj.spec.paramKind
            before = old.spec.paramKind if isinstance(old, ValidatingAdmissionPolicy) else None
            if kind is not None and kind != before:
                await self._may_read_kind(request, kind)
        elif isinstance(obj, ValidatingAdmissionPolicyBinding) and _new_reference(obj, old):
            await self._may_read_params(request, obj)

    async def _may_read_kind(self, request: AdmissionRequest, kind: ParamKind) -> None:
        where = await self._resource(kind)
        if not await self._allowed(request.attributes.user, where, "*", "*"):
            raise _refusal(
                request,
                "paramKind",
                f'must have "get" permission on all objects of the referenced paramKind '
                f"(kind={kind.kind}, apiVersion={kind.apiVersion})",
            )

    async def _may_read_params(
        self, request: AdmissionRequest, binding: ValidatingAdmissionPolicyBinding
    ) -> None:
        ref = binding.spec.paramRef
        if ref is None:
            return
        kinds = [
            policy.spec.paramKind
            for policy in self._policies.policies()
            if policy.metadata.name == binding.spec.policyName
        ]
        kind = kinds[0] if kinds else None
        where = _EVERYTHING if kind is None else await self._resource(kind)
        if not await self._allowed(request.attributes.user, where, ref.namespace, ref.name):
            what = 'does not have "get" permission on the object referenced by paramRef'
            raise _refusal(request, "paramRef", what)

    async def _resource(self, kind: ParamKind) -> tuple[str, str, str]:
        """Group, version and resource of a kind; any resource when nobody serves it."""
        group, _, version = kind.apiVersion.rpartition("/")
        served = await self._around.param_kind(kind.apiVersion, kind.kind)
        return group, version, "*" if served is None else served.plural

    async def _allowed(
        self, user: User, where: tuple[str, str, str], namespace: str, name: str
    ) -> bool:
        from strongroom.api.cel.functions.authorizer import Check

        group, version, resource = where
        check = Check(
            verb="get",
            group=group,
            version=version,
            resource=resource,
            namespace=namespace,
            name=name,
        )
        return (await self._around.decide(user, check)).allowed


def _new_reference(obj: ValidatingAdmissionPolicyBinding, old: object) -> bool:
    """Whether a binding names other parameters than before, or takes them for another policy."""
    if not isinstance(old, ValidatingAdmissionPolicyBinding):
        return obj.spec.paramRef is not None
    same = (obj.spec.paramRef, obj.spec.policyName) == (old.spec.paramRef, old.spec.policyName)
    return obj.spec.paramRef is not None and not same


def _refusal(request: AdmissionRequest, field: str, what: str) -> Exception:
    user = request.attributes.user
    extra = " ".join(f"{key}:[{' '.join(values)}]" for key, values in sorted(user.extra.items()))
    told = f"&{{{user.name} {user.uid} [{' '.join(user.groups)}] map[{extra}]}}"
    finding = forbidden_field(Path("spec") / field, f"user {told} {what}")
    return invalid(request.resource.group_kind, request.name, [finding])
