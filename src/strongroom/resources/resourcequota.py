"""ResourceQuota: bounds on what a namespace holds and uses.

Kept and checked here; admission refuses what would exceed a quota.
Rules: ``ValidateResourceQuota`` in ``pkg/apis/core/validation``.
"""

from __future__ import annotations

from datetime import datetime

from strongroom.api.errors import FieldError
from strongroom.api.validation import IMMUTABLE, Path, invalid_value, required
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.quantity import canonicalize_quantities
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.resource_amounts import (
    is_standard_quota,
    resource_amount,
    resource_name,
)
from strongroom.resources.resourcequota_object import (
    ResourceQuota,
    ResourceQuotaSpec,
    ResourceQuotaStatus,
    ScopedResourceSelectorRequirement,
    ScopeSelector,
)

__all__ = [
    "RESOURCE_QUOTAS",
    "ResourceQuota",
    "ResourceQuotaResource",
    "ResourceQuotaSpec",
    "ResourceQuotaStatus",
    "ScopeSelector",
    "ScopedResourceSelectorRequirement",
]

_POD_USE = frozenset(
    ("pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory")
)
SCOPES: dict[str, frozenset[str]] = {
    "BestEffort": frozenset(("pods",)),
    "CrossNamespacePodAffinity": _POD_USE,
    "NotBestEffort": _POD_USE,
    "NotTerminating": _POD_USE,
    "PriorityClass": _POD_USE,
    "Terminating": _POD_USE,
    "VolumeAttributesClass": frozenset(("persistentvolumeclaims", "requests.storage")),
}
"""The scopes, each with the standard resources that can be counted in it."""

_OPPOSITES = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
_VALUED = ("PriorityClass", "VolumeAttributesClass")
_ONLY_EXISTS = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, "
    "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
    "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


class ResourceQuotaResource(Resource[ResourceQuota]):
    """The behaviour of ResourceQuotas."""

    def default(self, obj: ResourceQuota) -> None:
        canonicalize_quantities(obj)

    def prepare_for_create(self, obj: ResourceQuota, now: datetime) -> None:
        obj.status = ResourceQuotaStatus()

    def prepare_for_update(self, new: ResourceQuota, old: ResourceQuota, now: datetime) -> None:
        new.status = old.status

    def validate(self, obj: ResourceQuota) -> list[FieldError]:
        return _spec_errors(obj.spec) + _status_errors(obj.status)

    def validate_update(self, new: ResourceQuota, old: ResourceQuota) -> list[FieldError]:
        errors = _spec_errors(new.spec)
        if set(new.spec.scopes) != set(old.spec.scopes):
            errors.append(invalid_value(Path("spec") / "scopes", new.spec.scopes, IMMUTABLE))
        return errors


def _amount_errors(amounts: dict[str, str], path: Path) -> list[FieldError]:
    errors = []
    for name, amount in sorted(amounts.items()):
        errors += _name_errors(name, path.key(name))
        errors += resource_amount(name, amount, path.key(name))
    return errors


def _name_errors(name: str, path: Path) -> list[FieldError]:
    errors = resource_name(name, path)
    if "/" not in name and not is_standard_quota(name):
        errors.append(invalid_value(path, name, "must be a standard resource for quota"))
    return errors


def _spec_errors(spec: ResourceQuotaSpec) -> list[FieldError]:
    path = Path("spec")
    errors = _amount_errors(spec.hard, path / "hard")
    errors += _scope_errors(spec, path / "scopes")
    if spec.scopeSelector is not None:
        errors += _selector_errors(
            spec, spec.scopeSelector, path / "scopeSelector" / "matchExpressions"
        )
    return errors


def _misapplied(spec: ResourceQuotaSpec, scope: str) -> int:
    """How many of the limited resources cannot be counted in a scope."""
    countable = SCOPES.get(scope)
    if countable is None:
        return 0
    return sum(is_standard_quota(name) and name not in countable for name in spec.hard)


def _conflicts(scopes: set[str], path: Path, value: list[str]) -> list[FieldError]:
    return [
        invalid_value(path, value or None, "conflicting scopes")
        for pair in _OPPOSITES
        if scopes.issuperset(pair)
    ]


def _scope_errors(spec: ResourceQuotaSpec, path: Path) -> list[FieldError]:
    errors = []
    for scope in spec.scopes:
        if scope not in SCOPES:
            errors.append(invalid_value(path, spec.scopes, "unsupported scope"))
        finding = invalid_value(path, spec.scopes, "unsupported scope applied to resource")
        errors += [finding] * _misapplied(spec, scope)
    return errors + _conflicts(set(spec.scopes), path, spec.scopes)


def _selector_errors(
    spec: ResourceQuotaSpec, selector: ScopeSelector, path: Path
) -> list[FieldError]:
    errors = []
    for condition in selector.matchExpressions:
        scope = condition.scopeName
        if scope not in SCOPES:
            errors.append(invalid_value(path / "scopeName", scope, "unsupported scope"))
        finding = invalid_value(path, _shown(selector), "unsupported scope applied to resource")
        errors += [finding] * _misapplied(spec, scope)
        errors += _condition_errors(condition, path)
    scopes = {condition.scopeName for condition in selector.matchExpressions}
    return errors + _conflicts(scopes, path, spec.scopes)


def _shown(selector: ScopeSelector) -> dict[str, list[dict[str, object]]]:
    """A selector as messages print it: with the names and all the fields of upstream's types."""
    return {
        "MatchExpressions": [
            {"ScopeName": c.scopeName, "Operator": c.operator, "Values": c.values or None}
            for c in selector.matchExpressions
        ]
    }


def _condition_errors(condition: ScopedResourceSelectorRequirement, path: Path) -> list[FieldError]:
    scope, operator, values = condition.scopeName, condition.operator, condition.values
    errors = []
    if scope in SCOPES and scope not in _VALUED and operator != "Exists":
        errors.append(invalid_value(path / "operator", operator, _ONLY_EXISTS))
    if operator in ("In", "NotIn"):
        if not values:
            detail = (
                "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            )
            errors.append(required(path / "values", detail))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = (
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            )
            errors.append(invalid_value(path / "values", values, detail))
    else:
        errors.append(invalid_value(path / "operator", operator, "not a valid selector operator"))
    return errors


def _status_errors(status: ResourceQuotaStatus) -> list[FieldError]:
    path = Path("status")
    return _amount_errors(status.hard, path / "hard") + _amount_errors(status.used, path / "used")


def _merge_status(new: ResourceQuota, old: ResourceQuota) -> ResourceQuota:
    new.spec = old.spec
    return new


def _validate_status(new: ResourceQuota, old: ResourceQuota) -> list[FieldError]:
    errors = [] if new.metadata.resourceVersion else [required(Path("resourceVersion"))]
    return errors + _status_errors(new.status)


def _uses(quota: ResourceQuota, *, limits: bool) -> str:
    """What is used of what, of the resources that are limits or of all others."""
    status = quota.status
    return ", ".join(
        f"{name}: {status.used.get(name, '0')}/{hard}"
        for name, hard in sorted(status.hard.items())
        if name.startswith("limits") == limits
    )


RESOURCE_QUOTAS = ResourceQuotaResource(
    group="",
    version="v1",
    kind="ResourceQuota",
    plural="resourcequotas",
    singular="resourcequota",
    short_names=("quota",),
    type=ResourceQuota,
    namespaced=True,
    columns=(
        NAME,
        Column(
            "Request",
            lambda quota, now: _uses(quota, limits=False),
            description="What is used of everything but limits, and how much there may be.",
        ),
        Column(
            "Limit",
            lambda quota, now: _uses(quota, limits=True),
            description="What the limits of containers add up to, and how much that may be.",
        ),
        AGE,
    ),
    subresources=(Subresource("status", _merge_status, _validate_status),),
)
