"""Counts what a namespace uses, as its quotas see it.

Kinds that are counted by the piece are counted by the server: no more than the metadata of one
object is asked for. Only of pods and services is it looked at what they want.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.discovery import Kind, Served
from strongroom.client.metadata import count
from strongroom.resources.amounts import Amounts, only
from strongroom.resources.pod import PODS
from strongroom.resources.quantity import parse_quantity
from strongroom.resources.quota_scopes import scopes_of
from strongroom.resources.quota_usage import Evaluator, evaluator_for, usage_of
from strongroom.resources.resource import Resource
from strongroom.resources.resourcequota_object import ResourceQuota
from strongroom.resources.service import SERVICES

_PAGE = 500
_READ: dict[tuple[str, str], Resource[Any]] = {("", "pods"): PODS, ("", "services"): SERVICES}
"""Kinds of which more is counted than how many there are."""


def counted_kinds(served: Served) -> Iterable[tuple[Kind, Evaluator]]:
    """Every kind that may be counted, and how."""
    for kind in served.preferred("create", "list", "watch", "delete"):
        evaluator = evaluator_for(*kind.group_plural) if kind.namespaced else None
        if evaluator is not None:
            yield kind, evaluator


def is_weighed(kind: Kind) -> bool:
    """Whether an object of this kind may come to use more or less while it exists."""
    return kind.group_plural in _READ


async def usage(
    client: Client, served: Served, quota: ResourceQuota, now: datetime
) -> dict[str, str]:
    """What is used of everything that the quota limits and somebody counts. Raises StatusError."""
    used: dict[str, str] = {}
    for kind, evaluator in counted_kinds(served):
        names = evaluator.matching(quota.spec.hard)
        if names:
            counted = await _usage(client, kind, evaluator, quota, now)
            used.update({name: counted.get(name, "0") for name in names})
    return used


async def _usage(
    client: Client, kind: Kind, evaluator: Evaluator, quota: ResourceQuota, now: datetime
) -> Amounts:
    namespace, scopes = quota.metadata.namespace, scopes_of(quota)
    resource = _READ.get(kind.group_plural)
    if resource is not None:
        return usage_of(evaluator, await _all(client, resource, namespace), scopes, now)
    if scopes:
        return {}  # Nothing that is counted by the piece belongs to a scope.
    try:
        number = await count(client, kind.path(namespace))
    except StatusError as error:
        if error.code != 404:
            raise
        number = 0  # The kind is not served any more.
    return dict.fromkeys(evaluator.names, str(number))


async def _all(client: Client, resource: Resource[Any], namespace: str) -> list[Any]:
    found, token = [], ""
    while True:
        page = await client.list(resource, namespace, limit=_PAGE, continue_token=token)
        found += page.items
        token = page.continue_token
        if not token:
            return found


def equal(one: Amounts, other: Amounts) -> bool:
    """Whether two sets of amounts are the same, however they are written."""
    return one.keys() == other.keys() and all(
        parse_quantity(amount) == parse_quantity(other[name]) for name, amount in one.items()
    )


def falls(before: Amounts, after: Amounts) -> bool:
    """Whether less is used of something than before."""
    return any(
        parse_quantity(after[name]) < parse_quantity(amount)
        for name, amount in only(before, after).items()
    )
