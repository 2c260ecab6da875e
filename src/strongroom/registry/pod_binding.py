"""``POST pods/NAME/binding``: a pod gets its node (``pkg/registry/core/pod/storage``)."""

from __future__ import annotations

from datetime import datetime

from strongroom.api.errors import GroupKind, GroupResource, bad_request, conflict, invalid
from strongroom.api.times import format_time
from strongroom.api.validation import Path, not_supported, required
from strongroom.registry.context import RequestContext
from strongroom.registry.errors import precondition_failed
from strongroom.registry.registry import Registry
from strongroom.registry.updating import Change
from strongroom.registry.view import View
from strongroom.resources.pod import Pod
from strongroom.resources.pod_binding import Binding
from strongroom.resources.pod_status import PodCondition
from strongroom.resources.resource import Subresource

SCHEDULED = "PodScheduled"

_BINDING = GroupResource("", "pods/binding")
# Binding is the one way to set spec.nodeName: the rules of ordinary updates do not apply.
_PART: Subresource[Pod] = Subresource("binding", merge=lambda new, old: new, verbs=("create",))


async def bind(
    pods: Registry[Pod], ctx: RequestContext, namespace: str, name: str, binding: Binding
) -> View[Pod]:
    """Assign a pod to the node that the binding names; the pod as it is now.

    Raises StatusError 400 (names differ), 404, 409 (assigned already, being deleted, gated, another
    pod than the binding's UID or resourceVersion says), 422.
    """
    meta = binding.metadata
    meta.name = meta.name or name
    if meta.name != name:
        raise bad_request("name in URL does not match name in Binding object")
    if meta.namespace not in ("", namespace):
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    meta.namespace = namespace
    _validate(binding)

    def make(pod: Pod | None) -> Pod:
        if pod is None:
            raise AssertionError("a binding is never applied to a pod that does not exist")
        key = pods.resource.key(namespace, name)
        found = pod.metadata.resourceVersion
        if meta.resourceVersion and meta.resourceVersion != found:
            wanted = meta.resourceVersion
            group_resource = pods.resource.group_resource
            raise precondition_failed(group_resource, name, key, "ResourceVersion", wanted, found)
        return _assigned(pod, binding, ctx.now)

    change = Change(namespace, name, make, _PART, meta.uid, judged_as=binding, tracked=False)
    return await pods.apply(ctx, change)


def _validate(binding: Binding) -> None:
    errors = []
    target = Path("target")
    if binding.target.kind not in ("", "Node"):
        errors.append(not_supported(target / "kind", binding.target.kind, ("Node", "<empty>")))
    if not binding.target.name:
        errors.append(required(target / "name"))
    if errors:
        raise invalid(GroupKind("", "Binding"), binding.metadata.name, errors)


def _assigned(pod: Pod, binding: Binding, now: datetime) -> Pod:
    name = pod.metadata.name
    if pod.metadata.deletionTimestamp:
        raise conflict(_BINDING, name, f"pod {name} is being deleted, cannot be assigned to a host")
    if pod.spec.nodeName:
        why = f'pod {name} is already assigned to node "{pod.spec.nodeName}"'
        raise conflict(_BINDING, name, why)
    if pod.spec.schedulingGates:
        raise conflict(_BINDING, name, f"pod {name} has non-empty .spec.schedulingGates")
    pod.spec.nodeName = binding.target.name
    pod.metadata.annotations.update(binding.metadata.annotations)
    _set_scheduled(pod, now)
    return pod


def _set_scheduled(pod: Pod, now: datetime) -> None:
    condition = next((c for c in pod.status.conditions if c.type == SCHEDULED), None)
    if condition is None:
        condition = PodCondition(type=SCHEDULED)
        pod.status.conditions.append(condition)
    if condition.status != "True":
        condition.lastTransitionTime = format_time(now)
    condition.status, condition.reason, condition.message = "True", "", ""
