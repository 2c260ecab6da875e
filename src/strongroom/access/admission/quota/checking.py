"""Whether a write fits into its namespace's quotas, and what these say afterwards.

Pure: quotas in, quotas out. Source: ``CheckRequest`` in ``admission/plugin/resourcequota``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from strongroom.access.admission.port import AdmissionRequest
from strongroom.api.errors import forbidden
from strongroom.resources.amounts import (
    above,
    add,
    increase,
    negative,
    only,
    printed,
    without_zeros,
)
from strongroom.resources.quota_scopes import scopes_of
from strongroom.resources.quota_usage import Evaluator
from strongroom.resources.resourcequota_object import ResourceQuota


@dataclass(frozen=True, slots=True)
class Write:
    """A write, and how its kind is counted."""

    request: AdmissionRequest
    evaluator: Evaluator
    now: datetime


def charged(quotas: Sequence[ResourceQuota], write: Write) -> list[ResourceQuota]:
    """The quotas as they are after the write; those that it does not touch are the same objects.

    Raises StatusError 403 when the write exceeds a quota, does not say what a quota counts, or a
    quota's usage is not known yet.
    """
    concerned = [quota for quota in quotas if _concerns(quota, write)]
    if not concerned:
        return list(quotas)
    usage = write.evaluator.usage(write.request.obj, write.now)
    if less := negative(usage):
        raise _refusal(write, f"quota usage is negative for resource(s): {','.join(less)}")
    return [
        _charge(quota, write, usage) if any(quota is one for one in concerned) else quota
        for quota in quotas
    ]


def _concerns(quota: ResourceQuota, write: Write) -> bool:
    """Whether the quota counts the object. Raises StatusError 403 when it cannot."""
    evaluator, obj, name = write.evaluator, write.request.obj, quota.metadata.name
    counted = evaluator.matching(quota.status.hard)
    if not counted or not all(evaluator.in_scope(scope, obj) for scope in scopes_of(quota)):
        return False
    if lacking := evaluator.missing(counted, obj):
        raise _refusal(write, f"failed quota: {name}: {lacking}")
    if not quota.status.used.keys() >= set(counted):
        raise _refusal(write, f"status unknown for quota: {name}, resources: {','.join(counted)}")
    return True


def _charge(quota: ResourceQuota, write: Write, usage: dict[str, str]) -> ResourceQuota:
    request, status = write.request, quota.status
    if request.operation == "UPDATE" and _counted_before(quota, write):
        usage = increase(usage, write.evaluator.usage(request.old, write.now))
    requested = only(without_zeros(usage), status.hard)
    if not requested:
        return quota
    used = add(status.used, requested)
    over = above(only(used, requested), status.hard)
    if over and request.attributes.subresource != "status":
        sides = (("requested", requested), ("used", status.used), ("limited", status.hard))
        told = (f"{side}: {printed(only(amounts, over))}" for side, amounts in sides)
        raise _refusal(write, f"exceeded quota: {quota.metadata.name}, {', '.join(told)}")
    return msgspec.structs.replace(quota, status=msgspec.structs.replace(status, used=used))


def _counted_before(quota: ResourceQuota, write: Write) -> bool:
    """Whether the quota counted the object as it was: then only its growth is charged."""
    old = write.request.old
    return old is not None and all(
        write.evaluator.in_scope(scope, old) for scope in scopes_of(quota)
    )


def _refusal(write: Write, why: str) -> Exception:
    request = write.request
    return forbidden(request.resource.group_resource, request.name, why)
