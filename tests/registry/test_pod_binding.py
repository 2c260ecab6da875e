"""``pods/binding``: a pod gets its node once."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.meta import DeleteOptions, ObjectMeta
from strongroom.registry.context import RequestContext
from strongroom.registry.pod_binding import bind
from strongroom.registry.registry import Registry
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.pod import PODS, Pod
from strongroom.resources.pod_binding import Binding
from strongroom.resources.pod_container import Container
from strongroom.resources.pod_scheduling import PodSchedulingGate
from strongroom.resources.pod_spec import PodSpec
from tests.registry.conftest import Open, refused
from tests.registry.test_updating import Judge


def pod(**spec: Any) -> Pod:
    containers = [Container(name="c", image="i")]
    return Pod(metadata=ObjectMeta(name="web"), spec=PodSpec(containers=containers, **spec))


def binding(node: str = "n1", kind: str = "Node", **meta: Any) -> Binding:
    return Binding(metadata=ObjectMeta(**meta), target=ObjectReference(kind=kind, name=node))


@pytest.fixture
async def pods(open_registry: Open) -> Registry[Pod]:
    return await open_registry(PODS)


async def test_a_pod_is_bound(pods: Registry[Pod], ctx: RequestContext) -> None:
    await pods.create(ctx, "prod", pod())
    view = await bind(pods, ctx, "prod", "web", binding(annotations={"why": "free"}))
    assert view.obj.spec.nodeName == "n1"
    assert view.obj.metadata.annotations["why"] == "free"
    (condition,) = [c for c in view.obj.status.conditions if c.type == "PodScheduled"]
    assert (condition.status, condition.lastTransitionTime) == ("True", "2026-03-01T12:00:00Z")
    assert (await pods.get(ctx, "prod", "web")).wire == view.wire


async def test_a_pod_is_bound_once(pods: Registry[Pod], ctx: RequestContext) -> None:
    await pods.create(ctx, "prod", pod())
    await bind(pods, ctx, "prod", "web", binding())
    assert await refused(bind(pods, ctx, "prod", "web", binding("n2"))) == (
        409,
        "Conflict",
        (
            'Operation cannot be fulfilled on pods/binding "web": '
            'pod web is already assigned to node "n1"'
        ),
    )


async def test_a_gated_pod_is_not_bound(pods: Registry[Pod], ctx: RequestContext) -> None:
    await pods.create(ctx, "prod", pod(schedulingGates=[PodSchedulingGate(name="example.com/g")]))
    code, _, message = await refused(bind(pods, ctx, "prod", "web", binding()))
    assert code == 409
    assert message.endswith("pod web has non-empty .spec.schedulingGates")


async def test_a_pod_that_is_going_is_not_bound(pods: Registry[Pod], ctx: RequestContext) -> None:
    obj = pod()
    obj.metadata.finalizers = ["example.com/keep"]
    await pods.create(ctx, "prod", obj)
    await pods.delete(ctx, "prod", "web", DeleteOptions(gracePeriodSeconds=0))
    code, _, message = await refused(bind(pods, ctx, "prod", "web", binding()))
    assert code == 409
    assert message.endswith("pod web is being deleted, cannot be assigned to a host")


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (binding(name="other"), 400, "name in URL does not match name in Binding object"),
        (
            binding(namespace="test"),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (binding(""), 422, 'Binding "web" is invalid: target.name: Required value'),
        (
            binding(kind="Secret"),
            422,
            (
                'Binding "web" is invalid: target.kind: Unsupported value: "Secret": supported '
                'values: "Node", "<empty>"'
            ),
        ),
        (
            binding(uid="other"),
            409,
            "Precondition failed: UID in precondition: other, UID in object meta: ",
        ),
        (
            binding(resourceVersion="1"),
            409,
            "ResourceVersion in precondition: 1, ResourceVersion in object meta: 2",
        ),
    ],
)
async def test_refusals(
    pods: Registry[Pod], ctx: RequestContext, body: Binding, code: int, text: str
) -> None:
    await pods.create(ctx, "prod", pod())
    found, _, message = await refused(bind(pods, ctx, "prod", "web", body))
    assert found == code
    assert text in message


async def test_a_pod_that_is_not_there(pods: Registry[Pod], ctx: RequestContext) -> None:
    code, _, message = await refused(bind(pods, ctx, "prod", "web", binding()))
    assert (code, message) == (404, 'pods "web" not found')


async def test_admission_is_shown_the_binding(open_registry: Open, ctx: RequestContext) -> None:
    judge = Judge()
    pods = await open_registry(PODS, judge)
    await pods.create(ctx, "prod", pod())
    judge.asked.clear()
    await bind(pods, ctx, "prod", "web", binding())
    assert judge.asked == [("mutate", "CREATE", False), ("validate", "CREATE", False)]
