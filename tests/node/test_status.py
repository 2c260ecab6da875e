"""The phase, conditions and container statuses of a pod, by upstream's table."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from strongroom.api import codec
from strongroom.node.downward import NodeFacts
from strongroom.node.records import Ended, Record, Waiting, records_of
from strongroom.node.restarts import has_ended_for_good, plan
from strongroom.node.runtimes.port import Exit
from strongroom.node.status import Conditions, Outcome, pod_phase, pod_status
from strongroom.node.volumes.manager import VolumeReport
from strongroom.resources.pod import Pod
from strongroom.testing.clock import START

NODE = NodeFacts("n", ("10.0.0.1",))


def make(policy: str = "Always", **spec: Any) -> Pod:
    """A pod of two containers, `a` and `b`."""
    tree = {
        "metadata": {"name": "p", "namespace": "ns", "uid": "u", "generation": 3},
        "spec": {
            "restartPolicy": policy,
            "containers": [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}],
            **spec,
        },
    }
    return codec.from_tree(tree, Pod)


def records(pod: Pod, *states: str) -> list[Record]:
    """Records in these states: `new`, `up`, `waits`, or the code with which one ended."""
    made = records_of(pod, START)
    for record, state in zip(made, states, strict=True):
        if state == "new":
            continue
        record.begin("id-" + record.name, START)
        if state == "up":
            continue
        code = 1 if state == "waits" else int(state)
        record.end(Exit(code, 0, START, START + timedelta(seconds=1)))
        if state == "waits":
            record.waiting = Waiting("CrashLoopBackOff", "back-off")
    return made


@pytest.mark.parametrize(
    ("policy", "states", "phase"),
    [
        ("Always", "new new", "Pending"),
        ("Always", "up new", "Pending"),
        ("Always", "up up", "Running"),
        ("Always", "up 0", "Running"),
        ("Always", "0 0", "Running"),
        ("Always", "waits waits", "Running"),
        ("OnFailure", "0 0", "Succeeded"),
        ("OnFailure", "0 waits", "Running"),
        ("Never", "0 0", "Succeeded"),
        ("Never", "0 1", "Failed"),
        ("Never", "up 1", "Running"),
    ],
)
def test_phases(policy: str, states: str, phase: str) -> None:
    pod = make(policy)
    assert pod_phase(pod, records(pod, *states.split()), ending=False) == phase


@pytest.mark.parametrize(("states", "phase"), [("0 0", "Succeeded"), ("0 137", "Failed")])
def test_a_pod_that_is_ended_is_judged_by_its_exit_codes(states: str, phase: str) -> None:
    pod = make()
    assert pod_phase(pod, records(pod, *states.split()), ending=True) == phase


@pytest.mark.parametrize(
    ("policy", "states", "ended"),
    [
        ("Always", "0 0", False),
        ("OnFailure", "0 1", False),
        ("OnFailure", "0 0", True),
        ("Never", "1 0", True),
        ("Never", "1 up", False),
        ("Never", "1 new", False),
    ],
)
def test_what_runs_no_more(policy: str, states: str, ended: bool) -> None:
    pod = make(policy)
    assert has_ended_for_good(pod, records(pod, *states.split())) is ended


def test_init_containers_come_one_by_one_and_sidecars_stay() -> None:
    inits = [
        {"name": "i1", "image": "i"},
        {"name": "side", "image": "i", "restartPolicy": "Always"},
        {"name": "i2", "image": "i"},
    ]
    pod = make(initContainers=inits)

    def due(*states: str, initialized: bool = False) -> list[str]:
        made = records(pod, *states)
        later = START + timedelta(hours=1)
        return [r.name for r in plan(pod, made, later, initialized=initialized).start]

    assert due("new", "new", "new", "new", "new") == ["i1"]
    assert due("up", "new", "new", "new", "new") == []
    assert due("1", "new", "new", "new", "new") == ["i1"]
    assert due("0", "new", "new", "new", "new") == ["side"]
    assert due("0", "up", "new", "new", "new") == ["i2"]
    assert due("0", "up", "0", "new", "new") == ["a", "b"]
    assert due("0", "1", "0", "up", "up", initialized=True) == ["side"]


def test_a_running_pod_is_ready() -> None:
    pod = make()
    conditions = Conditions()
    tree = pod_status(
        pod,
        records(pod, "up", "up"),
        node=NODE,
        conditions=conditions,
        started_at=START,
        now=START,
        prepared=True,
        volumes=VolumeReport("v: secret/a @ 1", "v: gone"),
    )
    told = {c["type"]: (c["status"], c["reason"]) for c in tree["conditions"]}
    assert told == {
        "PodReadyToStartContainers": ("True", None),
        "Initialized": ("True", None),
        "Ready": ("True", None),
        "ContainersReady": ("True", None),
        "PodScheduled": ("True", None),
        "strongroom.io/volumes": ("False", "RefreshFailed"),
    }
    assert all(c["observedGeneration"] == 3 for c in tree["conditions"])
    first = tree["containerStatuses"][0]
    assert first["containerID"] == "strongroom://id-a"
    assert first["state"] == {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


def test_conditions_remember_since_when() -> None:
    conditions = Conditions()
    assert conditions.make("Ready", "True", "t1")["lastTransitionTime"] == "t1"
    assert conditions.make("Ready", "True", "t2")["lastTransitionTime"] == "t1"
    assert conditions.make("Ready", "False", "t3")["lastTransitionTime"] == "t3"


def test_an_outcome_fails_the_pod() -> None:
    pod = make()
    tree = pod_status(
        pod,
        records(pod, "up", "new"),
        node=NODE,
        conditions=Conditions(),
        started_at=START,
        now=START,
        prepared=True,
        outcome=Outcome("DeadlineExceeded", "too long"),
    )
    assert (tree["phase"], tree["reason"]) == ("Failed", "DeadlineExceeded")
    assert tree["containerStatuses"][1]["state"] == {"waiting": {"reason": "ContainerCreating"}}


def test_a_restarted_agent_goes_on_counting() -> None:
    pod = make()
    tree = codec.to_tree(pod)
    tree["status"] = {
        "containerStatuses": [
            {
                "name": "a",
                "restartCount": 4,
                "containerID": "strongroom://x",
                "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
            },
            {
                "name": "b",
                "restartCount": 2,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 5, "reason": "Error"}},
            },
        ]
    }
    a, b = records_of(codec.from_tree(tree, Pod), START)
    assert (a.restarts, b.restarts) == (4, 2)
    assert isinstance(a.ended, Ended)
    assert (a.ended.code, a.ended.reason, a.ended.container_id) == (
        137,
        "ContainerStatusUnknown",
        "x",
    )
    assert b.ended is not None
    assert b.ended.code == 5
    a.begin("y", START)
    assert a.restarts == 5
