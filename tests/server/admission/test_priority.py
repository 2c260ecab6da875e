"""Priorities on the way of a pod into the store, with upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.admission.conftest import MODULE, World

pytestmark = MODULE

CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
PODS = "/api/v1/namespaces/default/pods"
MERGE = {"Content-Type": "application/merge-patch+json"}


def pod(name: str, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "c", "image": "i"}]
    return {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}


async def given(world: World, name: str, **spec: Any) -> tuple[str, int, str]:
    """Class, priority and policy of a pod that is made and goes again."""
    answer = await world.ask("POST", PODS, pod(name, **spec))
    assert answer.code == 201, answer.body
    made = answer.json["spec"]
    await world.ask("DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")
    return made.get("priorityClassName", ""), made["priority"], made["preemptionPolicy"]


async def make_class(world: World, name: str, value: int, **fields: Any) -> Any:
    return await world.ask("POST", CLASSES, {"metadata": {"name": name}, "value": value, **fields})


async def test_a_pod_without_a_class_has_none_and_priority_0(world: World) -> None:
    assert await given(world, "plain") == ("", 0, "PreemptLowerPriority")


async def test_a_pod_has_the_priority_of_its_class(world: World) -> None:
    await make_class(world, "high", 1000, preemptionPolicy="Never")
    assert await given(world, "p1", priorityClassName="high") == ("high", 1000, "Never")
    system = "system-node-critical"
    policy = "PreemptLowerPriority"
    assert await given(world, "p2", priorityClassName=system) == (system, 2000001000, policy)
    same = await given(world, "p3", priorityClassName="high", priority=1000)
    assert same == ("high", 1000, "Never")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"priorityClassName": "none"}, "no PriorityClass with name none was found"),
        (
            {"priority": 7},
            (
                "the integer value of priority (7) must not be provided in pod spec; priority "
                "admission controller computed 0 from the given PriorityClass name"
            ),
        ),
        (
            {"preemptionPolicy": "Never"},
            (
                "the string value of PreemptionPolicy (Never) must not be provided in pod spec; "
                "priority admission controller computed PreemptLowerPriority from the given "
                "PriorityClass name"
            ),
        ),
    ],
)
async def test_what_a_pod_may_not_say(world: World, spec: dict[str, Any], why: str) -> None:
    answer = await world.ask("POST", PODS, pod("bad", **spec))
    assert answer.code == 403
    assert answer.json["message"] == f'pods "bad" is forbidden: {why}'


async def test_one_class_is_the_default(world: World) -> None:
    assert (await make_class(world, "usual", 50, globalDefault=True)).code == 201
    assert await given(world, "p4") == ("usual", 50, "PreemptLowerPriority")
    answer = await make_class(world, "other", 60, globalDefault=True)
    assert (answer.code, answer.json["message"]) == (
        403,
        (
            'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is '
            "already marked as default. Only one default can exist"
        ),
    )
    await make_class(world, "other", 60)
    default = {"globalDefault": True}
    answer = await world.ask("PATCH", f"{CLASSES}/other", default, headers=MERGE)
    assert answer.code == 403
    patch = {"description": "what pods get"}
    assert (await world.ask("PATCH", f"{CLASSES}/usual", patch, headers=MERGE)).code == 200
    await world.ask("DELETE", f"{CLASSES}/usual")
    assert await given(world, "p5") == ("", 0, "PreemptLowerPriority")


async def test_an_update_that_leaves_it_out_keeps_it(world: World) -> None:
    await make_class(world, "kept", 70)
    made = (await world.ask("POST", PODS, pod("p6", priorityClassName="kept"))).json
    del made["spec"]["priority"], made["spec"]["preemptionPolicy"]
    made["metadata"]["labels"] = {"a": "b"}
    answer = await world.ask("PUT", f"{PODS}/p6", made)
    assert (answer.code, answer.json["spec"]["priority"]) == (200, 70)
    await world.ask("DELETE", f"{CLASSES}/kept")
    answer = await world.ask("PATCH", f"{PODS}/p6", {"spec": {"priority": 71}}, headers=MERGE)
    assert answer.code == 422
