"""What objects count towards quotas: pure arithmetic, shared by admission and the controller.

Each kind has an :class:`Evaluator`. Kinds without rules of their own count objects, as
``count/PLURAL.GROUP``. Source: ``pkg/quota/v1/evaluator/core``, ``.../generic`` upstream.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from strongroom.api.times import parse_time
from strongroom.resources.amounts import Amounts, add
from strongroom.resources.pod_amounts import pod_limits, pod_requests, sets_own_resources
from strongroom.resources.quota_scopes import Scope, pod_in_scope
from strongroom.resources.resource_amounts import is_extended

IGNORED = frozenset({("", "events"), ("events.k8s.io", "events"), ("", "bindings")})
"""Never counted, as upstream."""

_ALIASES = frozenset(
    ("configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "secrets")
)
_COUNTED = ("cpu", "memory", "ephemeral-storage")
_POD_NAMES = frozenset(
    {"count/pods", "pods"}
    | {f"{side}{name}" for side in ("", "requests.", "limits.") for name in _COUNTED}
)
_MUST_SAY = frozenset(f"{side}{n}" for side in ("", "requests.", "limits.") for n in _COUNTED[:2])
_HUGE = "hugepages-"
_SERVICE_NAMES = frozenset(
    ("count/services", "services", "services.nodeports", "services.loadbalancers")
)
_OF_CLASS = ".storageclass.storage.k8s.io/"


def count_name(group: str, plural: str) -> str:
    """The name under which any kind is counted: ``count/secrets``, ``count/leases.GROUP``."""
    return f"count/{plural}.{group}" if group else f"count/{plural}"


@dataclass(frozen=True, slots=True)
class Evaluator:
    """How objects of a kind are counted: one each, under the kind's names."""

    group: str
    plural: str

    @property
    def names(self) -> frozenset[str]:
        """The names under which objects are counted."""
        alias = {self.plural} & _ALIASES if not self.group else set()
        return frozenset({count_name(self.group, self.plural), *alias})

    def handles(self, operation: str, subresource: str) -> bool:
        """Whether such a request may change what is used."""
        return operation == "CREATE" and not subresource

    def matching(self, names: Iterable[str]) -> list[str]:
        """The resources of a quota that objects of this kind count towards."""
        return sorted(self.names & set(names))

    def in_scope(self, scope: Scope, obj: Any) -> bool:
        """Whether an object belongs to a scope; most kinds belong to none."""
        return False

    def missing(self, names: Iterable[str], obj: Any) -> str:
        """What an object must say because a quota counts it; "" when it says all."""
        return ""

    def usage(self, obj: Any, now: datetime) -> dict[str, str]:
        """What an object uses."""
        return dict.fromkeys(self.names, "1")


@dataclass(frozen=True, slots=True)
class PodEvaluator(Evaluator):
    """Pods also use cpu, memory and so on, until they have ended."""

    def matching(self, names: Iterable[str]) -> list[str]:
        return sorted(name for name in set(names) if name in _POD_NAMES or _is_pod_extra(name))

    def in_scope(self, scope: Scope, obj: Any) -> bool:
        return pod_in_scope(scope, obj)

    def missing(self, names: Iterable[str], obj: Any) -> str:
        if sets_own_resources(obj.spec):
            return ""
        wanted = _MUST_SAY & set(names)
        lacking: dict[str, set[str]] = {}
        for container in (*obj.spec.containers, *obj.spec.initContainers):
            needs = container.resources
            for name in wanted - _compute(needs.requests, needs.limits).keys():
                lacking.setdefault(name, set()).add(container.name)
        told = (f"{name} for: {','.join(sorted(lacking[name]))}" for name in sorted(lacking))
        return f"must specify {'; '.join(told)}" if lacking else ""

    def usage(self, obj: Any, now: datetime) -> dict[str, str]:
        counted = {"count/pods": "1"}
        if _has_ended(obj, now):
            return counted
        requests = pod_requests(obj.spec, overhead=True)
        return counted | _compute(requests, pod_limits(obj.spec, overhead=True))


def _has_ended(pod: Any, now: datetime) -> bool:
    if pod.status.phase in ("Failed", "Succeeded"):
        return True
    meta = pod.metadata
    grace = meta.deletionGracePeriodSeconds
    if not meta.deletionTimestamp or grace is None:
        return False
    return now > parse_time(meta.deletionTimestamp) + timedelta(seconds=grace)


def _is_pod_extra(name: str) -> bool:
    """Huge pages, and what devices bring: of those, requests only."""
    if name.startswith((_HUGE, f"requests.{_HUGE}")):
        return True
    return name.startswith("requests.") and is_extended(name.removeprefix("requests."))


def _compute(requests: Amounts, limits: Amounts) -> dict[str, str]:
    used = {"pods": "1"}
    for name in _COUNTED:
        if name in requests:
            used[name] = used[f"requests.{name}"] = requests[name]
        if name in limits:
            used[f"limits.{name}"] = limits[name]
    for name, amount in requests.items():
        if name.startswith(_HUGE):
            used[name] = used[f"requests.{name}"] = amount
        elif is_extended(name):
            used[f"requests.{name}"] = amount
    return used


@dataclass(frozen=True, slots=True)
class ServiceEvaluator(Evaluator):
    """Services also use node ports and load balancers."""

    @property
    def names(self) -> frozenset[str]:
        return _SERVICE_NAMES

    def handles(self, operation: str, subresource: str) -> bool:
        return operation in ("CREATE", "UPDATE")

    def usage(self, obj: Any, now: datetime) -> dict[str, str]:
        spec = obj.spec
        node_ports, balancers = 0, 0
        if spec.type == "LoadBalancer":
            balancers = 1
        if spec.type in ("NodePort", "LoadBalancer"):
            chosen = spec.type == "LoadBalancer" and spec.allocateLoadBalancerNodePorts is False
            node_ports = sum(1 for port in spec.ports if port.nodePort or not chosen)
        return {
            "count/services": "1",
            "services": "1",
            "services.nodeports": str(node_ports),
            "services.loadbalancers": str(balancers),
        }


@dataclass(frozen=True, slots=True)
class ClaimEvaluator(Evaluator):
    """Claims also use storage, in all and of their class."""

    def handles(self, operation: str, subresource: str) -> bool:
        return operation in ("CREATE", "UPDATE") and not subresource

    def matching(self, names: Iterable[str]) -> list[str]:
        own = self.names | {"requests.storage"}
        endings = (f"{_OF_CLASS}requests.storage", f"{_OF_CLASS}persistentvolumeclaims")
        return sorted(name for name in set(names) if name in own or name.endswith(endings))

    def in_scope(self, scope: Scope, obj: Any) -> bool:
        wanted = getattr(obj.spec, "volumeAttributesClassName", None)
        return scope.name == "VolumeAttributesClass" and scope.selects(wanted or "")

    def usage(self, obj: Any, now: datetime) -> dict[str, str]:
        used = dict.fromkeys(self.names, "1")
        storage = obj.spec.resources.requests.get("storage")
        of_class = obj.spec.storageClassName
        if of_class:
            used[f"{of_class}{_OF_CLASS}persistentvolumeclaims"] = "1"
        if storage is not None:
            used["requests.storage"] = storage
            if of_class:
                used[f"{of_class}{_OF_CLASS}requests.storage"] = storage
        return used


_SPECIAL: dict[str, type[Evaluator]] = {
    "pods": PodEvaluator,
    "services": ServiceEvaluator,
    "persistentvolumeclaims": ClaimEvaluator,
}


def evaluator_for(group: str, plural: str) -> Evaluator | None:
    """How a namespaced kind is counted; None for kinds that never are."""
    if (group, plural) in IGNORED:
        return None
    kind = _SPECIAL.get(plural, Evaluator) if not group else Evaluator
    return kind(group, plural)


def usage_of(
    evaluator: Evaluator, objects: Iterable[Any], scopes: Iterable[Scope], now: datetime
) -> dict[str, str]:
    """What objects of a kind that belong to all scopes use together (for the controller)."""
    wanted = tuple(scopes)
    total: dict[str, str] = {}
    for obj in objects:
        if all(evaluator.in_scope(scope, obj) for scope in wanted):
            total = add(total, evaluator.usage(obj, now))
    return total
