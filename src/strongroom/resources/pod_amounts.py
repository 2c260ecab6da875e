"""What a pod needs and may use in all (``k8s.io/component-helpers/resource``)."""

from __future__ import annotations

from collections.abc import Callable

from strongroom.resources.amounts import Amounts, add, add_up, largest, only
from strongroom.resources.pod_containers import restarts_always
from strongroom.resources.pod_resources import ResourceRequirements
from strongroom.resources.pod_spec import PodSpec

_OF_PODS = ("cpu", "memory")
"""What a pod as a whole may ask for; it then counts instead of what its containers ask for."""


def pod_requests(spec: PodSpec, *, overhead: bool = False) -> dict[str, str]:
    """What must be free for the pod to run, with what running a pod costs where asked."""
    total = _aggregate(spec, lambda needs: needs.requests)
    return add(total, spec.overhead) if overhead else total


def pod_limits(spec: PodSpec, *, overhead: bool = False) -> dict[str, str]:
    """What the pod may use at most; overhead is added only to what is limited."""
    total = _aggregate(spec, lambda needs: needs.limits)
    return add(total, only(spec.overhead, total)) if overhead else total


def sets_own_resources(spec: PodSpec) -> bool:
    """Whether the pod as a whole asks for resources."""
    whole = spec.resources
    return whole is not None and bool(whole.requests or whole.limits)


def _aggregate(spec: PodSpec, of: Callable[[ResourceRequirements], Amounts]) -> dict[str, str]:
    total = add_up(of(container.resources) for container in spec.containers)
    sidecars: dict[str, str] = {}
    starting: dict[str, str] = {}
    for container in spec.initContainers:
        amounts = of(container.resources)
        if restarts_always(container):
            total, sidecars = add(total, amounts), add(sidecars, amounts)
            starting = largest(starting, sidecars)
        else:
            starting = largest(starting, add(amounts, sidecars))
    total = largest(total, starting)
    if spec.resources is not None:
        total |= only(of(spec.resources), _OF_PODS)
    return total
