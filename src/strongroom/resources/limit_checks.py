"""Whether single objects keep within the bounds of a LimitRange (``admission/limitranger``)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from strongroom.resources.amounts import Amounts
from strongroom.resources.limitrange import CLAIM, CONTAINER, POD, LimitRange, LimitRangeItem
from strongroom.resources.pod import Pod
from strongroom.resources.pod_amounts import pod_limits, pod_requests
from strongroom.resources.pod_container import Container
from strongroom.resources.quantity import parse_quantity

ANNOTATION = "kubernetes.io/limit-ranger"


def set_limits(pod: Pod, limits: LimitRange) -> bool:
    """Give containers the requests and limits that they lack; whether that changed anything."""
    requests: dict[str, str] = {}
    most: dict[str, str] = {}
    for item in limits.spec.limits:
        if item.type == CONTAINER:
            requests |= item.defaultRequest
            most |= item.default
    notes: list[str] = []
    for container in pod.spec.containers:
        notes += _filled(container, requests, most, "container")
    for container in pod.spec.initContainers:
        notes += _filled(container, requests, most, "init container")
    if notes:
        pod.metadata.annotations[ANNOTATION] = "LimitRanger plugin set: " + "; ".join(notes)
    return bool(notes)


def _filled(container: Container, requests: Amounts, limits: Amounts, what: str) -> list[str]:
    """Fill in what a container lacks; what was filled in, for the annotation."""
    notes = []
    has = container.resources
    for given, wanted, kind in ((has.requests, requests, "request"), (has.limits, limits, "limit")):
        missing = sorted(wanted.keys() - given.keys())
        given.update((name, wanted[name]) for name in missing)
        if missing:
            notes.append(f"{', '.join(missing)} {kind} for {what} {container.name}")
    return notes


def pod_findings(pod: Pod, limits: LimitRange) -> list[str]:
    """Which bounds a pod breaks, in upstream's words and in the order of the resources' names."""
    findings: list[str] = []
    for item in limits.spec.limits:
        if item.type == CONTAINER:
            for container in (*pod.spec.containers, *pod.spec.initContainers):
                needs = container.resources
                findings += _bounds(item, needs.requests, needs.limits)
        elif item.type == POD:
            findings += _bounds(item, pod_requests(pod.spec), pod_limits(pod.spec))
    return list(dict.fromkeys(findings))


def claim_findings(requests: Amounts, old: Amounts | None, limits: LimitRange) -> list[str]:
    """Which bounds a claim for storage breaks; what it asked for before is not judged again."""
    findings: list[str] = []
    for item in limits.spec.limits:
        if item.type != CLAIM:
            continue
        for bounds, check in ((item.min, _too_little), (item.max, _claims_too_much)):
            for name in sorted(bounds):
                if old is None or not _same(name, requests, old):
                    findings += check(item.type, name, bounds[name], requests, {})
    return findings


def _bounds(item: LimitRangeItem, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for bounds, check in (
        (item.min, _too_little),
        (item.max, _too_much),
        (item.maxLimitRequestRatio, _ratio),
    ):
        for name in sorted(bounds):
            yield from check(item.type, name, bounds[name], requests, limits)


def _too_little(
    kind: str, name: str, bound: str, requests: Amounts, limits: Amounts
) -> Iterator[str]:
    text = f"minimum {name} usage per {kind} is {bound}"
    if name not in requests:
        yield f"{text}.  No request is specified"
    elif parse_quantity(requests[name]) < parse_quantity(bound):
        yield f"{text}, but request is {requests[name]}"
    elif name in limits and parse_quantity(limits[name]) < parse_quantity(bound):
        yield f"{text}, but limit is {limits[name]}"


def _too_much(
    kind: str, name: str, bound: str, requests: Amounts, limits: Amounts
) -> Iterator[str]:
    text = f"maximum {name} usage per {kind} is {bound}"
    if name not in limits:
        yield f"{text}.  No limit is specified"
    elif parse_quantity(limits[name]) > parse_quantity(bound):
        yield f"{text}, but limit is {limits[name]}"
    elif name in requests and parse_quantity(requests[name]) > parse_quantity(bound):
        yield f"{text}, but request is {requests[name]}"


def _claims_too_much(
    kind: str, name: str, bound: str, requests: Amounts, limits: Amounts
) -> Iterator[str]:
    text = f"maximum {name} usage per {kind} is {bound}"
    if name not in requests:
        yield f"{text}.  No request is specified"
    elif parse_quantity(requests[name]) > parse_quantity(bound):
        yield f"{text}, but request is {requests[name]}"


def _ratio(kind: str, name: str, bound: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    text = f"{name} max limit to request ratio per {kind} is {bound}"
    asked, limit = _value(requests, name), _value(limits, name)
    if not asked:
        yield f"{text}, but no request is specified or request is 0"
    elif not limit:
        yield f"{text}, but no limit is specified or limit is 0"
    elif limit > asked * parse_quantity(bound):
        yield f"{text}, but provided ratio is {limit / asked:.6f}"


def _value(amounts: Amounts, name: str) -> Decimal:
    return parse_quantity(amounts[name]) if name in amounts else Decimal(0)


def _same(name: str, one: Amounts, other: Amounts) -> bool:
    both = name in one and name in other
    return both and parse_quantity(one[name]) == parse_quantity(other[name])
