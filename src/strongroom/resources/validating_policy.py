"""ValidatingAdmissionPolicy and its bindings: rules in CEL about what may be stored."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Condition, Object
from strongroom.api.schema import F, Struct
from strongroom.api.validation import Path, dns_subdomain, invalid_value, not_supported, required
from strongroom.resources.admission_policy import (
    AuditAnnotation,
    MatchResources,
    ParamKind,
    ParamRef,
    TypeChecking,
    Validation,
    Variable,
    default_match,
)
from strongroom.resources.admission_policy_validation import (
    action_errors,
    annotation_errors,
    match_errors,
    param_kind_errors,
    param_ref_errors,
    validation_errors,
    variable_errors,
)
from strongroom.resources.admission_rules import (
    FAIL,
    IGNORE,
    MatchCondition,
    validate_match_conditions,
)
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.label_selection import selector_text
from strongroom.resources.policy_programs import BOOL, PolicyCompiler
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.workload import keep_spec, keep_status

API_PACKAGE = "io.k8s.api.admissionregistration.v1"
"""Where OpenAPI places the types of this module."""

GROUP = "admissionregistration.k8s.io"
UNSET = "<unset>"

_SPEC = Path("spec")


class ValidatingAdmissionPolicySpec(Struct):
    """What is judged, and how."""

    paramKind: Annotated[
        ParamKind | None, F(1, "Kind of the parameters; unset for a policy without.")
    ] = None
    matchConstraints: Annotated[
        MatchResources | None, F(2, "The requests that are judged; needs resourceRules.")
    ] = None
    validations: Annotated[
        list[Validation], F(3, "What must be true of a request.", list_type="atomic")
    ] = []
    failurePolicy: Annotated[
        str | None, F(4, "What errors of expressions and settings mean: Fail (default) or Ignore.")
    ] = None
    auditAnnotations: Annotated[
        list[AuditAnnotation], F(5, "What goes to the audit log.", list_type="atomic")
    ] = []
    matchConditions: Annotated[
        list[MatchCondition],
        F(
            6,
            "CEL conditions that must all hold for a request to be judged.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []
    variables: Annotated[
        list[Variable],
        F(
            7,
            "Named expressions for those after them, evaluated when they are needed.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []


class ValidatingAdmissionPolicyStatus(Struct):
    """What was found out about a policy."""

    observedGeneration: Annotated[
        int, F(1, "The generation that this is about.", format="int64")
    ] = 0
    typeChecking: Annotated[
        TypeChecking | None, F(2, "What checking types has found; unset before it is done.")
    ] = None
    conditions: Annotated[
        list[Condition],
        F(3, "Aspects of the present state.", list_type="map", list_keys=("type",)),
    ] = []


class ValidatingAdmissionPolicy(Object):
    """Rules in CEL about requests; they apply where a binding says so.

    The server applies a policy from the moment that its write is acknowledged. No controller
    fills in the status.
    """

    spec: Annotated[ValidatingAdmissionPolicySpec, F(2, "What is judged, and how.")] = (
        msgspec.field(default_factory=ValidatingAdmissionPolicySpec)
    )
    status: Annotated[ValidatingAdmissionPolicyStatus, F(3, "What was found out.")] = msgspec.field(
        default_factory=ValidatingAdmissionPolicyStatus
    )


class ValidatingAdmissionPolicyBindingSpec(Struct):
    """Where a policy applies, with which parameters, and what follows from a failure."""

    policyName: Annotated[str, F(1, "Name of the policy.", required=True)] = ""
    paramRef: Annotated[ParamRef | None, F(2, "Where the parameters come from.")] = None
    matchResources: Annotated[
        MatchResources | None, F(3, "Which of the policy's requests; all if unset.")
    ] = None
    validationActions: Annotated[
        list[str],
        F(4, "What a failure leads to: Deny, Warn, Audit.", list_type="set", required=True),
    ] = []


class ValidatingAdmissionPolicyBinding(Object):
    """Puts a policy into effect."""

    spec: Annotated[ValidatingAdmissionPolicyBindingSpec, F(2, "Where and how.", required=True)] = (
        msgspec.field(default_factory=ValidatingAdmissionPolicyBindingSpec)
    )


class ValidatingPolicyResource(Resource[ValidatingAdmissionPolicy]):
    """The behaviour of policies."""

    def default(self, obj: ValidatingAdmissionPolicy) -> None:
        if obj.spec.failurePolicy is None:
            obj.spec.failurePolicy = FAIL
        default_match(obj.spec.matchConstraints)

    def prepare_for_create(self, obj: ValidatingAdmissionPolicy, now: datetime) -> None:
        obj.status = ValidatingAdmissionPolicyStatus()
        obj.metadata.generation = 1

    def prepare_for_update(
        self, new: ValidatingAdmissionPolicy, old: ValidatingAdmissionPolicy, now: datetime
    ) -> None:
        keep_status(new, old)

    def validate(self, obj: ValidatingAdmissionPolicy) -> list[FieldError]:
        return _policy_errors(obj, conditions=True)

    def validate_update(
        self, new: ValidatingAdmissionPolicy, old: ValidatingAdmissionPolicy
    ) -> list[FieldError]:
        # Conditions that were accepted once are not judged again while nothing touches them.
        same = (new.spec.paramKind, new.spec.matchConditions) == (
            old.spec.paramKind,
            old.spec.matchConditions,
        )
        return _policy_errors(new, conditions=not same)


def _policy_errors(obj: ValidatingAdmissionPolicy, *, conditions: bool) -> list[FieldError]:
    spec = obj.spec
    errors = _setting_errors(spec)
    compiler = PolicyCompiler(params=spec.paramKind is not None)
    if conditions:
        at = _SPEC / "matchConditions"
        errors += validate_match_conditions(
            spec.matchConditions, at, lambda text: compiler.error(text, BOOL)
        )
    for i, variable in enumerate(spec.variables):
        errors += variable_errors(variable, compiler, (_SPEC / "variables").index(i))
    if not spec.validations and not spec.auditAnnotations:
        what = "validations or auditAnnotations must contain at least one item"
        errors += [required(_SPEC / name, what) for name in ("validations", "auditAnnotations")]
    for i, rule in enumerate(spec.validations):
        errors += validation_errors(rule, compiler, (_SPEC / "validations").index(i))
    at, name = _SPEC / "auditAnnotations", obj.metadata.name
    return errors + annotation_errors(spec.auditAnnotations, name, compiler, at)


def _setting_errors(spec: ValidatingAdmissionPolicySpec) -> list[FieldError]:
    errors = []
    if spec.failurePolicy is None:
        errors.append(required(_SPEC / "failurePolicy"))
    elif spec.failurePolicy not in (FAIL, IGNORE):
        at = _SPEC / "failurePolicy"
        errors.append(not_supported(at, spec.failurePolicy, (FAIL, IGNORE)))
    if spec.paramKind is not None:
        errors += param_kind_errors(spec.paramKind, _SPEC / "paramKind")
    at = _SPEC / "matchConstraints"
    if spec.matchConstraints is None:
        return [*errors, required(at)]
    errors += match_errors(spec.matchConstraints, at)
    if not spec.matchConstraints.resourceRules:
        errors.append(required(at / "resourceRules"))
    return errors


def _status_errors(
    new: ValidatingAdmissionPolicy, old: ValidatingAdmissionPolicy
) -> list[FieldError]:
    checking = new.status.typeChecking
    errors = []
    for i, warning in enumerate(checking.expressionWarnings if checking else ()):
        at = (Path("status") / "typeChecking" / "expressionWarnings").index(i)
        if not warning.warning:
            errors.append(required(at / "warning"))
        if not warning.fieldRef.strip():
            errors.append(required(at / "fieldRef"))
    return errors


class ValidatingBindingResource(Resource[ValidatingAdmissionPolicyBinding]):
    """The behaviour of bindings."""

    def default(self, obj: ValidatingAdmissionPolicyBinding) -> None:
        default_match(obj.spec.matchResources)

    def prepare_for_create(self, obj: ValidatingAdmissionPolicyBinding, now: datetime) -> None:
        obj.metadata.generation = 1

    def prepare_for_update(
        self,
        new: ValidatingAdmissionPolicyBinding,
        old: ValidatingAdmissionPolicyBinding,
        now: datetime,
    ) -> None:
        if new.spec != old.spec:
            new.metadata.generation = old.metadata.generation + 1

    def validate(self, obj: ValidatingAdmissionPolicyBinding) -> list[FieldError]:
        spec, errors = obj.spec, []
        at = _SPEC / "policyName"
        if not spec.policyName:
            errors.append(required(at))
        else:
            wrong = dns_subdomain(spec.policyName)
            errors += [invalid_value(at, spec.policyName, text) for text in wrong]
        errors += param_ref_errors(spec.paramRef, _SPEC / "paramRef")
        # The misspelt field is upstream's.
        errors += match_errors(spec.matchResources, _SPEC / "matchResouces")
        return errors + action_errors(spec.validationActions, _SPEC / "validationActions")


def _param_kind(obj: ValidatingAdmissionPolicy) -> str:
    kind = obj.spec.paramKind
    return UNSET if kind is None else f"{kind.apiVersion}/{kind.kind}"


def _param_ref(obj: ValidatingAdmissionPolicyBinding) -> str:
    ref = obj.spec.paramRef
    if ref is None or (not ref.name and ref.selector is None):
        return UNSET
    return f"{ref.namespace or '*'}/{ref.name}" if ref.name else selector_text(ref.selector)


VALIDATING_POLICIES = ValidatingPolicyResource(
    group=GROUP,
    version="v1",
    kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    singular="validatingadmissionpolicy",
    type=ValidatingAdmissionPolicy,
    namespaced=False,
    categories=("api-extensions",),
    unconditional_update=False,
    columns=(
        NAME,
        Column(
            "Validations",
            lambda policy, now: len(policy.spec.validations),
            type="integer",
            description="Number of rules.",
        ),
        Column(
            "ParamKind", lambda policy, now: _param_kind(policy), description="Kind of parameters."
        ),
        AGE,
    ),
    subresources=(Subresource("status", keep_spec, _status_errors),),
)
VALIDATING_POLICY_BINDINGS = ValidatingBindingResource(
    group=GROUP,
    version="v1",
    kind="ValidatingAdmissionPolicyBinding",
    plural="validatingadmissionpolicybindings",
    singular="validatingadmissionpolicybinding",
    type=ValidatingAdmissionPolicyBinding,
    namespaced=False,
    categories=("api-extensions",),
    unconditional_update=False,
    columns=(
        NAME,
        Column(
            "PolicyName", lambda binding, now: binding.spec.policyName, description="The policy."
        ),
        Column(
            "ParamRef",
            lambda binding, now: _param_ref(binding),
            description="Where parameters come from.",
        ),
        AGE,
    ),
)
