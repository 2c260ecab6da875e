"""How a pod is treated when its node runs short: its quality-of-service class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from strongroom.resources.pod_resources import ResourceRequirements
from strongroom.resources.pod_spec import PodSpec
from strongroom.resources.quantity import is_quantity, parse_quantity

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_COUNTED = ("cpu", "memory")


def qos_class(spec: PodSpec) -> str:
    """Guaranteed if every container limits cpu and memory and requests just that; BestEffort if
    none says anything; Burstable otherwise. Requirements of the pod as a whole come first.
    """
    whole = spec.resources
    if whole and (whole.limits or whole.requests):
        requirements: list[ResourceRequirements] = [whole]
    else:
        requirements = [c.resources for c in (*spec.containers, *spec.initContainers)]
    requests = _sum(r.requests for r in requirements)
    limits = _sum(r.limits for r in requirements)
    if not requests and not limits:
        return BEST_EFFORT
    all_limited = all(_sum([r.limits]).keys() >= set(_COUNTED) for r in requirements)
    return GUARANTEED if all_limited and requests == limits else BURSTABLE


def _sum(amounts: Iterable[Mapping[str, str]]) -> dict[str, Decimal]:
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for mapping in amounts:
        for name in _COUNTED:
            text = mapping.get(name, "")
            if is_quantity(text) and (amount := parse_quantity(text)) > 0:
                total[name] += amount
    return dict(total)
