"""Which requests an admission webhook or policy is about: rules and match conditions.

Source: ``pkg/apis/admissionregistration/validation/validation.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from strongroom.api.errors import FieldError
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import (
    Path,
    duplicate,
    invalid_value,
    not_supported,
    qualified_name,
    required,
    too_many,
)

API_PACKAGE = "io.k8s.api.admissionregistration.v1"
"""Where OpenAPI places the types of this module."""

IGNORE, FAIL = "Ignore", "Fail"
EXACT, EQUIVALENT = "Exact", "Equivalent"
ALL = "*"
MAX_MATCH_CONDITIONS = 64

_OPERATIONS = (ALL, "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = (ALL, "Cluster", "Namespaced")


class RuleWithOperations(Struct):
    """Operations on resources; a request that any rule names is intercepted."""

    operations: Annotated[
        list[str],
        F(1, "CREATE, UPDATE, DELETE, CONNECT, or * for all.", list_type="atomic"),
    ] = []
    apiGroups: Annotated[
        list[str], F(1, "API groups of the resources, or *.", within=2, list_type="atomic")
    ] = []
    apiVersions: Annotated[
        list[str], F(2, "API versions of the resources, or *.", within=2, list_type="atomic")
    ] = []
    resources: Annotated[
        list[str],
        F(
            3,
            "Plural names, with /SUBRESOURCE for subresources; * stands for any part.",
            within=2,
            list_type="atomic",
        ),
    ] = []
    scope: Annotated[
        str | None, F(4, "Cluster, Namespaced, or * for both, the default.", within=2)
    ] = None


class MatchCondition(Struct):
    """A CEL expression that must hold of a request for it to be intercepted."""

    name: Annotated[str, F(1, "Name of the condition, for people.", required=True)] = always(str)
    expression: Annotated[
        str, F(2, "A CEL expression of type bool, over object, oldObject, request.", required=True)
    ] = always(str)


def validate_rule(rule: RuleWithOperations, path: Path) -> list[FieldError]:
    """All findings on a rule that may name subresources."""
    errors = _operation_errors(rule.operations, path / "operations")
    errors += _wildcard_errors(rule.apiGroups, path / "apiGroups", "API groups")
    errors += _wildcard_errors(rule.apiVersions, path / "apiVersions", "API versions")
    for i, version in enumerate(rule.apiVersions):
        if not version:
            errors.append(required((path / "apiVersions").index(i)))
    errors += _resource_errors(rule.resources, path / "resources")
    if rule.scope is not None and rule.scope not in _SCOPES:
        errors.append(not_supported(path / "scope", rule.scope, _SCOPES))
    return errors


def _operation_errors(operations: Sequence[str], path: Path) -> list[FieldError]:
    errors = _wildcard_errors(operations, path, "operations")
    for i, operation in enumerate(operations):
        if operation not in _OPERATIONS:
            errors.append(not_supported(path.index(i), operation, _OPERATIONS))
    return errors


def _wildcard_errors(values: Sequence[str], path: Path, what: str) -> list[FieldError]:
    if not values:
        return [required(path)]
    if len(values) > 1 and ALL in values:
        detail = f"if '*' is present, must not specify other {what}"
        return [invalid_value(path, list(values), detail)]
    return []


def _resource_errors(resources: Sequence[str], path: Path) -> list[FieldError]:
    if not resources:
        return [required(path)]
    errors: list[FieldError] = []
    all_parts_of: set[str] = set()
    part_of_all: set[str] = set()
    for i, text in enumerate(resources):
        resource, slash, part = text.partition("/")
        if not text:
            errors.append(required(path.index(i)))
        if not slash:
            continue
        for seen, name, wildcard in (
            (all_parts_of, resource, f"{resource}/*"),
            (part_of_all, part, f"*/{part}"),
        ):
            if name in seen:
                detail = f"if '{wildcard}' is present, must not specify {text}"
                errors.append(invalid_value(path.index(i), text, detail))
        if part == ALL:
            all_parts_of.add(resource)
        if resource == ALL:
            part_of_all.add(part)
    return errors + _overlap_errors(resources, path)


def _overlap_errors(resources: Sequence[str], path: Path) -> list[FieldError]:
    errors = []
    if len(resources) > 1 and "*/*" in resources:
        detail = "if '*/*' is present, must not specify other resources"
        errors.append(invalid_value(path, list(resources), detail))
    # Upstream remembers only the last name without a slash.
    whole = [text for text in resources if text and "/" not in text]
    if ALL in whole and whole[-1] != ALL:
        detail = "if '*' is present, must not specify other resources without subresources"
        errors.append(invalid_value(path, list(resources), detail))
    return errors


def validate_match_conditions(
    conditions: Sequence[MatchCondition],
    path: Path,
    compile_error: Callable[[str], str | None],
) -> list[FieldError]:
    """All findings on match conditions; ``compile_error`` says what is wrong with an expression."""
    errors = []
    if len(conditions) > MAX_MATCH_CONDITIONS:
        errors.append(too_many(path, len(conditions), MAX_MATCH_CONDITIONS))
    names: set[str] = set()
    for i, condition in enumerate(conditions):
        at = path.index(i)
        errors += _condition_errors(condition, at, compile_error)
        if condition.name in names:
            errors.append(duplicate(at / "name", condition.name))
        elif condition.name:
            names.add(condition.name)
    return errors


def _condition_errors(
    condition: MatchCondition, path: Path, compile_error: Callable[[str], str | None]
) -> list[FieldError]:
    errors = []
    expression = condition.expression.strip()
    if not expression:
        errors.append(required(path / "expression"))
    elif (wrong := compile_error(expression)) is not None:
        errors.append(invalid_value(path / "expression", expression, wrong))
    if not condition.name:
        return [*errors, required(path / "name")]
    wrong_name = qualified_name(condition.name)
    return errors + [invalid_value(path / "name", condition.name, text) for text in wrong_name]
