"""What policies and their bindings are made of: which requests, which parameters, which rules.

Source: ``k8s.io/api/admissionregistration/v1``.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from strongroom.api.meta import LabelSelector
from strongroom.api.schema import F, Struct, always
from strongroom.resources.admission_rules import ALL, EQUIVALENT, RuleWithOperations

API_PACKAGE = "io.k8s.api.admissionregistration.v1"
"""Where OpenAPI places the types of this module."""

ALLOW, DENY = "Allow", "Deny"
DENY_ACTION, WARN, AUDIT = "Deny", "Warn", "Audit"


class ParamKind(Struct):
    """The kind of the objects that a policy takes its parameters from."""

    owned_whole: ClassVar[bool] = True

    apiVersion: Annotated[str, F(1, "Group and version of the kind, as GROUP/VERSION.")] = ""
    kind: Annotated[str, F(2, "The kind.")] = ""


class NamedRuleWithOperations(RuleWithOperations):
    """Operations on resources, if need be only on those of certain names."""

    owned_whole: ClassVar[bool] = True

    resourceNames: Annotated[
        list[str], F(1, "Names of the objects; all if empty.", list_type="atomic")
    ] = []
    operations: Annotated[
        list[str],
        F(1, "CREATE, UPDATE, DELETE, CONNECT, or * for all.", within=2, list_type="atomic"),
    ] = []
    apiGroups: Annotated[
        list[str], F(1, "API groups of the resources, or *.", within=(2, 2), list_type="atomic")
    ] = []
    apiVersions: Annotated[
        list[str], F(2, "API versions of the resources, or *.", within=(2, 2), list_type="atomic")
    ] = []
    resources: Annotated[
        list[str],
        F(
            3,
            "Plural names, with /SUBRESOURCE for subresources; * stands for any part.",
            within=(2, 2),
            list_type="atomic",
        ),
    ] = []
    scope: Annotated[
        str | None,
        F(4, "Cluster, Namespaced, or * for both, the default.", within=(2, 2)),
    ] = None


class MatchResources(Struct):
    """Which requests: all parts must speak of a request; what is excluded never counts."""

    owned_whole: ClassVar[bool] = True

    namespaceSelector: Annotated[
        LabelSelector | None, F(1, "Labels of the namespaces; all by default.")
    ] = None
    objectSelector: Annotated[
        LabelSelector | None, F(2, "Labels of the object, old or new; all by default.")
    ] = None
    resourceRules: Annotated[
        list[NamedRuleWithOperations],
        F(3, "The operations on resources; any of them.", list_type="atomic"),
    ] = []
    excludeResourceRules: Annotated[
        list[NamedRuleWithOperations],
        F(4, "Operations on resources that are left out.", list_type="atomic"),
    ] = []
    matchPolicy: Annotated[
        str | None,
        F(7, "Whether rules match other versions of a resource too: Equivalent or Exact."),
    ] = None


class Validation(Struct):
    """An expression that must be true, and what to say when it is not."""

    expression: Annotated[
        str,
        F(
            1,
            "A CEL expression of type bool, over object, oldObject, request, params, "
            "namespaceObject, variables and authorizer.",
            required=True,
        ),
    ] = always(str)
    message: Annotated[str, F(2, "What is said when it is false; one line.")] = ""
    reason: Annotated[
        str | None,
        F(3, "Unauthorized, Forbidden, Invalid (the default) or RequestEntityTooLarge."),
    ] = None
    messageExpression: Annotated[
        str,
        F(4, "A CEL expression of type string that makes the message; goes before message."),
    ] = ""


class Variable(Struct):
    """An expression with a name, for the expressions after it."""

    owned_whole: ClassVar[bool] = True

    name: Annotated[str, F(1, "Its name below variables.", required=True)] = always(str)
    expression: Annotated[str, F(2, "A CEL expression of any type.", required=True)] = always(str)


class AuditAnnotation(Struct):
    """An expression whose value goes to the audit log."""

    key: Annotated[
        str, F(1, "The annotation's key, below the name of the policy.", required=True)
    ] = always(str)
    valueExpression: Annotated[
        str,
        F(2, "A CEL expression of type string, or null for no annotation.", required=True),
    ] = always(str)


class ParamRef(Struct):
    """Which objects a binding takes its parameters from."""

    owned_whole: ClassVar[bool] = True

    name: Annotated[str, F(1, "Name of the object; or else selector.")] = ""
    namespace: Annotated[str, F(2, "Namespace of the object; by default that of the request.")] = ""
    selector: Annotated[
        LabelSelector | None, F(3, "Labels of the objects; each of them is judged by.")
    ] = None
    parameterNotFoundAction: Annotated[
        str | None, F(4, "What it means when there is none: Allow, or Deny as the policy fails.")
    ] = None


class ExpressionWarning(Struct):
    """What may be wrong with the types in an expression."""

    fieldRef: Annotated[str, F(2, "Path of the expression.", required=True)] = always(str)
    warning: Annotated[str, F(3, "What the checker says, for people.", required=True)] = always(str)


class TypeChecking(Struct):
    """What checking the types of all expressions has found."""

    expressionWarnings: Annotated[
        list[ExpressionWarning], F(1, "A warning for each expression.", list_type="atomic")
    ] = []


def default_match(match: MatchResources | None) -> None:
    """Fill in what upstream fills in (``pkg/apis/admissionregistration/v1/defaults.go``)."""
    if match is None:
        return
    if match.matchPolicy is None:
        match.matchPolicy = EQUIVALENT
    if match.namespaceSelector is None:
        match.namespaceSelector = LabelSelector()
    if match.objectSelector is None:
        match.objectSelector = LabelSelector()
    for rule in (*match.resourceRules, *match.excludeResourceRules):
        if rule.scope is None:
            rule.scope = ALL
