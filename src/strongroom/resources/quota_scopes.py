"""The scopes of quotas: which objects a quota counts (``podMatchesScopeFunc`` upstream)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from strongroom.resources.pod_qos import BEST_EFFORT, qos_class
from strongroom.resources.resourcequota_object import ResourceQuota

EXISTS = "Exists"


@dataclass(frozen=True, slots=True)
class Scope:
    """One condition of a quota: a scope, or the values that something in that scope has."""

    name: str
    operator: str = EXISTS
    values: tuple[str, ...] = ()

    def selects(self, value: str) -> bool:
        """Whether a value (of a priority class, say; "" for none) meets the condition."""
        match self.operator:
            case "Exists":
                return bool(value)
            case "DoesNotExist":
                return not value
            case "In":
                return bool(value) and value in self.values
            case "NotIn":
                return value not in self.values
        return False


def scopes_of(quota: ResourceQuota) -> list[Scope]:
    """All conditions of a quota; they must all hold."""
    scopes = [Scope(name) for name in quota.spec.scopes]
    selector = quota.spec.scopeSelector
    conditions = selector.matchExpressions if selector is not None else []
    return scopes + [Scope(c.scopeName, c.operator, tuple(c.values)) for c in conditions]


def pod_in_scope(scope: Scope, pod: Any) -> bool:
    """Whether a pod belongs to a scope."""
    spec = pod.spec
    match scope.name:
        case "Terminating" | "NotTerminating":
            seconds = spec.activeDeadlineSeconds
            return (seconds is not None and seconds >= 0) == (scope.name == "Terminating")
        case "BestEffort" | "NotBestEffort":
            return (qos_class(spec) == BEST_EFFORT) == (scope.name == "BestEffort")
        case "PriorityClass":
            return scope.selects(spec.priorityClassName)
        case "CrossNamespacePodAffinity":
            return any(term.namespaces or term.namespaceSelector for term in _terms(spec.affinity))
    return False


def _terms(affinity: Any) -> Iterable[Any]:
    """Every term about other pods."""
    for kind in (affinity.podAffinity, affinity.podAntiAffinity) if affinity else ():
        if kind is not None:
            yield from kind.requiredDuringSchedulingIgnoredDuringExecution
            for weighted in kind.preferredDuringSchedulingIgnoredDuringExecution:
                yield weighted.podAffinityTerm
