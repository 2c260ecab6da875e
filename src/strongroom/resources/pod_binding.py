"""Binding: the scheduler's decision for a pod, and what it does to the pod."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from strongroom.api.errors import FieldError, GroupResource, conflict
from strongroom.api.meta import Object
from strongroom.api.schema import F
from strongroom.api.times import format_time
from strongroom.api.validation import Path, dns_subdomain, invalid_value, not_supported, required
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.pod_status import PodCondition

if TYPE_CHECKING:
    from strongroom.resources.pod import Pod

_BINDINGS = GroupResource("", "pods/binding")


class Binding(Object):
    """Binds a pod to a node; the scheduler's way of deciding."""

    target: Annotated[ObjectReference, F(2, "The node.", required=True)] = msgspec.field(
        default_factory=ObjectReference
    )


def validate_binding(binding: Binding) -> list[FieldError]:
    """All findings on a Binding."""
    path, target = Path("target"), binding.target
    errors = []
    if target.kind not in ("", "Node"):
        errors.append(not_supported(path / "kind", target.kind, ("Node", "<empty>")))
    if not target.name:
        errors.append(required(path / "name"))
    else:
        errors += [invalid_value(path / "name", target.name, m) for m in dns_subdomain(target.name)]
    return errors


def bind(pod: Pod, binding: Binding, now: datetime) -> None:
    """Put the pod onto the node of the binding, which must be valid.

    Raises StatusError 409 when the pod is going away, has a node already, or is held back.
    """
    name, why = pod.metadata.name, ""
    if binding.metadata.uid and binding.metadata.uid != pod.metadata.uid:
        why = f"the UID in the binding does not match the UID of pod {name}"
    elif pod.metadata.deletionTimestamp:
        why = f"pod {name} is being deleted, cannot be assigned to a host"
    elif pod.spec.nodeName:
        why = f'pod {name} is already assigned to node "{pod.spec.nodeName}"'
    elif pod.spec.schedulingGates:
        why = f"pod {name} has non-empty .spec.schedulingGates"
    if why:
        raise conflict(_BINDINGS, name, why)
    pod.spec.nodeName = binding.target.name
    pod.status.nominatedNodeName = ""
    pod.metadata.annotations |= binding.metadata.annotations
    pod.metadata.labels |= binding.metadata.labels
    if pod.metadata.generation:
        pod.metadata.generation += 1
    others = [c for c in pod.status.conditions if c.type != "PodScheduled"]
    scheduled = PodCondition(
        type="PodScheduled", status="True", lastTransitionTime=format_time(now)
    )
    pod.status.conditions = [*others, scheduled]
