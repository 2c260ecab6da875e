"""Priorities of pods, from their classes; and one class at most for pods that name none.

Source: ``plugin/pkg/admission/priority``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from strongroom.access.admission.port import AdmissionRequest
from strongroom.api.errors import StatusError, forbidden
from strongroom.resources.pod import Pod
from strongroom.resources.priorityclass import PREEMPT_LOWER, PriorityClass


class PriorityClasses(Protocol):
    """What this judge asks of the rest of the server."""

    def priority_classes(self) -> Sequence[PriorityClass]:
        """All classes."""
        ...


class Priority:
    """Gives new pods the priority of their class; afterwards it stays with them."""

    name = "Priority"

    def __init__(self, classes: PriorityClasses) -> None:
        self._classes = classes

    async def mutate(self, request: AdmissionRequest) -> None:
        pod, old = request.obj, request.old
        if request.attributes.subresource or not isinstance(pod, Pod):
            return
        if request.operation == "CREATE":
            self._give(request, pod)
        elif request.operation == "UPDATE" and isinstance(old, Pod):
            # A client that leaves them out means no change, which would be refused.
            if pod.spec.priority is None:
                pod.spec.priority = old.spec.priority
            if pod.spec.preemptionPolicy is None:
                pod.spec.preemptionPolicy = old.spec.preemptionPolicy

    async def validate(self, request: AdmissionRequest) -> None:
        new = request.obj
        if request.attributes.subresource or not isinstance(new, PriorityClass):
            return
        if new.globalDefault and request.operation in {"CREATE", "UPDATE"}:
            default = self._default()
            if default is not None and default.metadata.name != new.metadata.name:
                why = (
                    f"PriorityClass {default.metadata.name} is already marked as default. "
                    "Only one default can exist"
                )
                raise _refused(request, why)

    def _give(self, request: AdmissionRequest, pod: Pod) -> None:
        spec = pod.spec
        found = self._named(request, spec.priorityClassName)
        value = found.value if found is not None else 0
        policy = found.preemptionPolicy if found is not None else PREEMPT_LOWER
        if found is not None:
            spec.priorityClassName = found.metadata.name
        if spec.priority is not None and spec.priority != value:
            raise _refused(request, _differs("integer value of priority", spec.priority, value))
        spec.priority = value
        if policy is not None:
            own = spec.preemptionPolicy
            if own is not None and own != policy:
                raise _refused(request, _differs("string value of PreemptionPolicy", own, policy))
            spec.preemptionPolicy = policy

    def _named(self, request: AdmissionRequest, name: str) -> PriorityClass | None:
        """The class of this name, or for pods without one the default, if there is any."""
        if not name:
            return self._default()
        for each in self._classes.priority_classes():
            if each.metadata.name == name:
                return each
        raise _refused(request, f"no PriorityClass with name {name} was found")

    def _default(self) -> PriorityClass | None:
        """The lowest of those marked as default: two made at the same time may both have got in."""
        marked = [each for each in self._classes.priority_classes() if each.globalDefault]
        return min(marked, key=lambda each: each.value, default=None)


def _differs(what: str, own: object, given: object) -> str:
    computed = f"priority admission controller computed {given} from the given PriorityClass name"
    return f"the {what} ({own}) must not be provided in pod spec; {computed}"


def _refused(request: AdmissionRequest, why: str) -> StatusError:
    return forbidden(request.resource.group_resource, request.name, why)
