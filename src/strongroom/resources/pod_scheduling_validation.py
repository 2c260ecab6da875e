"""The rules of where pods go: tolerations, affinity and spreading."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.api.errors import FieldError
from strongroom.api.meta import LabelSelector
from strongroom.api.validation import (
    Path,
    dns_label,
    dns_subdomain,
    duplicate,
    forbidden_field,
    invalid_value,
    label_value,
    not_supported,
    qualified_name,
    required,
    validate_labels,
)
from strongroom.resources.node_validation import taint_effect
from strongroom.resources.pod_scheduling import (
    Affinity,
    NodeAffinity,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodAffinity,
    PodAffinityTerm,
    PodAntiAffinity,
    Toleration,
    TopologySpreadConstraint,
)

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_ACTIONS = ("DoNotSchedule", "ScheduleAnyway")
_NO_OPERATOR = "not a valid selector operator"
_NEEDS_VALUES = "must be specified when `operator` is 'In' or 'NotIn'"
_NO_VALUES = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
_ANY_KEY = (
    'operator must be Exists when `key` is empty, which means "match all values and all keys"'
)


def toleration_errors(tolerations: Sequence[Toleration], path: Path) -> list[FieldError]:
    """All findings on tolerations."""
    errors: list[FieldError] = []
    for i, toleration in enumerate(tolerations):
        at = path.index(i)
        if toleration.key:
            errors += _label_key(toleration.key, at / "key")
        elif toleration.operator != "Exists":
            errors.append(invalid_value(at / "operator", toleration.operator, _ANY_KEY))
        if toleration.tolerationSeconds is not None and toleration.effect != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            errors.append(invalid_value(at / "effect", toleration.effect, detail))
        errors += _toleration_value(toleration, at / "operator")
        errors += taint_effect(toleration.effect, at / "effect", allow_empty=True)
    return errors


def _toleration_value(toleration: Toleration, path: Path) -> list[FieldError]:
    operator, value = toleration.operator, toleration.value
    if operator in ("Equal", ""):
        messages = label_value(value)
        return [invalid_value(path, value, ";".join(messages))] if messages else []
    if operator == "Exists":
        detail = "value must be empty when `operator` is 'Exists'"
        return [invalid_value(path, value, detail)] if value else []
    return [not_supported(path, operator, ("Equal", "Exists"))]


def affinity_errors(affinity: Affinity, path: Path) -> list[FieldError]:
    """All findings on affinity to nodes and pods."""
    errors: list[FieldError] = []
    if affinity.nodeAffinity:
        errors += _node_affinity(affinity.nodeAffinity, path / "nodeAffinity")
    if affinity.podAffinity:
        errors += _pod_affinity(affinity.podAffinity, path / "podAffinity")
    if affinity.podAntiAffinity:
        errors += _pod_affinity(affinity.podAntiAffinity, path / "podAntiAffinity")
    return errors


def _node_affinity(affinity: NodeAffinity, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    wanted = affinity.requiredDuringSchedulingIgnoredDuringExecution
    if wanted:
        terms = path / _REQUIRED / "nodeSelectorTerms"
        if not wanted.nodeSelectorTerms:
            errors.append(required(terms, "must have at least one node selector term"))
        for i, term in enumerate(wanted.nodeSelectorTerms):
            errors += _node_term(term, terms.index(i), strict=True)
    for i, liked in enumerate(affinity.preferredDuringSchedulingIgnoredDuringExecution):
        at = (path / _PREFERRED).index(i)
        errors += _weight(liked.weight, at / "weight")
        errors += _node_term(liked.preference, at / "preference", strict=False)
    return errors


def _node_term(term: NodeSelectorTerm, path: Path, *, strict: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, condition in enumerate(term.matchExpressions):
        errors += _node_condition(condition, (path / "matchExpressions").index(i), strict=strict)
    for i, condition in enumerate(term.matchFields):
        errors += _node_field(condition, (path / "matchFields").index(i))
    return errors


def _node_condition(
    condition: NodeSelectorRequirement, path: Path, *, strict: bool
) -> list[FieldError]:
    errors = []
    values = path / "values"
    if condition.operator in ("Gt", "Lt"):
        if len(condition.values) != 1:
            detail = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            errors.append(required(values, detail))
    else:
        errors += _operator_errors(condition.operator, condition.values, path)
    errors += _label_key(condition.key, path / "key")
    if strict:
        for i, value in enumerate(condition.values):
            errors += [invalid_value(values.index(i), value, m) for m in label_value(value)]
    return errors


def _node_field(condition: NodeSelectorRequirement, path: Path) -> list[FieldError]:
    errors = []
    if condition.operator not in ("In", "NotIn"):
        errors.append(invalid_value(path / "operator", condition.operator, _NO_OPERATOR))
    elif len(condition.values) != 1:
        detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        errors.append(required(path / "values", detail))
    if condition.key != "metadata.name":
        detail = "not a valid field selector key"
        return [*errors, invalid_value(path / "key", condition.key, detail)]
    for i, name in enumerate(condition.values):
        at = (path / "values").index(i)
        errors += [invalid_value(at, name, message) for message in dns_subdomain(name)]
    return errors


def _pod_affinity(affinity: PodAffinity | PodAntiAffinity, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, term in enumerate(affinity.requiredDuringSchedulingIgnoredDuringExecution):
        errors += _pod_term(term, (path / _REQUIRED).index(i))
    for i, liked in enumerate(affinity.preferredDuringSchedulingIgnoredDuringExecution):
        at = (path / _PREFERRED).index(i)
        errors += _weight(liked.weight, at / "weight")
        errors += _pod_term(liked.podAffinityTerm, at / "podAffinityTerm")
    return errors


def _pod_term(term: PodAffinityTerm, path: Path) -> list[FieldError]:
    errors = label_selector_errors(term.labelSelector, path / "labelSelector")
    errors += label_selector_errors(term.namespaceSelector, path / "namespaceSelector")
    for name in term.namespaces:
        errors += [invalid_value(path / "namespace", name, message) for message in dns_label(name)]
    if not term.topologyKey:
        errors.append(required(path / "topologyKey", "can not be empty"))
    return errors + _label_key(term.topologyKey, path / "topologyKey")


def label_selector_errors(selector: LabelSelector | None, path: Path) -> list[FieldError]:
    """All findings on a label selector."""
    if selector is None:
        return []
    errors = validate_labels(selector.matchLabels, path / "matchLabels")
    for i, condition in enumerate(selector.matchExpressions):
        at = (path / "matchExpressions").index(i)
        errors += _operator_errors(condition.operator, condition.values, at)
        errors += _label_key(condition.key, at / "key")
        for j, value in enumerate(condition.values):
            where = (at / "values").index(j)
            errors += [invalid_value(where, value, message) for message in label_value(value)]
    return errors


def _operator_errors(operator: str, values: Sequence[str], path: Path) -> list[FieldError]:
    if operator in ("In", "NotIn"):
        return [] if values else [required(path / "values", _NEEDS_VALUES)]
    if operator in ("Exists", "DoesNotExist"):
        return [forbidden_field(path / "values", _NO_VALUES)] if values else []
    return [invalid_value(path / "operator", operator, _NO_OPERATOR)]


def spread_errors(constraints: Sequence[TopologySpreadConstraint], path: Path) -> list[FieldError]:
    """All findings on spreading."""
    errors: list[FieldError] = []
    seen = set()
    for i, constraint in enumerate(constraints):
        at = path.index(i)
        key, action = constraint.topologyKey, constraint.whenUnsatisfiable
        if constraint.maxSkew <= 0:
            detail = "must be greater than zero"
            errors.append(invalid_value(at / "maxSkew", constraint.maxSkew, detail))
        if not key:
            errors.append(required(at / "topologyKey", "can not be empty"))
        errors += _label_key(key, at / "topologyKey") if key else []
        if action not in _ACTIONS:
            errors.append(not_supported(at / "whenUnsatisfiable", action, _ACTIONS))
        if (key, action) in seen:
            pair = f"{{{key}, {action}}}"
            errors.append(duplicate(at / "{topologyKey, whenUnsatisfiable}", pair))
        seen.add((key, action))
        errors += label_selector_errors(constraint.labelSelector, at / "labelSelector")
    return errors


def _weight(weight: int, path: Path) -> list[FieldError]:
    if 1 <= weight <= 100:
        return []
    return [invalid_value(path, weight, "must be in the range 1-100")]


def _label_key(key: str, path: Path) -> list[FieldError]:
    return [invalid_value(path, key, message) for message in qualified_name(key)]
