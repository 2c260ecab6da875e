"""What failures of a Job's pods mean, and when a Job has succeeded early; with their rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from strongroom.api.errors import FieldError
from strongroom.api.gotext import quote
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import (
    Path,
    duplicate,
    invalid_value,
    non_negative,
    not_supported,
    qualified_name,
    required,
    too_many,
)

API_PACKAGE = "io.k8s.api.batch.v1"

ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_MAX_RULES = 20
_MAX_CODES = 255
_MAX_PATTERNS = 20


class PodFailurePolicyOnExitCodesRequirement(Struct):
    """Containers that ended with certain codes."""

    containerName: Annotated[str | None, F(1, "The container; any one if unset.")] = None
    operator: Annotated[
        str, F(2, "Whether the code is one of the values.", enum=_OPERATORS, required=True)
    ] = always(str)
    values: Annotated[
        list[int], F(3, "The codes, in order.", format="int32", list_type="set", required=True)
    ] = always(list)


class PodFailurePolicyOnPodConditionsPattern(Struct):
    """A condition that a failed pod has."""

    type: Annotated[str, F(1, "Type of the condition.", required=True)] = always(str)
    status: Annotated[str, F(2, "Its status; True if unset.")] = always(str)


class PodFailurePolicyRule(Struct):
    """What one way of failing means."""

    action: Annotated[
        str, F(1, "What is done when the rule fits.", enum=ACTIONS, required=True)
    ] = always(str)
    onExitCodes: Annotated[
        PodFailurePolicyOnExitCodesRequirement | None, F(2, "It fits by codes.")
    ] = None
    onPodConditions: Annotated[
        list[PodFailurePolicyOnPodConditionsPattern],
        F(3, "It fits by any of these conditions.", list_type="atomic"),
    ] = []


class PodFailurePolicy(Struct):
    """What which failures of pods mean."""

    rules: Annotated[
        list[PodFailurePolicyRule],
        F(1, "The rules, of which the first that fits counts.", list_type="atomic", required=True),
    ] = always(list)


class SuccessPolicyRule(Struct):
    """Indexes whose success is enough."""

    succeededIndexes: Annotated[str | None, F(1, "The indexes, such as `1,3-5`.")] = None
    succeededCount: Annotated[int | None, F(2, "How many of them are enough.", format="int32")] = (
        None
    )


class SuccessPolicy(Struct):
    """When a Job has succeeded before all of its indexes have."""

    rules: Annotated[
        list[SuccessPolicyRule],
        F(1, "The rules, any of which is enough.", list_type="atomic", required=True),
    ] = always(list)


def failure_policy_errors(
    policy: PodFailurePolicy, containers: frozenset[str], path: Path, *, per_index: bool
) -> list[FieldError]:
    """All findings on what failures mean; ``per_index`` says that indexes fail by themselves."""
    errors, rules = [], path / "rules"
    if len(policy.rules) > _MAX_RULES:
        errors.append(too_many(rules, len(policy.rules), _MAX_RULES))
    for i, rule in enumerate(policy.rules):
        errors += _rule_errors(rule, containers, rules.index(i), per_index=per_index)
    return errors


def _rule_errors(
    rule: PodFailurePolicyRule, containers: frozenset[str], path: Path, *, per_index: bool
) -> list[FieldError]:
    if rule.action == "FailIndex" and not per_index:
        why = "requires the backoffLimitPerIndex to be set"
        errors = [invalid_value(path / "action", rule.action, why)]
    else:
        errors = _choice(rule.action, ACTIONS, path / "action")
    codes, conditions = rule.onExitCodes, rule.onPodConditions
    if codes:
        errors += _code_errors(codes, containers, path / "onExitCodes")
    where = path / "onPodConditions"
    if len(conditions) > _MAX_PATTERNS:
        errors.append(too_many(where, len(conditions), _MAX_PATTERNS))
    for j, pattern in enumerate(conditions):
        at = where.index(j)
        errors += [
            invalid_value(at / "type", pattern.type, m) for m in qualified_name(pattern.type)
        ]
        errors += _choice(pattern.status, _STATUSES, at / "status")
    if codes and conditions:
        errors.append(_omitted(path, "both OnExitCodes and OnPodConditions is not supported"))
    if not codes and not conditions:
        errors.append(_omitted(path, "one of OnExitCodes and OnPodConditions is required"))
    return errors


def _omitted(path: Path, what: str) -> FieldError:
    # Upstream prints no value here.
    return FieldError("FieldValueInvalid", str(path), f"Invalid value: specifying {what}")


def _choice(value: str, supported: Sequence[str], path: Path) -> list[FieldError]:
    if not value:
        return [required(path, f"valid values: [{' '.join(map(quote, supported))}]")]
    return [] if value in supported else [not_supported(path, value, supported)]


def _code_errors(
    codes: PodFailurePolicyOnExitCodesRequirement, containers: frozenset[str], path: Path
) -> list[FieldError]:
    errors = _choice(codes.operator, _OPERATORS, path / "operator")
    name, values, where = codes.containerName, codes.values, path / "values"
    if name is not None and name not in containers:
        why = "must be one of the container or initContainer names in the pod template"
        errors.append(invalid_value(path / "containerName", name, why))
    if not values:
        errors.append(invalid_value(where, values, "at least one value is required"))
    elif len(values) > _MAX_CODES:
        errors.append(too_many(where, len(values), _MAX_CODES))
    seen: set[int] = set()
    for j, value in enumerate(values):
        if codes.operator == "In" and value == 0:
            errors.append(invalid_value(where.index(j), 0, "must not be 0 for the In operator"))
        if value in seen:
            errors.append(duplicate(where.index(j), value))
        seen.add(value)
    if values != sorted(values):
        errors.append(invalid_value(where, values, "must be ordered"))
    return errors


def success_policy_errors(policy: SuccessPolicy, completions: int, path: Path) -> list[FieldError]:
    """All findings on when an indexed Job of so many completions has succeeded early."""
    errors, rules = [], path / "rules"
    if not policy.rules:
        why = "at least one rules must be specified when the successPolicy is specified"
        errors.append(required(rules, why))
    if len(policy.rules) > _MAX_RULES:
        errors.append(too_many(rules, len(policy.rules), _MAX_RULES))
    for i, rule in enumerate(policy.rules):
        errors += _success_errors(rule, completions, rules.index(i))
    return errors


def _success_errors(rule: SuccessPolicyRule, completions: int, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    indexes, count, total = rule.succeededIndexes, rule.succeededCount, 0
    if indexes is None and count is None:
        why = "at least one of succeededCount or succeededIndexes must be specified"
        return [required(path, why)]
    if indexes is not None:
        try:
            total = count_indexes(indexes, completions)
        except ValueError as error:
            why = f"error parsing succeededIndexes: {error}"
            errors.append(invalid_value(path / "succeededIndexes", indexes, why))
    if count is None:
        return errors
    where = path / "succeededCount"
    errors += non_negative(count, where)
    if count > completions:
        why = f"must be less than or equal to {completions} (the number of specified completions)"
        errors.append(invalid_value(where, count, why))
    if indexes is not None and count > total:
        why = (
            f"must be less than or equal to {total} (the number of indexes in the specified "
            "succeededIndexes field)"
        )
        errors.append(invalid_value(where, count, why))
    return errors


def count_indexes(text: str, completions: int) -> int:
    """How many indexes a text such as ``1,3-5`` names. Raises ValueError in upstream's words."""
    total, last = 0, -1
    for interval in text.split(",") if text else ():
        limits = interval.split("-")
        if len(limits) > 2:
            raise ValueError(
                f"the fragment {quote(interval)} violates the requirement that an index interval "
                "can have at most two parts separated by '-'"
            )
        first = _index(limits[0])
        if last >= first:
            raise ValueError(f"non-increasing order, previous: {last}, current: {first}")
        if first >= completions:
            raise ValueError(f"too large index: {quote(limits[0])}")
        last = first
        if len(limits) == 2:
            last = _index(limits[1])
            if last >= completions:
                raise ValueError(f"too large index: {quote(limits[1])}")
            if first >= last:
                raise ValueError(f"non-increasing order, previous: {first}, current: {last}")
        total += last - first + 1
    return total


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"cannot convert string to integer for index: {quote(text)}")
    return int(text)
