"""Pod: containers that run together on a node."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import DeleteOptions
from strongroom.api.times import format_time, parse_time
from strongroom.resources.columns import AGE, NAME, NONE
from strongroom.resources.pod_defaults import default_pod
from strongroom.resources.pod_object import Pod
from strongroom.resources.pod_printing import readiness_gates, ready, restarts, status_word
from strongroom.resources.pod_qos import qos_class
from strongroom.resources.pod_status import PodCondition, PodStatus
from strongroom.resources.pod_update_validation import (
    validate_pod_status_update,
    validate_pod_update,
)
from strongroom.resources.pod_validation import validate_new_pod
from strongroom.resources.pod_warnings import new_pod_warnings
from strongroom.resources.resource import Column, Resource, Subresource

__all__ = ["FAILED", "FINISHED", "PENDING", "PODS", "RUNNING", "SUCCEEDED", "Pod", "PodResource"]

PENDING, RUNNING, SUCCEEDED, FAILED = "Pending", "Running", "Succeeded", "Failed"
FINISHED = (SUCCEEDED, FAILED)
"""The phases from which a pod never returns."""

_GATED = PodCondition(
    type="PodScheduled",
    status="False",
    reason="SchedulingGated",
    message="Scheduling is blocked due to non-empty scheduling gates",
)


class PodResource(Resource[Pod]):
    """The behaviour of Pods."""

    def default(self, obj: Pod) -> None:
        default_pod(obj)

    def prepare_for_create(self, obj: Pod, now: datetime) -> None:
        obj.metadata.generation = 1
        obj.status = PodStatus(phase=PENDING, qosClass=qos_class(obj.spec))
        if obj.spec.schedulingGates:
            obj.status.conditions = [msgspec.structs.replace(_GATED)]

    def prepare_for_update(self, new: Pod, old: Pod, now: datetime) -> None:
        new.status = old.status
        new.metadata.generation = old.metadata.generation + (new.spec != old.spec)

    def validate(self, obj: Pod) -> list[FieldError]:
        return validate_new_pod(obj)

    def warnings(self, new: Pod, old: Pod | None) -> list[str]:
        # Changes come from programs, which read no warnings, and often; only creation is told.
        return new_pod_warnings(new) if old is None else []

    def validate_update(self, new: Pod, old: Pod) -> list[FieldError]:
        return validate_pod_update(new, old)

    def begin_deletion(self, obj: Pod, options: DeleteOptions, now: datetime) -> bool:
        """Give the pod its grace, which a later delete may shorten and never prolong."""
        if obj.metadata.deletionTimestamp:
            return _shorten_deletion(obj, options)
        grace = _grace(obj, options)
        if not grace:
            return True
        obj.metadata.deletionTimestamp = format_time(now + timedelta(seconds=grace))
        obj.metadata.deletionGracePeriodSeconds = grace
        obj.metadata.generation += 1 if obj.metadata.generation else 0
        return False


def _grace(pod: Pod, options: DeleteOptions) -> int:
    """Seconds until the pod is removed; nobody has to end a pod that runs nowhere."""
    if not pod.spec.nodeName or pod.status.phase in FINISHED:
        return 0
    grace = options.gracePeriodSeconds
    if grace is None:
        grace = pod.spec.terminationGracePeriodSeconds or 0
    return 1 if grace < 0 else grace


def _shorten_deletion(pod: Pod, options: DeleteOptions) -> bool:
    """Apply a second delete to a pod that is ending; True when nothing is left of its grace."""
    meta, grace = pod.metadata, options.gracePeriodSeconds
    earlier = meta.deletionGracePeriodSeconds
    if earlier is None:
        return True
    grace = 1 if grace is not None and grace < 0 else grace
    if grace is None or grace >= earlier:
        return earlier == 0
    # The moment at which the deletion was asked for stays; only what was added to it shrinks.
    asked = parse_time(meta.deletionTimestamp) - timedelta(seconds=earlier)
    meta.deletionTimestamp = format_time(asked + timedelta(seconds=grace))
    meta.deletionGracePeriodSeconds = grace
    return grace == 0


def _merge_status(new: Pod, old: Pod) -> Pod:
    new.spec = old.spec
    new.metadata.deletionTimestamp = old.metadata.deletionTimestamp
    new.metadata.deletionGracePeriodSeconds = old.metadata.deletionGracePeriodSeconds
    new.metadata.generation = old.metadata.generation
    # Node agents of old wrote owner references wrongly; this path never changes them.
    new.metadata.ownerReferences = old.metadata.ownerReferences
    new.status.qosClass = new.status.qosClass or old.status.qosClass
    _keep_observed_generations(new.status, old.status)
    return new


def _keep_observed_generations(new: PodStatus, old: PodStatus) -> None:
    """What a writer that does not know ``observedGeneration`` leaves out is carried over."""
    new.observedGeneration = new.observedGeneration or old.observedGeneration
    known = {condition.type: condition.observedGeneration for condition in old.conditions}
    for condition in new.conditions:
        condition.observedGeneration = condition.observedGeneration or known.get(condition.type, 0)


def _first_ip(pod: Pod) -> str:
    return pod.status.podIPs[0].ip if pod.status.podIPs else pod.status.podIP


PODS = PodResource(
    group="",
    version="v1",
    kind="Pod",
    plural="pods",
    singular="pod",
    short_names=("po",),
    categories=("all",),
    type=Pod,
    namespaced=True,
    columns=(
        NAME,
        Column("Ready", ready, description="Containers that are ready, of all."),
        Column("Status", status_word, description="What the containers do, in a word."),
        Column("Restarts", restarts, description="How often containers were restarted."),
        AGE,
        Column(
            "IP",
            lambda pod, now: _first_ip(pod) or NONE,
            description="Address of the pod.",
            priority=1,
        ),
        Column(
            "Node",
            lambda pod, now: pod.spec.nodeName or NONE,
            description="Node that the pod is bound to.",
            priority=1,
        ),
        Column(
            "Nominated Node",
            lambda pod, now: pod.status.nominatedNodeName or NONE,
            description="Node on which room is being made.",
            priority=1,
        ),
        Column(
            "Readiness Gates",
            readiness_gates,
            description="Conditions of readiness that hold, of all.",
            priority=1,
        ),
    ),
    subresources=(Subresource("status", _merge_status, validate_pod_status_update),),
    field_selectors={
        "spec.nodeName": lambda pod: pod.spec.nodeName,
        "spec.restartPolicy": lambda pod: pod.spec.restartPolicy,
        "spec.schedulerName": lambda pod: pod.spec.schedulerName,
        "spec.serviceAccountName": lambda pod: pod.spec.serviceAccountName,
        "spec.hostNetwork": lambda pod: str(pod.spec.hostNetwork).lower(),
        "status.phase": lambda pod: pod.status.phase,
        "status.podIP": _first_ip,
        "status.nominatedNodeName": lambda pod: pod.status.nominatedNodeName,
    },
)
