"""The plugin: every policy that a binding applies to the request judges it.

Source: ``admission/plugin/policy/validating/dispatcher.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from strongroom.access.admission.matching import Equivalents, NamespaceLabels, Target, is_exempt
from strongroom.access.admission.policy.about import About
from strongroom.access.admission.policy.matching import PolicyMatcher
from strongroom.access.admission.policy.parameters import ConfigurationError, collect
from strongroom.access.admission.policy.port import Policies, Surroundings, Tree
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.admission.quoting import annotate, unquoted
from strongroom.api.errors import StatusCause, StatusError, forbidden
from strongroom.resources.admission_policy import AUDIT, DENY_ACTION, WARN
from strongroom.resources.admission_rules import IGNORE
from strongroom.resources.validating_policy import (
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)

if TYPE_CHECKING:
    from strongroom.access.admission.policy.judging import Judge

FAILURES = "validation.policy.admission.k8s.io/validation_failure"
SECONDS = 1.0
"""What all expressions of a request may take together: they hold up every other request."""

_CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413, "Invalid": 422}
_MAX_FAILURES = 50
_MAX_ANNOTATION = 10 * 1024

Binding = ValidatingAdmissionPolicyBinding
Policy = ValidatingAdmissionPolicy


@dataclass(slots=True)
class _Outcome:
    """What all policies said of one request."""

    denied: tuple[str, str] | None = None
    """Message and reason of the first refusal."""
    failures: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = SECONDS

    def deny(self, policy: Policy, binding: Binding | None, message: str, reason: str = "") -> None:
        if self.denied is None:
            by = f"ValidatingAdmissionPolicy '{policy.metadata.name}'"
            if binding is not None:
                by += f" with binding '{binding.metadata.name}'"
            self.denied = f"{by} denied request: {message}", reason or "Invalid"


class ValidatingPolicies:
    """Refuses what policies refuse, warns and notes what they say."""

    name = "ValidatingAdmissionPolicy"

    def __init__(
        self,
        policies: Policies,
        around: Surroundings,
        namespaces: NamespaceLabels,
        kinds: Equivalents,
    ) -> None:
        self._policies = policies
        self._around = around
        self._matcher = PolicyMatcher(namespaces, kinds)
        self._judge: Judge | None = None

    async def mutate(self, request: AdmissionRequest) -> None:
        """Nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        """Let all policies judge; raises StatusError with the first refusal."""
        policies = self._policies.policies()
        if not policies or is_exempt(request):
            return
        bound: dict[str, list[Binding]] = {}
        for binding in self._policies.bindings():
            bound.setdefault(binding.spec.policyName, []).append(binding)
        outcome = _Outcome()
        about = About(request, self._around)
        for policy in policies:
            bindings = bound.get(policy.metadata.name)
            if bindings:
                await self._apply(policy, bindings, request, about, outcome)
        if outcome.failures:
            listed = outcome.failures[:_MAX_FAILURES]
            request.annotate(FAILURES, msgspec.json.encode(listed).decode())
        if outcome.denied is not None:
            raise _refusal(request, *outcome.denied)

    async def _apply(
        self,
        policy: Policy,
        bindings: Sequence[Binding],
        request: AdmissionRequest,
        about: About,
        outcome: _Outcome,
    ) -> None:
        fails = policy.spec.failurePolicy != IGNORE
        try:
            if policy.spec.matchConstraints is None:
                raise ConfigurationError("policy contained no match constraints, a required field")
            target = await self._matcher.target(policy.spec.matchConstraints, request)
            if target is None:
                return
            kind = await self._param_kind(policy)
        except (ConfigurationError, StatusError, ValueError) as error:
            if fails:
                outcome.deny(policy, None, f"failed to configure policy: {error}")
            return
        notes: dict[str, list[str]] = {}
        for binding in bindings:
            try:
                params = await self._params(binding, kind, request)
            except (ConfigurationError, StatusError, ValueError) as error:
                if fails:
                    outcome.deny(policy, binding, f"failed to configure binding: {error}")
                continue
            for param in params:
                await self._hear(policy, binding, about, target, param, outcome, notes)
        for key, values in notes.items():
            annotate(request, policy.metadata.name, key, ", ".join(values))

    async def _param_kind(self, policy: Policy) -> Any:
        wanted = policy.spec.paramKind
        if wanted is None:
            return None
        kind = await self._around.param_kind(wanted.apiVersion, wanted.kind)
        if kind is None:
            told = f"{wanted.apiVersion}, Kind={wanted.kind}"
            if "/" not in wanted.apiVersion:
                told = f"/{told}"
            raise ConfigurationError(f"failed to find resource referenced by paramKind: '{told}'")
        return kind

    async def _params(
        self, binding: Binding, kind: Any, request: AdmissionRequest
    ) -> Sequence[Tree | None]:
        match = binding.spec.matchResources
        if match is not None and await self._matcher.target(match, request) is None:
            return ()
        return await collect(kind, binding.spec.paramRef, request.namespace)

    async def _hear(
        self,
        policy: Policy,
        binding: Binding,
        about: About,
        target: Target,
        param: Tree | None,
        outcome: _Outcome,
        notes: dict[str, list[str]],
    ) -> None:
        # The CEL library is imported when there is a policy that applies.
        from strongroom.access.admission.policy.judging import Judge

        if self._judge is None:
            self._judge = Judge(self._around)
        names = await about.names(target) | {"params": param}
        judgement, outcome.seconds = await self._judge.judge(
            policy, names, about.request.attributes.user, outcome.seconds
        )
        for failure in judgement.failures:
            _enforce(policy, binding, failure, about.request, outcome)
        for key, value in judgement.annotations:
            values = notes.setdefault(key, [])
            cut = unquoted(value, about.request).encode()[:_MAX_ANNOTATION].decode(errors="ignore")
            if cut not in values:
                values.append(cut)
        for message in judgement.annotation_errors:
            outcome.deny(policy, binding, message)


def _enforce(
    policy: Policy, binding: Binding, failure: Any, request: AdmissionRequest, outcome: _Outcome
) -> None:
    """What the binding wants a failure to lead to."""
    for action in binding.spec.validationActions:
        if action == DENY_ACTION:
            outcome.deny(policy, binding, failure.message, failure.reason)
        elif action == AUDIT:
            outcome.failures.append(
                {
                    "message": unquoted(failure.message, request),
                    "policy": binding.spec.policyName,
                    "binding": binding.metadata.name,
                    "expressionIndex": failure.index,
                    "validationActions": binding.spec.validationActions,
                }
            )
        elif action == WARN:
            request.warn(
                f"Validation failed for ValidatingAdmissionPolicy '{policy.metadata.name}' "
                f"with binding '{binding.metadata.name}': {failure.message}"
            )


def _refusal(request: AdmissionRequest, message: str, reason: str) -> StatusError:
    error = forbidden(request.resource.group_resource, request.name, message)
    error.reason = reason
    error.code = _CODES.get(reason, 422)
    if error.details is not None:
        error.details.causes = [*error.details.causes, StatusCause(message=message)]
    return error
