"""The line that kubectl shows of a pod."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod import PODS
from strongroom.resources.pod_status import PodStatus
from tests.resources.making import NOW, made, running_pod

_RUNNING = {"name": "main", "ready": True, "state": {"running": {}}}
_INIT = [{"name": "one", "image": "i"}, {"name": "two", "image": "i"}]
_DONE = {"name": "one", "state": {"terminated": {"exitCode": 0}}}


def _row(status: dict[str, Any], **spec: Any) -> list[Any]:
    obj = running_pod(**spec)
    obj.status = made({"phase": "Running"} | status, PodStatus)
    return list(PODS.columns_of(obj, NOW))


def _state(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "main", "state": state}]}


def test_columns() -> None:
    assert [(c.name, c.priority) for c in PODS.columns] == [
        ("Name", 0),
        ("Ready", 0),
        ("Status", 0),
        ("Restarts", 0),
        ("Age", 0),
        ("IP", 1),
        ("Node", 1),
        ("Nominated Node", 1),
        ("Readiness Gates", 1),
    ]
    status = {"containerStatuses": [_RUNNING], "podIPs": [{"ip": "10.0.0.1"}]}
    assert _row(status) == [
        "web", "1/1", "Running", "0", "<unknown>", "10.0.0.1", "node-1", "<none>", "<none>",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({"phase": "Pending"}, "Pending"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        (_state(waiting={"reason": "CreateContainerConfigError"}), "CreateContainerConfigError"),
        (_state(terminated={"exitCode": 0, "reason": "Completed"}), "Completed"),
        (_state(terminated={"exitCode": 3}), "ExitCode:3"),
        (_state(terminated={"exitCode": 137, "signal": 9}), "Signal:9"),
    ],
)
def test_the_word_for_a_state(status: dict[str, Any], word: str) -> None:
    assert _row(status)[2] == word


def test_a_pod_with_one_container_done_and_one_running() -> None:
    done = {"name": "b", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
    status: dict[str, Any] = {"containerStatuses": [done, _RUNNING]}
    assert _row(status)[2] == "NotReady"
    status["conditions"] = [{"type": "Ready", "status": "True"}]
    assert _row(status)[2] == "Running"


@pytest.mark.parametrize(
    ("second", "word"),
    [
        ({"name": "two", "state": {"running": {}}}, "Init:1/2"),
        ({"name": "two", "state": {"waiting": {"reason": "PodInitializing"}}}, "Init:1/2"),
        ({"name": "two", "state": {"waiting": {"reason": "ErrImagePull"}}}, "Init:ErrImagePull"),
        ({"name": "two", "state": {"terminated": {"exitCode": 2}}}, "Init:ExitCode:2"),
        (
            {"name": "two", "state": {"terminated": {"exitCode": 2, "reason": "Error"}}},
            "Init:Error",
        ),
        ({"name": "two", "state": {"terminated": {"exitCode": 0}}}, "Pending"),
    ],
)
def test_init_containers(second: dict[str, Any], word: str) -> None:
    status = {"phase": "Pending", "initContainerStatuses": [_DONE, second]}
    assert _row(status, initContainers=_INIT)[2] == word


def test_a_sidecar_counts_among_the_containers() -> None:
    sidecar = {"name": "one", "image": "i", "restartPolicy": "Always"}
    up = {
        "name": "one",
        "started": True,
        "ready": True,
        "restartCount": 2,
        "state": {"running": {}},
    }
    status = {"initContainerStatuses": [up], "containerStatuses": [_RUNNING]}
    assert _row(status, initContainers=[sidecar])[1:4] == ["2/2", "Running", "2"]


def test_restarts_tell_when_the_last_one_was() -> None:
    ended = {"exitCode": 1, "finishedAt": "2026-01-02T03:03:05Z"}
    status = _RUNNING | {"restartCount": 3, "lastState": {"terminated": ended}}
    assert _row({"containerStatuses": [status]})[3] == "3 (60s ago)"
    assert _row({"containerStatuses": [_RUNNING | {"restartCount": 3}]})[3] == "3"


def test_deletion() -> None:
    obj = running_pod()
    obj.metadata.deletionTimestamp = "2026-01-02T03:04:35Z"
    assert PODS.columns_of(obj, NOW)[2] == "Terminating"
    obj.status.reason = "NodeLost"
    assert PODS.columns_of(obj, NOW)[2] == "Unknown"
    obj.status.reason, obj.status.phase = "", "Succeeded"
    assert PODS.columns_of(obj, NOW)[2] == "Succeeded"


def test_readiness_gates() -> None:
    gates = [{"conditionType": "a.b/c"}, {"conditionType": "a.b/d"}]
    status = {"conditions": [{"type": "a.b/c", "status": "True"}]}
    assert _row(status, readinessGates=gates)[8] == "1/2"
