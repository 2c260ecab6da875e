"""What ``kubectl get pods`` shows of a pod: readiness, a word for its state, restarts.

The word is upstream's (``printPod``): the reason of what stands in the way, the earliest init
container first, and otherwise the phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from strongroom.api.table import human_age
from strongroom.resources.columns import NONE
from strongroom.resources.pod_container_status import (
    ContainerState,
    ContainerStateTerminated,
    ContainerStatus,
)
from strongroom.resources.pod_containers import restarts_always
from strongroom.resources.pod_object import Pod
from strongroom.resources.pod_status import PodCondition


def ready(pod: Pod, now: datetime) -> str:
    """Containers that are ready of all that go on running, as ``1/2``."""
    sidecars = _sidecars(pod)
    count = len(pod.spec.containers) + len(sidecars)
    total = sum(s.ready for s in pod.status.initContainerStatuses if _up(s, sidecars))
    if _initialized(pod):
        total += sum(s.ready and s.state.running is not None for s in pod.status.containerStatuses)
    return f"{total}/{count}"


def status_word(pod: Pod, now: datetime) -> str:
    """The reason, phase or progress that says best how the pod is doing."""
    if pod.metadata.deletionTimestamp:
        if pod.status.reason == "NodeLost":
            return "Unknown"
        if pod.status.phase not in ("Succeeded", "Failed"):
            return "Terminating"
    word = pod.status.reason or pod.status.phase
    if any(c.type == "PodScheduled" and c.reason == "SchedulingGated" for c in _conditions(pod)):
        word = "SchedulingGated"
    if waiting := _init_word(pod):
        word = waiting
    return _container_word(pod, word) if _initialized(pod) else word


def restarts(pod: Pod, now: datetime) -> str:
    """How often containers were restarted, and how long ago the last time was."""
    statuses = pod.status.initContainerStatuses
    if _initialized(pod):
        sidecars = _sidecars(pod)
        statuses = [s for s in statuses if s.name in sidecars] + pod.status.containerStatuses
    count = sum(s.restartCount for s in statuses)
    ended = [s.lastState.terminated.finishedAt for s in statuses if s.lastState.terminated]
    if count and any(ended):
        return f"{count} ({human_age(max(ended), now)} ago)"
    return str(count)


def readiness_gates(pod: Pod, now: datetime) -> str:
    """Readiness gates whose condition is true, of all."""
    gates = pod.spec.readinessGates
    if not gates:
        return NONE
    true = {c.type for c in _conditions(pod) if c.status == "True"}
    return f"{sum(gate.conditionType in true for gate in gates)}/{len(gates)}"


def _conditions(pod: Pod) -> Sequence[PodCondition]:
    return pod.status.conditions


def _sidecars(pod: Pod) -> set[str]:
    return {c.name for c in pod.spec.initContainers if restarts_always(c)}


def _up(status: ContainerStatus, sidecars: set[str]) -> bool:
    return status.name in sidecars and bool(status.started) and status.state.terminated is None


def _initialized(pod: Pod) -> bool:
    """Whether the containers themselves tell the state, and no longer the init containers."""
    if not _init_word(pod):
        return True
    return any(c.type == "Initialized" and c.status == "True" for c in _conditions(pod))


def _init_word(pod: Pod) -> str:
    """What the first init container that is not done stands for; empty when all are."""
    sidecars = _sidecars(pod)
    for i, status in enumerate(pod.status.initContainerStatuses):
        state = status.state
        if state.terminated and state.terminated.exitCode == 0:
            continue
        if status.name in sidecars and status.started:
            continue
        return f"Init:{_init_state(state) or f'{i}/{len(pod.spec.initContainers)}'}"
    return ""


def _init_state(state: ContainerState) -> str:
    if state.terminated:
        return _ending(state.terminated)
    reason = state.waiting.reason if state.waiting else ""
    return "" if reason == "PodInitializing" else reason


def _ending(ended: ContainerStateTerminated) -> str:
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exitCode}"


def _container_word(pod: Pod, word: str) -> str:
    running = False
    # Backwards, so that the first container with something to say has the last word.
    for status in reversed(pod.status.containerStatuses):
        state = status.state
        if state.waiting and state.waiting.reason:
            word = state.waiting.reason
        elif state.terminated:
            word = _ending(state.terminated)
        elif status.ready and state.running:
            running = True
    if word == "Completed" and running:
        up = any(c.type == "Ready" and c.status == "True" for c in _conditions(pod))
        return "Running" if up else "NotReady"
    return word
